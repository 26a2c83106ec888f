"""Every fourth IKE message is lost on either way: requests are repeated, and repeated ones answered alike, until all is up."""

from scenario import ENDS, Case, Gateways, Mismatch

CASES = {
    f"{initiator}-initiates": Case(initiator, settings="retransmit_timeout = 1\n    retransmit_base = 1.5")
    for initiator in ENDS
}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    for host in gateways.hosts.values():
        host.lose_every(4, "udp dport { 500, 4500 } udp length > 100")
    gateways.up(timeout_s=60)
    for end, host in gateways.hosts.items():
        if host.dropped() == 0:
            raise Mismatch(f"{end} missed nothing; the scenario shows nothing")
        host.heal()
    gateways.expect()
    gateways.ping()
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()
