"""IPv6 outside, inside, and both."""

from lab.traffic import NumberedStream, ping, tcp_transfer
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

OUTER = {4: {CYGNET: "192.0.2.1", STRONGSWAN: "192.0.2.2"}, 6: {CYGNET: "2001:db8::1", STRONGSWAN: "2001:db8::2"}}
INNER = {4: {CYGNET: "10.1.0.1", STRONGSWAN: "10.2.0.1"}, 6: {CYGNET: "2001:db8:1::1", STRONGSWAN: "2001:db8:2::1"}}
SELECTORS = {4: {CYGNET: "10.1.0.0/24", STRONGSWAN: "10.2.0.0/24"},
             6: {CYGNET: "2001:db8:1::/64", STRONGSWAN: "2001:db8:2::/64"}}


def case(inner, outer, initiator):
    words = {f"{end}_address": OUTER[outer][end] for end in ENDS} | {f"{end}_ts": SELECTORS[inner][end] for end in ENDS}
    return Case(initiator, "ecdsa", words=words, options={"inner": inner})


CASES = {
    f"ipv{inner}-in-ipv{outer}-{initiator}-initiates": case(inner, outer, initiator)
    for inner, outer in ((4, 6), (6, 4), (6, 6))
    for initiator in ENDS
}


def run(lab, case, folder):
    hosts = lab.pair()
    for end, host in zip(ENDS, hosts):
        host.add_address(f"{OUTER[6][end]}/64", host.devices()[-1])
        host.add_address(f"{INNER[6][end]}/128")
    gateways = Gateways(lab, case, folder, hosts=hosts)
    gateways.up()
    inner = INNER[case.options["inner"]]
    for sender, receiver in (ENDS, ENDS[::-1]):
        ways = dict(source=inner[sender], destination=inner[receiver])
        from_host, to_host = gateways.hosts[sender], gateways.hosts[receiver]
        for size in (56, 1200):
            if lost := ping(from_host, size=size, **ways).lost:
                raise Mismatch(f"{lost} pings with {size} octets from {sender} were lost")
        with NumberedStream(lab, from_host, to_host, **ways) as stream:
            stream.wait_for_packets(30)
            gateways.rekey(sender, child="net")
            stream.wait_for_packets(30)
        if stream.lost:
            raise Mismatch(f"from {sender}: {stream.summary()}")
        tcp_transfer(lab, from_host, to_host, seconds=1, **ways)
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()
