"""strongSwan in a virtual machine, with the kernel's ESP."""

import re
from pathlib import Path

from .guest import Guest
from .laboratory import Lab
from .netns import Namespace
from .process import CommandFailed, wait_until
from .vici import Failed

_SETTINGS = """
charon {
    load_modular = yes
    plugins {
        include /etc/strongswan.d/charon/*.conf
    }
    filelog {
        log {
            path = /run/charon.log
            default = 1
            flush_line = yes
        }
    }
    %SETTINGS%
}
"""


class GuestDaemon:
    """What one does with a daemon in `self.guest`, by swanctl in that guest."""

    guest: Guest

    def swanctl(self, words: str, *, timeout_s: float = 60) -> str:
        raise NotImplementedError

    def initiate(self, child: str, *, timeout_s: float = 30) -> None:
        try:
            self.swanctl(f"--initiate --child {child} --timeout {int(timeout_s)}", timeout_s=timeout_s + 30)
        except CommandFailed as error:
            raise Failed(str(error)) from error

    def terminate(self, *, timeout_s: float = 30, **what: str) -> None:
        words = " ".join(f"--{key} {value}" for key, value in what.items())
        self.swanctl(f"--terminate {words} --timeout {int(timeout_s)}", timeout_s=timeout_s + 30)

    def rekey(self, **what: str) -> None:
        self.swanctl("--rekey " + " ".join(f"--{key} {value}" for key, value in what.items()))

    def sas(self) -> list[dict]:
        """As vici.list_sas returns them."""
        return [read_raw(line) for line in self.swanctl("--list-sas --raw").splitlines() if line.startswith("list-sa event")]

    def xfrm_states(self) -> str:
        """The SAs that the kernel has, as it prints them."""
        return self.guest.run("cat /proc/net/xfrm_stat; ip -s xfrm state", check=False)


class KernelStrongSwan(GuestDaemon):
    """`charon` with its usual kernel interface in a guest that takes the place of `host`; `config` is swanctl.conf."""

    def __init__(self, lab: Lab, host: Namespace, config: str, *, files: dict[str, Path] | None = None, settings: str = "",
                 address: str = "192.0.2.2/24", inner: str = "10.2.0.1/24"):
        self.host = host
        contents: dict[str, str | Path] = {
            "etc/lab/strongswan.conf": _SETTINGS.replace("%SETTINGS%", settings),
            "etc/lab/swanctl/swanctl.conf": config,
        }
        contents |= {f"etc/lab/swanctl/{name}": path for name, path in (files or {}).items()}
        self.guest = Guest(lab, host, "strongswan", address=address, inner=inner, files=contents)
        self.guest.run("STRONGSWAN_CONF=/etc/lab/strongswan.conf /usr/lib/ipsec/charon >/run/charon.out 2>&1 &")
        wait_until(lambda: "charon.vici" in self.guest.run("ls /run"), "charon's control socket", timeout_s=60)
        self.swanctl("--load-all --noprompt")

    def swanctl(self, words: str, *, timeout_s: float = 60) -> str:
        return self.guest.run(f"SWANCTL_DIR=/etc/lab/swanctl swanctl {words}", timeout_s=timeout_s)

    def log(self) -> str:
        return self.guest.run("cat /run/charon.log", check=False)


def read_raw(line: str) -> dict:
    """One SA of `swanctl --raw`: nested `{key=value key=[a b] section {…}}`, under its name."""
    tokens = iter(re.findall(r"[{}]|\[[^\]]*\]|[^\s{}=\[\]]+=?", line.split("event", 1)[1]))

    def section() -> dict:
        content: dict = {}
        for token in tokens:
            if token == "}":
                break
            if token.endswith("="):
                value = next(tokens)
                content[token[:-1]] = value[1:-1].split() if value.startswith("[") else value
            elif next(tokens) == "{":
                content[token] = section()
        return content

    assert next(tokens) == "{"
    (name, sa), = section().items()
    return {"name": name, **sa}
