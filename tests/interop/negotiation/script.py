"""The first exchange takes a second try: another key exchange method is wanted, or a cookie."""

from lab import wait_until
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

# An IKE message on port 500 whose exchange type is IKE_SA_INIT.
FIRST_REQUEST = "udp dport 500 @th,208,8 34"

# The initiator's first method is not the responder's: INVALID_KE_PAYLOAD (RFC 7296 section 1.2).
_METHODS = {
    "initiator": "aes256gcm16-prfsha384-x25519-ecp384",
    "responder": "aes256gcm16-prfsha384-ecp384",
}


def another_method(initiator):
    cygnet, strongswan = _METHODS.values() if initiator == CYGNET else reversed(_METHODS.values())
    words = {"cygnet_ike": f"proposals = {cygnet}", "strongswan_proposals": strongswan}
    return Case(initiator, key_exchange="classic", words=words, options={"expected": {"group": "ECP_384", "ake1": None}})


CASES = {f"another-method-{initiator}-initiates": another_method(initiator) for initiator in ENDS}
# With one half-open SA, strongSwan wants a cookie from everybody (RFC 7296 section 2.6).
CASES["cookie-cygnet-initiates"] = Case(
    settings="cookie_threshold = 1",
    options={"half_open": True, "expected": {"group": "CURVE_25519"}},
)


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    if case.options.get("half_open"):
        leave_half_open(gateways)
    responder = gateways.hosts[STRONGSWAN if case.initiator == CYGNET else CYGNET]
    responder.watch(FIRST_REQUEST)
    gateways.up()
    if responder.watched() != 2:
        raise Mismatch(f"{responder.watched()} requests for IKE_SA_INIT arrived, expected 2")
    gateways.expect(**case.options["expected"])
    gateways.ping()


def leave_half_open(gateways):
    """Has strongSwan answer an IKE_SA_INIT that nobody follows up."""
    cygnet, strongswan = gateways.ends[CYGNET], gateways.ends[STRONGSWAN]
    gateways.hosts[CYGNET].drop("udp sport 500")
    with cygnet.vici() as session, strongswan.vici() as peer:
        session.request("initiate", {"child": "net", "timeout": -1})
        wait_until(lambda: peer.request("stats")["ikesas"]["half-open"] == "1", "a half-open SA at strongSwan")
        session.request("terminate", {"ike": "gw", "force": True, "timeout": -1})
        wait_until(lambda: not cygnet.sas(), "the end of the attempt")
    gateways.hosts[CYGNET].heal()
