"""`cygnet why`: for each typical mistake the exact sentence, the same in the log, and its advice makes the tunnel come up."""

from dataclasses import dataclass

from lab import wait_until
from lab.pki import Authority

from scenario import Cygnet, certificate_files, configuration, connection, scenario, secret

LEFT, RIGHT = "192.0.2.1", "192.0.2.2"


def side(own: str, *secrets: dict, **keys) -> str:
    """The configuration of one end; `keys` replace what is right."""
    ends = {"left": (LEFT, "10.1.0.0/24"), "right": (RIGHT, "10.2.0.0/24")}
    other = "right" if own == "left" else "left"
    remote_auth = keys.pop("remote_auth", None)
    values = {"local_id": f"{own}.example", "remote_id": f"{other}.example", "local_ts": ends[own][1], "remote_ts": ends[other][1]}
    remote = keys.pop("remote_addrs", ends[other][0])
    made = connection("net", ends[own][0], remote, **{**values, **keys})
    if remote_auth:
        made["connections"]["net"]["remote"]["auth"] = remote_auth
    return configuration(*(secrets or (secret(),)), made)


@dataclass
class Mistake:
    """`left` initiates. `at_left` and `at_right`: what why says there; `mended`: the configurations after its advice."""
    left: str
    right: str
    mended: tuple[str, str]
    at_left: str = ""
    at_right: str = ""
    child: bool = False  # the IKE SA is up, only its child is not
    strangers: str = ""  # at the right


MISTAKES = {
    "proposals": Mistake(
        side("left", proposals="aes128-sha256-modp2048"), side("right", proposals="aes256gcm16-prfsha384-ecp384"),
        (side("left", proposals="aes128-sha256-modp2048"),
         side("right", proposals="aes256gcm16-prfsha384-ecp384, aes128-sha256-modp2048")),
        at_right="no IKE proposal in common, the nearest two differ in encryption, integrity, PRF and key exchange (here: "
                 "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384; the peer: "
                 "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048): add aes128-sha256-modp2048 to "
                 "connections.net.proposals, or aes256gcm16-prfsha384-ecp384 to the peer's proposals",
        at_left="the peer accepts none of our IKE proposals (NO_PROPOSAL_CHOSEN) (here: "
                "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048): find in the peer's configuration or log what "
                "it accepts, and add that to connections.net.proposals"),
    "secrets": Mistake(
        side("left", secret("one")), side("right", secret("another")), (side("left", secret("one")), side("right", secret("one"))),
        at_right="the pre-shared keys of right.example and left.example differ (here: secrets.ike-1; the peer: another one): copy "
                 "the same secret to both sides, and mind that the peer may find another section of its own for right.example",
        at_left="the peer refused our IKE_AUTH (here: we are left.example with a pre-shared key; the peer: "
                "AUTHENTICATION_FAILED): check at the peer that its remote.id accepts left.example with remote.auth = psk, that "
                "it is the local.id which our remote.id asks for, and that the secret is the same on both sides; its log says "
                "which"),
    "no secret": Mistake(
        side("left", secret(ids=("somebody.example",))), side("right"),
        (side("left", secret(ids=("right.example",))), side("right")),
        at_left="no shared key for left.example and right.example: add a section secrets.ike-<name> with id = right.example and "
                "the secret"),
    "the peer's identity": Mistake(
        side("left", local_id="stranger.example"), side("right"),
        (side("left", local_id="stranger.example"), side("right", remote_id="stranger.example")),
        at_right="the peer is not who net expects (here: remote.id = left.example; the peer: it says that it is "
                 "stranger.example): set remote.id = stranger.example here, or local.id = left.example at the peer"),
    "our identity": Mistake(
        side("left", remote_id="somebody.example"), side("right"),
        (side("left", remote_id="somebody.example"), side("right", local_id="somebody.example")),
        at_right="the peer wants to talk to somebody else than net (here: local.id = right.example; the peer: it asks for "
                 "somebody.example): set local.id = somebody.example here, or remote.id = right.example at the peer"),
    "the method": Mistake(
        side("left"), side("right", remote_auth="pubkey"), (side("left"), side("right", remote_auth="psk")),
        at_right="the peer authenticates in another way than net demands (here: remote.auth = pubkey; the peer: it uses "
                 "a pre-shared key): let remote.auth here and local.auth at the peer be the same"),
    "selectors": Mistake(
        side("left"), side("right", local_ts="10.77.0.0/24"), (side("left"), side("right", local_ts="10.2.0.0/24")),
        child=True,
        at_right="the traffic selectors of the peer fit no child of net (here: net: 10.77.0.0/24 === 10.1.0.0/24; the peer: "
                 "10.2.0.0/24 === 10.1.0.0/24): write local_ts = 10.2.0.0/24 into child net here, or remote_ts = 10.77.0.0/24 "
                 "into the peer's",
        at_left="the peer accepts no part of the traffic selectors of child net (TS_UNACCEPTABLE) (here: 10.1.0.0/24 === "
                "10.2.0.0/24): let local_ts = 10.2.0.0/24 and remote_ts = 10.1.0.0/24 at the peer overlap with "
                "connections.net.children.net here"),
    "the child's proposals": Mistake(
        side("left", child={"esp_proposals": "aes128gcm16"}), side("right", child={"esp_proposals": "aes256gcm16"}),
        (side("left", child={"esp_proposals": "aes128gcm16"}), side("right", child={"esp_proposals": "aes256gcm16, aes128gcm16"})),
        child=True,
        at_right="no ESP proposal in common, the nearest two differ in encryption (here: ESP:AES_GCM_16_256/NO_EXT_SEQ; the peer: "
                 "ESP:AES_GCM_16_128/NO_EXT_SEQ): add aes128gcm16 to esp_proposals of child net, or aes256gcm16 to the peer's "
                 "proposals"),
    "the address": Mistake(
        side("left"), side("right", remote_addrs="192.0.2.77"), (side("left"), side("right", remote_addrs=f"192.0.2.77, {LEFT}")),
        strangers="no connection is configured for 192.0.2.1 calling 192.0.2.2: let remote_addrs of one contain 192.0.2.1 and its "
                  "local_addrs 192.0.2.2, or take the keys out"),
    "the name": Mistake(
        side("left", remote_addrs="nowhere.invalid"), side("right"), (side("left"), side("right"))),
}


