"""One end sits behind a NAT that rewrites addresses and ports, and starts from there.

    10.9.0.2 [inside] ---- 10.9.0.1 [nat] 192.0.2.1 ---- 192.0.2.2 [outside]
"""

from lab import wait_until
from lab.traffic import ping
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

CASES = {
    f"{inside}-behind-nat": Case(
        initiator=inside,
        words={f"{inside}_address": "%any", f"{outside}_address": "192.0.2.2"},
        options={"inside": inside, "outside": outside},
    )
    for inside, outside in (ENDS, ENDS[::-1])
}

# The NAT forgets its mappings; the end outside follows the other to its new port (RFC 7296 section 2.23).
CASES |= {
    f"{inside}-rebound": Case(
        initiator=inside,
        words={f"{inside}_address": "%any", f"{outside}_address": "192.0.2.2", f"{inside}_ike": "dpd_delay = 1s"},
        options={"inside": inside, "outside": outside, "rebound": True},
    )
    for inside, outside in (ENDS, ENDS[::-1])
}
# With MOBIKE nobody follows but by UPDATE_SA_ADDRESSES (RFC 4555 section 3.8), which strongSwan does not send for a new mapping.
CASES[f"{STRONGSWAN}-rebound"].words[f"{CYGNET}_ike"] = "mobike = no"


def lay_path(lab):
    inside, nat, outside = lab.host("inside"), lab.router("nat"), lab.host("outside")
    lab.connect(inside, "10.9.0.2/24", nat, "10.9.0.1/24")
    lab.connect(nat, "192.0.2.1/24", outside, "192.0.2.2/24")
    inside.default_route("10.9.0.1")
    nat.masquerade("to-outside")
    return inside, nat, outside


def run(lab, case, folder):
    inside, nat, outside = lay_path(lab)
    hosts = {case.options["inside"]: inside, case.options["outside"]: outside}
    hosts[CYGNET].add_address("10.1.0.1/24")
    hosts[STRONGSWAN].add_address("10.2.0.1/24")
    gateways = Gateways(lab, case, folder, hosts=(hosts[CYGNET], hosts[STRONGSWAN]))
    gateways.up()
    gateways.expect()
    gateways.ping()

    seen_inside, seen_outside = (gateways.sas(case.options[side])[0] for side in ("inside", "outside"))
    expect(seen_inside, "local-host", "10.9.0.2")
    expect(seen_inside, "remote-host", "192.0.2.2")
    expect(seen_inside, "remote-port", "4500")
    expect(seen_outside, "remote-host", "192.0.2.1")
    expect(seen_outside, "nat-remote", "yes")
    if not 20000 <= int(seen_outside["remote-port"]) <= 29999:
        raise Mismatch(f"the NAT did not rewrite the port: {seen_outside['remote-port']}")

    if case.options.get("rebound"):
        return rebind(gateways, nat)

    with gateways.streams() as streams:
        for end in ENDS:
            streams.wait_for_packets(50)
            gateways.rekey(end, child="net")
            gateways.rekey(end, ike="gw")
        streams.wait_for_packets(50)
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()


def rebind(gateways, nat):
    case = gateways.case
    port = gateways.sas(case.options["outside"])[0]["remote-port"]
    nat.forget_nat()
    inside, outside = gateways.hosts[case.options["inside"]], gateways.hosts[case.options["outside"]]
    inner = {CYGNET: "10.1.0.1", STRONGSWAN: "10.2.0.1"}
    source, destination = inner[case.options["inside"]], inner[case.options["outside"]]
    wait_until(lambda: ping(inside, destination, source=source, count=1, timeout_s=0.5).received,
               "an answer through the new mapping", timeout_s=15)
    wait_until(lambda: gateways.sas(case.options["outside"])[0]["remote-port"] != port, "the new port in list-sas")
    if ping(outside, source, source=destination, count=5).lost:
        raise Mismatch("packets from outside do not follow the new mapping")
    gateways.rekey(case.options["outside"], child="net")
    gateways.ping()


def expect(sa, key, value):
    if sa.get(key) != value:
        raise Mismatch(f"{key} is {sa.get(key)!r}, expected {value!r}, in {sa}")
