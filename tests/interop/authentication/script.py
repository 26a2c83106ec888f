"""Either end starts, with each kind of authentication and with the hybrid and the classic key exchange."""

from scenario import AUTHENTICATION, ENDS, KEY_EXCHANGES, Case, Gateways

CASES = {
    f"{authentication}-{key_exchange}-{initiator}-initiates": Case(initiator, authentication, key_exchange)
    for authentication in AUTHENTICATION
    for key_exchange in KEY_EXCHANGES
    for initiator in ENDS
}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    gateways.up()
    gateways.expect()
    gateways.ping()
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()
