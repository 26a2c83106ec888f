"""What the interop scenarios share: Cygnet and strongSwan as two gateways, and the comparison of their state.

    10.1.0.1 [cygnet] 192.0.2.1 ---- 192.0.2.2 [strongswan] 10.2.0.1

A scenario may lay another path between them. Its folder holds `script.py` with CASES and run(), and cygnet.conf,
strongswan.conf and expected.json, each of which is common/'s where the folder has none.
"""

import json
import string
from dataclasses import dataclass, field
from pathlib import Path

from lab import CommandFailed, Lab, Namespace, wait_until
from lab.cygnet import Cygnet
from lab.pki import Authority
from lab.strongswan import StrongSwan
from lab.traffic import NumberedStream, ping
from lab.vici import REQUEST, Failed

_HERE = Path(__file__).resolve().parent

CYGNET, STRONGSWAN = "cygnet", "strongswan"
ENDS = (CYGNET, STRONGSWAN)

# How the ends authenticate: the `auth` of Cygnet and of strongSwan, and the kind of keys where it takes certificates.
# Cygnet signs with RSA-PSS where it can; strongSwan only when told to, and then it demands it of the peer too.
AUTHENTICATION = {
    "psk": ("psk", "psk", None),
    "ecdsa": ("pubkey", "pubkey", "ecdsa256"),
    "rsa-pss": ("pubkey", "ike:rsa/pss-sha256", "rsa2048"),
    "ed25519": ("pubkey", "pubkey", "ed25519"),
}

# Which keys they agree on: strongSwan's proposals, Cygnet's lines, and what both then report.
# For the hybrid exchange Cygnet names no IKE proposals, because that is what it offers by default; by default its child
# SAs have no key exchange of their own, so that one is named.
KEY_EXCHANGES = {
    "hybrid": {
        "strongswan_proposals": "aes256gcm16-prfsha384-x25519-ke1_mlkem768",
        "strongswan_esp_proposals": "aes256gcm16-x25519-ke1_mlkem768",
        "cygnet_child": "esp_proposals = aes256gcm16-x25519-ke1_mlkem768",
        "ake1": "ML_KEM_768",
    },
    "classic": {
        "strongswan_proposals": "aes256gcm16-prfsha384-x25519",
        "strongswan_esp_proposals": "aes256gcm16-x25519",
        "cygnet_ike": "proposals = aes256gcm16-prfsha384-x25519",
        "cygnet_child": "esp_proposals = aes256gcm16-x25519",
        "ake1": None,
    },
}

DIRECT = {"cygnet_address": "192.0.2.1", "strongswan_address": "192.0.2.2"}


class Mismatch(Exception):
    """The ends do not report the state that the scenario expects."""


@dataclass
class Case:
    """The values of one run of a scenario; `words` go into the configurations' templates."""

    initiator: str = CYGNET
    authentication: str = "psk"
    key_exchange: str = "hybrid"
    words: dict[str, str] = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    expired: str = ""  # The end whose certificate is.
    strangers: bool = False  # Each end has a CA of its own, which the other does not know.
    settings: str = ""  # For strongSwan's section charon.

    def template_words(self) -> dict[str, str]:
        cygnet_auth, strongswan_auth, key_kind = AUTHENTICATION[self.authentication]
        words = {"cygnet_auth": cygnet_auth, "strongswan_auth": strongswan_auth, **DIRECT}
        for end, peer, selector in ((CYGNET, STRONGSWAN, "10.1.0.0/24"), (STRONGSWAN, CYGNET, "10.2.0.0/24")):
            words |= {f"{end}_{kind}": "" for kind in ("ike", "child", "more")}  # Further lines, each in its section.
            words |= {
                f"{end}_certs": f"certs = {end}.pem" if key_kind else "",
                f"{end}_peer": f"{peer}.example",
                f"{end}_secret": "the two of them know it",
                f"{end}_ts": selector,
            }
        words |= {key: value for key, value in KEY_EXCHANGES[self.key_exchange].items() if key != "ake1"}
        return words | self.words

    def expected_words(self) -> dict:
        """Values for expected.json. The first child of an IKE SA has no key exchange of its own."""
        return {
            "cygnet_initiates": "yes" if self.initiator == CYGNET else None,
            "strongswan_initiates": "yes" if self.initiator == STRONGSWAN else None,
            "ake1": KEY_EXCHANGES[self.key_exchange]["ake1"],
            "child_group": None,
            "child_ake1": None,
        }