def load(daemon: Cygnet, text: str) -> None:
    daemon.configure(text)
    daemon.command("reload")


def sentences(why: dict) -> list[str]:
    return [failure["sentence"] for failure in why["failures"].values()]


def expect(daemon: Cygnet, what: str, sentence: str, *, child: bool) -> None:
    why = daemon.json("why", "net")
    assert sentence in sentences(why), f"{what} at {daemon.name}: {why}"
    # The right end is the responder and has the IKE SA as well.
    assert why["state"] == ("partly-up" if child else "down"), f"{what}: {why}"
    assert sentence in daemon.log(), f"{what}: the log of {daemon.name} lacks the sentence:\n{daemon.log()}"
    assert sentence in daemon.command("why", "net").stdout


def try_mistake(what: str, mistake: Mistake, left: Cygnet, right: Cygnet) -> None:
    load(left, mistake.left)
    load(right, mistake.right)
    outcome = left.command("up", "net", check=False)
    assert outcome.returncode != 0, f"{what}: it came up"
    for daemon, sentence in ((left, mistake.at_left), (right, mistake.at_right)):
        if sentence:
            expect(daemon, what, sentence, child=mistake.child)
    if mistake.strangers:
        strangers = right.json("why")["strangers"]
        assert mistake.strangers in [one["sentence"] for one in strangers], strangers
        assert mistake.strangers in right.command("why").stdout
    if mistake.child:
        left.command("down", "net")
    for daemon, text in zip((left, right), mistake.mended):
        load(daemon, text)
    left.up("net")
    assert left.json("why", "net")["state"] == "up", f"{what}: {left.json('why', 'net')}"
    assert left.json("why", "net")["sentence"].startswith("net is up since")
    left.command("down", "net")
    wait_until(lambda: all(sa["state"] == "CONNECTING" for sa in right.sas()), "the right end knows that it is down")


@scenario
def why_not(lab):
    """Ten mistakes one after the other in the same two daemons."""
    left_host, right_host = lab.pair()
    left, right = Cygnet(lab, left_host, side("left")), Cygnet(lab, right_host, side("right"))
    never = left.json("why", "net")
    assert never["state"] == "never-tried" and "`cygnet up net` begins it" in never["sentence"], never
    for what, mistake in MISTAKES.items():
        try_mistake(what, mistake, left, right)
    down = left.json("why", "net")
    assert down["sentence"] == "net is down: terminated by the operator: `cygnet up net` brings it back", down


@scenario
def why_it_takes_so_long(lab):
    """A peer that does not answer is named while the daemon still tries."""
    left_host, _ = lab.pair()
    left = Cygnet(lab, left_host, side("left"))
    left.command("up", "net", "--timeout", "5", check=False)
    why = left.json("why", "net")
    assert why["state"] == "connecting", why
    assert why["sentence"].startswith("net is connecting to 192.0.2.2[500]; so far 192.0.2.2[500] did not answer 2 transmissions"), why
    assert "UDP ports 500 and 4500" in why["sentence"], why


@scenario
def why_certificates(lab):
    """An expired certificate, and one of a CA that nobody trusts."""
    authority, other = Authority(lab.folder), Authority(lab.folder, name="Somebody Else's CA")
    left_host, right_host = lab.pair()
    own = {"auth": "pubkey", "certificate": "own.pem"}
    right = Cygnet(lab, right_host, side("right", **own), files=certificate_files(authority, "right"))
    for number, (issuer, expired, words) in enumerate((
            (authority, True, ("CN=left.example", "expired")), (other, False, ("CN=left.example", "x509ca")))):
        files = certificate_files(issuer, "left", expired=expired)
        files["x509ca/ca.pem"] = authority.certificate
        left = Cygnet(lab, left_host, side("left", **own), files=files, name=f"left-{number}")
        assert left.command("up", "net", check=False).returncode != 0
        told = right.json("why", "net")
        assert told["state"] == "down" and told["failures"]["0"]["kind"] == "certificate", told
        assert all(word in told["sentence"] for word in words), told
        assert told["failures"]["0"]["sentence"] in right.log()
        left.stop()
