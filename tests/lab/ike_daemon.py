"""What one does with an IKE daemon through its control socket, whichever daemon it is."""

from pathlib import Path

from . import vici


class IkeDaemon:
    """A daemon with a VICI socket at `self.socket`. What it refuses raises vici.Failed with its reason."""

    socket: Path

    def vici(self) -> vici.Session:
        """A new control connection: `with daemon.vici() as session: session.request("stats")`."""
        return vici.Session(self.socket)

    def answers(self) -> bool:
        try:
            with self.vici() as session:
                return "version" in session.request("version")
        except OSError:
            return False

    def initiate(self, child: str, *, timeout_s: float = 30) -> None:
        """Sets up a child SA, with its IKE SA where there is none, and waits until it is up."""
        with self.vici() as session:
            session.stream("initiate", "control-log", {"child": child, "timeout": int(timeout_s * 1000)})

    def terminate(self, *, timeout_s: float = 30, **what: str) -> None:
        """`terminate(ike="gw")` or `terminate(child="net")`; returns when they are gone."""
        with self.vici() as session:
            session.stream("terminate", "control-log", {**what, "timeout": int(timeout_s * 1000)})

    def rekey(self, **what: str) -> None:
        """`rekey(child="net")` or `rekey(ike="gw")`; returns when it has begun."""
        with self.vici() as session:
            session.request("rekey", what)

    def sas(self) -> list[dict]:
        """The IKE SAs with their children, as vici.list_sas returns them."""
        with self.vici() as session:
            return vici.list_sas(session)