class Gateways:
    """The two gateways of a case, configured and running; no tunnel yet."""

    def __init__(self, lab: Lab, case: Case, folder: Path, *, hosts: tuple[Namespace, Namespace] | None = None,
                 daemons=(Cygnet, StrongSwan), workers: str = ""):
        self._options = {CYGNET: {"options": ("--workers", workers)} if workers else {}, STRONGSWAN: {}}  # Cygnet's ESP threads.
        self.lab, self.case, self._folder = lab, case, folder
        self.hosts = dict(zip(ENDS, hosts or lab.pair()))
        self.authority: Authority | None = None  # Whose certificates Cygnet trusts.
        self._files = self._credentials()
        self._daemons = dict(zip(ENDS, daemons))
        self.ends = {}
        for end in ENDS:
            self.start(end)

    def start(self, end: str, **options):
        """Starts an end's daemon, for the first time or again (under another `name`)."""
        if self.case.settings and end == STRONGSWAN:
            options["settings"] = self.case.settings
        options = self._options[end] | options
        config = self._fill(f"{end}.conf")
        self.ends[end] = self._daemons[end](self.lab, self.hosts[end], config, files=self._files[end], **options)
        return self.ends[end]

    @property
    def initiator(self):
        return self.ends[self.case.initiator]

    def up(self, *, timeout_s: float = 30) -> None:
        """Brings the tunnel up from the case's initiator, and waits until the other end says so too."""
        self.initiator.initiate("net", timeout_s=timeout_s)
        wait_until(lambda: all(children(end) for end in self.ends.values()), "the child SA at both ends", timeout_s=3)

    def rekey(self, end: str, **what: str) -> None:
        """Rekeys from one end and waits until both ends have settled on the new SA."""
        before = self.spis(what)
        self.ends[end].rekey(**what)
        wait_until(lambda: not set(self.spis(what)) & set(before), f"the rekeyed {what}")
        self.settle()

    def rekey_at_once(self, **what: str) -> None:
        """Has both ends rekey at the same moment, and waits until they have settled on one new SA."""
        before = self.spis(what)
        with self.ends[CYGNET].vici() as one, self.ends[STRONGSWAN].vici() as other:
            for session in (one, other):
                session.send(REQUEST, "rekey", what)
            for session in (one, other):
                session.receive()
        wait_until(lambda: not set(self.spis(what)) & set(before), f"the rekeyed {what}")
        self.settle()

    def settle(self) -> None:
        wait_until(lambda: all(len(self.sas(name)) == 1 and len(children(self.ends[name])) == 1 for name in ENDS),
                   "one IKE SA with one child SA at each end")

    def spis(self, what: dict) -> list[str]:
        """The SPIs of the IKE SAs or of the child SAs at both ends."""
        if "ike" in what:
            return [sa["initiator-spi"] for end in ENDS for sa in self.sas(end)]
        return [child["spi-in"] for end in self.ends.values() for child in children(end)]

    def sas(self, end: str) -> list[dict]:
        """The IKE SAs of an end, without those that are not up yet or on their way out."""
        return [settled(sa) for sa in self.ends[end].sas() if sa["state"] not in ("CONNECTING", "DELETING", "REKEYED")]

    def ping(self, count: int = 3) -> None:
        """Pings through the tunnel both ways; the very first packet may meet a device that is still coming up."""
        for source, destination in (("10.1.0.1", "10.2.0.1"), ("10.2.0.1", "10.1.0.1")):
            host = self.hosts[CYGNET if source == "10.1.0.1" else STRONGSWAN]
            result = ping(host, destination, source=source, count=count)
            if result.lost:
                raise Mismatch(f"{result.lost} of {result.sent} pings from {source} to {destination} were lost")

    def streams(self, *, may_lose: int = 0) -> "Streams":
        return Streams(self, may_lose)

    def expect(self, **changes) -> None:
        """Compares the state of both ends with expected.json, in which `changes` replace the case's words."""
        text = string.Template(self._text("expected.json")).substitute(
            {key: json.dumps(value) for key, value in (self.case.expected_words() | changes).items()})
        expected = json.loads(text)
        for end in ENDS:
            differences = list(compare(expected[end], self.sas(end), end))
            if differences:
                raise Mismatch("\n".join(differences))
        self._expect_agreement()

    def expect_nothing(self) -> None:
        wait_until(lambda: not any(end.sas() for end in self.ends.values()), "no SA at either end", timeout_s=10)

    def expect_refusal(self, why: str, **options) -> None:
        """The attempt fails and leaves nothing; `why` says what is wrong if a tunnel comes up."""
        try:
            self.up(**options)
        except (CommandFailed, Failed, TimeoutError):  # what a daemon says or does not do; a broken laboratory raises something else
            return self.expect_nothing()
        raise Mismatch(why)

    def _expect_agreement(self) -> None:
        """What one end calls outbound is the other's inbound."""
        for ours, theirs in zip(self.sas(CYGNET), self.sas(STRONGSWAN)):
            pairs = [(ours[spi], theirs[spi]) for spi in ("initiator-spi", "responder-spi")]
            for our_child, their_child in zip(ours["child-sas"], theirs["child-sas"]):
                pairs += [(our_child["spi-in"], their_child["spi-out"]), (our_child["spi-out"], their_child["spi-in"])]
            for our_spi, their_spi in pairs:
                if our_spi != their_spi:
                    raise Mismatch(f"the ends disagree on an SPI: {our_spi} and {their_spi}")

    def certificate(self, end: str) -> Path:
        return self._files[end][f"x509/{end}.pem"]

    def _fill(self, name: str) -> str:
        return string.Template(self._text(name)).substitute(self.case.template_words())

    def _text(self, name: str) -> str:
        own = self._folder / name
        return (own if own.exists() else _HERE / "common" / name).read_text()

    def _credentials(self) -> dict[str, dict[str, Path]]:
        """The files that stand beside each end's configuration, for both daemons in folders of the same names."""
        _, _, key_kind = AUTHENTICATION[self.case.authentication]
        files: dict[str, dict[str, Path]] = {end: {} for end in ENDS}
        if key_kind:
            authorities = dict.fromkeys(ENDS, Authority(self.lab.folder, key_kind))
            if self.case.strangers:
                authorities[STRONGSWAN] = Authority(self.lab.folder, key_kind)
            self.authority = authorities[CYGNET]
            self.authority.crl_url = self.case.options.get("crl_url", "")
            self.authority.ocsp_url = self.case.options.get("ocsp_url", "")
            for end in ENDS:
                certificate, key = authorities[end].issue(f"{end}.example", expired=self.case.expired == end)
                files[end] = {
                    f"x509/{end}.pem": certificate,
                    f"private/{end}.pem": key,
                    "x509ca/ca.pem": authorities[end].certificate,
                }
        return files


