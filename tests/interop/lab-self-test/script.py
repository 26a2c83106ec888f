"""The laboratory itself: strongSwan in Cygnet's place too, with what the other scenarios do to a tunnel."""

from lab.strongswan import StrongSwan
from scenario import AUTHENTICATION, CYGNET, ENDS, KEY_EXCHANGES, STRONGSWAN, Case, Gateways

# strongSwan offers the hybrid exchange only when told to.
_WORDS = {"cygnet_ike": f"proposals = {KEY_EXCHANGES['hybrid']['strongswan_proposals']}"}

CASES = {
    authentication: Case(initiator, authentication, words=_WORDS | {"cygnet_auth": AUTHENTICATION[authentication][1]})
    for authentication, initiator in (("psk", CYGNET), ("ecdsa", STRONGSWAN), ("rsa-pss", CYGNET), ("ed25519", STRONGSWAN))
}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder, daemons=(StrongSwan, StrongSwan))
    gateways.up()
    gateways.expect()
    gateways.ping()
    with gateways.streams() as streams:
        for end in ENDS:
            streams.wait_for_packets(50)
            gateways.rekey(end, child="net")
            gateways.rekey(end, ike="gw")
        streams.wait_for_packets(50)
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()
