"""Key exchanges whose public values no payload holds: Classic McEliece in pieces (docs/protocol/large-key-exchange.md)."""

import sys

from scenario import SKIPPED, Gateways, carries_traffic, counter, established, scenario, wait_until

LOSS = 50  # in 1000, each way
SMALL, LARGEST = "mceliece348864", "mceliece8192128f"
OCTETS = {SMALL: 261_120, LARGEST: 1_357_824}


def _gateways(lab, method: str, **keys) -> Gateways:
    gateways = Gateways(lab, proposals=f"aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_{method}", **keys)
    with gateways.left.vici() as session:
        known = str(session.request("get-algorithms", {}))
    if "MCELIECE" not in known:
        print("SKIPPED: this build has no Classic McEliece (tools/fetch-mceliece)")
        sys.exit(SKIPPED)
    return gateways


def _lose(gateways: Gateways):
    for host in gateways.hosts:
        host.lose(LOSS, "meta l4proto { udp, tcp }")


def _heal(gateways: Gateways):
    for host in gateways.hosts:
        host.heal()


def _one_transfer(gateways: Gateways, method: str):
    """Both ends name the method, and the log says what came."""
    for daemon in (gateways.left, gateways.right):
        assert established(daemon)["ake2"] == method.upper().replace("MCELIECE", "MCELIECE_"), established(daemon)
    assert counter(gateways.left, "large-key-sent") == 1 and counter(gateways.right, "large-key-received") == 1
    for daemon, word in ((gateways.left, "sent"), (gateways.right, "received")):
        lines = [line for line in daemon.process.log().splitlines() if f"{word} the public value of MCELIECE" in line]
        assert len(lines) == 1 and f"{OCTETS[method]} octets in " in lines[0], lines


@scenario
def large_key_over_udp(lab):
    """1.4 MB at 5 % loss: only what is lost is sent again, and the tunnel carries traffic."""
    gateways = _gateways(lab, LARGEST)
    _lose(gateways)
    gateways.left.up("net", timeout_s=60)
    _one_transfer(gateways, LARGEST)
    assert counter(gateways.left, "retransmitted") > 0
    _heal(gateways)
    carries_traffic(gateways)


@scenario
def large_key_over_tcp(lab):
    """The same over TCP, which loses nothing."""
    gateways = _gateways(lab, LARGEST, options=("--tcp-port", "4500"), tcp="always")
    _lose(gateways)
    gateways.left.up("net", timeout_s=60)
    _one_transfer(gateways, LARGEST)
    assert counter(gateways.left, "retransmitted") == 0
    _heal(gateways)
    carries_traffic(gateways)


@scenario
def large_key_in_rekeys(lab):
    """The IKE SA and its child are rekeyed with large public values, in IKE_FOLLOWUP_KE exchanges and from either side."""
    gateways = _gateways(lab, SMALL, child={"esp_proposals": f"aes256gcm16-x25519-ke1_{SMALL}"})
    gateways.left.up("net", timeout_s=60)
    before = established(gateways.left)
    for daemon, which in ((gateways.right, "ike"), (gateways.left, "child")):
        with daemon.vici() as session:
            session.request("rekey", {which: "net"})
    wait_until(lambda: counter(gateways.left, "large-key-sent") == 2 and counter(gateways.right, "large-key-sent") == 1,
               "both rekeys brought a large value")
    wait_until(lambda: all(len(end.sas()) == 1 and len(end.sas()[0]["child-sas"]) == 1 for end in (gateways.left, gateways.right)),
               "one IKE SA with one child")
    after = established(gateways.left)
    assert before["initiator-spi"] != after["initiator-spi"] and before["child"]["spi-in"] != after["child"]["spi-in"], (before, after)
    carries_traffic(gateways)