class Streams:
    """A numbered UDP stream in each direction through the tunnel while the `with` block runs; each loses at most `may_lose`."""

    def __init__(self, gateways: Gateways, may_lose: int):
        self._may_lose = may_lose
        cygnet, strongswan, lab = gateways.hosts[CYGNET], gateways.hosts[STRONGSWAN], gateways.lab
        self._streams = [
            NumberedStream(lab, cygnet, strongswan, "10.2.0.1", source="10.1.0.1", packets_per_s=300),
            NumberedStream(lab, strongswan, cygnet, "10.1.0.1", source="10.2.0.1", packets_per_s=300),
        ]

    def __enter__(self) -> "Streams":
        for stream in self._streams:
            stream.__enter__()
        return self

    def __exit__(self, kind, error, trace) -> None:
        for stream in self._streams:
            stream.__exit__(kind, error, trace)
        if kind is None and any(len(stream.lost) > self._may_lose for stream in self._streams):
            raise Mismatch("to strongSwan: {}; to Cygnet: {}".format(*(stream.summary() for stream in self._streams)))

    def wait_for_packets(self, count: int) -> None:
        for stream in self._streams:
            stream.wait_for_packets(count)


def children(end) -> list[dict]:
    """The installed child SAs of all IKE SAs of an end."""
    return [child for sa in end.sas() for child in settled(sa)["child-sas"]]


def settled(sa: dict) -> dict:
    """The SA with its children as a list, without those that are already deleted and only await late packets."""
    alive = [child for child in sa["child-sas"].values() if child["state"] not in ("DELETED", "DELETING", "REKEYED")]
    return {**sa, "child-sas": alive}


def compare(expected, actual, place: str):
    """Names every place where `actual` lacks or contradicts what is expected; more than that it may hold.

    An expected null means that the key must be absent.
    """
    if isinstance(expected, dict):
        for key, value in expected.items():
            if value is None:
                if key in actual:
                    yield f"{place}.{key} is {actual[key]!r}, expected none"
            elif key not in actual:
                yield f"{place}.{key} is missing, expected {value!r}"
            else:
                yield from compare(value, actual[key], f"{place}.{key}")
    elif isinstance(expected, list):
        if len(expected) != len(actual):
            yield f"{place} has {len(actual)} entries, expected {len(expected)}: {actual!r}"
        else:
            for index, value in enumerate(expected):
                yield from compare(value, actual[index], f"{place}[{index}]")
    elif expected != actual:
        yield f"{place} is {actual!r}, expected {expected!r}"
