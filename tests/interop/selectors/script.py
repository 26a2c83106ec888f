"""Children with several traffic selectors: address ranges, protocols, ports; narrowed by either responder (RFC 7296 section 2.9)."""

from lab import wait_until
from lab.traffic import ping, tcp_transfer
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch, children

# What the ends have configured, and what must come of it. The private root of strongSwan has no names of protocols.
_NUMBERS = {"tcp": "6", "icmp": "1"}
_SAME = {
    "cygnet_ts": "10.1.0.0/24[6], 10.1.0.0/24[1]",
    "strongswan_ts": "10.2.0.0/24[6/5201], 10.2.0.0/24[1]",
}
_WIDE = """}
            wide {
                local_ts = 10.0.0.0/8
                remote_ts = 10.0.0.0/8
                esp_proposals = aes256gcm16-x25519-ke1_mlkem768
"""


def same(initiator):
    agreed = {CYGNET: ["10.1.0.0/24[tcp]", "10.1.0.0/24[icmp]"], STRONGSWAN: ["10.2.0.0/24[tcp/5201]", "10.2.0.0/24[icmp]"]}
    return Case(initiator, words=_SAME, options={"agreed": agreed, "tcp": True})


def narrowed(initiator):
    """The initiator offers 10.0.0.0/8 on both sides; the responder has what is behind the two ends."""
    words = {f"{initiator}_child": _WIDE}
    if initiator == CYGNET:
        words[f"{initiator}_child"] = "esp_proposals = aes256gcm16-x25519-ke1_mlkem768\n" + _WIDE
    return Case(initiator, words=words, options={"agreed": {CYGNET: ["10.1.0.0/24"], STRONGSWAN: ["10.2.0.0/24"]}, "child": "wide"})


CASES = {f"same-{end}-initiates": same(end) for end in ENDS} | {f"narrowed-{end}-initiates": narrowed(end) for end in ENDS}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    gateways.initiator.initiate(case.options.get("child", "net"))
    wait_until(lambda: all(children(end) for end in gateways.ends.values()), "the child SA at both ends")
    check(gateways, case)
    for end in ENDS:
        before = [child["spi-in"] for child in children(gateways.ends[CYGNET])]
        gateways.ends[end].rekey(child=children(gateways.ends[end])[0]["name"])
        wait_until(lambda: all(len(children(one)) == 1 for one in gateways.ends.values())
                   and children(gateways.ends[CYGNET])[0]["spi-in"] not in before, "the rekeyed child")
        check(gateways, case)


def check(gateways, case):
    agreed = case.options["agreed"]
    for end, peer in (ENDS, reversed(ENDS)):
        child = children(gateways.ends[end])[0]
        found = by_numbers(child["local-ts"]), by_numbers(child["remote-ts"])
        if found != (by_numbers(agreed[end]), by_numbers(agreed[peer])):
            raise Mismatch(f"{end} has {found[0]} === {found[1]}")
    if ping(gateways.hosts[CYGNET], "10.2.0.1", source="10.1.0.1").lost or ping(gateways.hosts[STRONGSWAN], "10.1.0.1", source="10.2.0.1").lost:
        raise Mismatch("pings were lost")
    if case.options.get("tcp"):
        tcp_transfer(gateways.lab, gateways.hosts[CYGNET], gateways.hosts[STRONGSWAN], "10.2.0.1", source="10.1.0.1", seconds=1)


def by_numbers(selectors):
    for name, number in _NUMBERS.items():
        selectors = [selector.replace(f"[{name}", f"[{number}") for selector in selectors]
    return sorted(selectors)
