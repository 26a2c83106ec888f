"""What the end-to-end tests share: the registry of scenarios, configurations, and two gateways."""

import functools
import importlib
from pathlib import Path

from lab import Lab, wait_until
from lab.cygnet import Cygnet
from lab.laboratory import SKIPPED
from lab.netns import Namespace
from lab.traffic import ping

__all__ = ["SKIPPED", "Gateways", "connection", "configuration", "counter", "load_all", "scenario", "secret", "Lab",
           "Cygnet", "Namespace", "ping", "wait_until", "PSK", "carries_traffic", "certificate_files", "established"]

PSK = "an end-to-end secret"
MODULES = ("tunnels", "children", "rekeying", "refusals", "why", "keep_up", "hostile", "lifecycle", "transports", "revocation", "signatures",
           "in_the_clear", "ah", "mobility", "suites", "sizes", "modes", "workers", "ppk", "large_keys", "kems")
_scenarios: dict = {}


def scenario(function):
    """Registers `function(lab)` as a test under its name; it runs in a laboratory of its own."""

    @functools.wraps(function)
    def in_laboratory():
        with Lab(function.__name__.replace("_", "-")) as lab:
            function(lab)

    _scenarios[function.__name__] = in_laboratory
    return function


def load_all() -> dict:
    """Every test by name, in the order of the modules."""
    for module in MODULES:
        importlib.import_module(module)
    return _scenarios


def _lines(values: dict, indent: str) -> str:
    out = ""
    for key, value in values.items():
        if isinstance(value, dict):
            out += f"{indent}{key} {{\n{_lines(value, indent + '    ')}{indent}}}\n"
        else:
            out += f"{indent}{key} = {value}\n"
    return out


def configuration(*sections: dict) -> str:
    """swanctl.conf's text of these sections; equal names are merged, so that each may bring its own connections."""
    merged: dict = {}

    def merge(into: dict, part: dict) -> None:
        for key, value in part.items():
            if isinstance(value, dict):
                merge(into.setdefault(key, {}), value)
            else:
                into[key] = value

    for section in sections:
        merge(merged, section)
    return _lines(merged, "")


def secret(text: str = PSK, *, name: str = "ike-1", ids: tuple[str, ...] = ()) -> dict:
    owners = {f"id-{number}": owner for number, owner in enumerate(ids)}
    return {"secrets": {name: {**owners, "secret": f'"{text}"'}}}


def connection(name: str, local: str, remote: str, *, auth: str = "psk", local_id: str, remote_id: str, local_ts: str = "dynamic",
               remote_ts: str = "dynamic", certificate: str | None = None, child: dict | None = None,
               remote_keys: dict | None = None, more_children: dict | None = None, **keys) -> dict:
    """One connection with one child of the same name and `more_children`; `keys` go into the connection, `child` into the
    child, `remote_keys` into its remote section."""
    own = {"auth": auth, "id": local_id} | ({"certs": certificate} if certificate else {})
    return {"connections": {name: {
        "local_addrs": local, "remote_addrs": remote, **keys,
        "local": own, "remote": {"auth": auth, "id": remote_id, **(remote_keys or {})},
        "children": {name: {"local_ts": local_ts, "remote_ts": remote_ts, **(child or {})}, **(more_children or {})},
    }}}


class Gateways:
    """Two hosts on one wire with a cygnetd each, and the connection `net` between 10.1.0.0/24 and 10.2.0.0/24.

    `left_keys`, `right_keys` and `keys` (both) go into the connection, `child` into the child of both. With an `authority` of
    lab.pki the two authenticate by certificates of `kind`. `options` are of both daemons' command lines, `more`
    further sections of both configurations.
    """

    def __init__(self, lab: Lab, *, mtu: int = 1500, authority=None, kind: str | None = None, child: dict | None = None,
                 left_keys: dict | None = None, right_keys: dict | None = None, options: tuple[str, ...] = (),
                 more: dict | None = None, **keys):
        self.lab = lab
        self.hosts = lab.pair(mtu=mtu)
        sides = (("left", "192.0.2.1", "10.1.0.0/24", left_keys), ("right", "192.0.2.2", "10.2.0.0/24", right_keys))
        daemons, self.files = [], {}
        for own, other, host in zip(sides, reversed(sides), self.hosts):
            files, auth = {}, {"auth": "psk"}
            if authority:
                files, auth = certificate_files(authority, own[0], kind), {"auth": "pubkey", "certificate": "own.pem"}
            config = configuration(secret(), connection(
                "net", own[1], other[1], local_id=f"{own[0]}.example", remote_id=f"{other[0]}.example", local_ts=own[2],
                remote_ts=other[2], child=child, **auth, **keys, **(own[3] or {})), more or {})
            self.files[own[0]] = files
            daemons.append(Cygnet(lab, host, config, files=files, options=options))
        self.left, self.right = daemons
        self.left_host, self.right_host = self.hosts

    def up(self) -> "Gateways":
        self.left.up("net")
        carries_traffic(self)
        return self


def certificate_files(authority, name: str, kind: str | None = None, **options) -> dict[str, Path]:
    """Issues a certificate for `name`.example and says where it, its key and the CA belong beside a configuration."""
    certificate, key = authority.issue(f"{name}.example", kind=kind, **options)
    return {"x509/own.pem": certificate, "private/own.pem": key, "x509ca/ca.pem": authority.certificate}


def carries_traffic(gateways: Gateways) -> None:
    result = ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", count=5)
    assert result.lost == 0, result


def settled(daemon: Cygnet) -> dict | None:
    """Its one IKE SA, as `established` gives it; None while there are others, or a rekey is under way."""
    sas = daemon.sas()
    children = [child for sa in sas for child in sa["child-sas"].values()]
    if [sa["state"] for sa in sas] == ["ESTABLISHED"] and [child["state"] for child in children] == ["INSTALLED"]:
        return {**sas[0], "child": children[0]}
    return None


def established(daemon: Cygnet, connection_name: str = "net") -> dict:
    """The one IKE SA of a connection, which must be established with one installed child."""
    sas = [sa for sa in daemon.sas() if sa["name"] == connection_name]
    assert [sa["state"] for sa in sas] == ["ESTABLISHED"], sas
    children = list(sas[0]["child-sas"].values())
    assert [child["state"] for child in children] == ["INSTALLED"], children
    return {**sas[0], "child": children[0]}


def counter(daemon: Cygnet, name: str) -> int:
    """One of the daemon's counters over all connections."""
    with daemon.vici() as session:
        sections = session.request("get-counters", {})["counters"]
    return sum(int(section.get(name, 0)) for section in sections.values())
