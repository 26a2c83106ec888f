"""A new IKE SA takes over from the old one: by command, by reauth_time, by AUTH_LIFETIME.

strongSwan sends with the new child before its answer has come to us, and ends the old one while packets for it are under way:
in each direction one packet may fall into that gap.
"""

from lab import wait_until
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

_MAKE_BEFORE_BREAK = "make_before_break = yes"
_SOON = "reauth_time = 15s\nrand_time = 0s\nover_time = 20s"


def case(initiator, words="", *, end=None, **options):
    return Case(initiator, words={f"{end}_ike": words} if end else {}, options=options, settings=_MAKE_BEFORE_BREAK)


CASES = {f"command-at-{end}": case(end, command=end) for end in ENDS}
CASES |= {f"reauth-time-of-{end}-which-initiated": case(end, _SOON, end=end) for end in ENDS}
# The responder's AUTH_LIFETIME (RFC 4478) is all that strongSwan knows; it begins its own over_time before the end. It may miss the answer
# that comes before it has put its new SA into its table, and asks again after four seconds.
CASES["reauth-time-of-cygnet-which-responded"] = case(STRONGSWAN, _SOON, end=CYGNET)
CASES["reauth-time-of-cygnet-which-responded"].words["strongswan_ike"] = "over_time = 6s"
# strongSwan that answered does not wait for the initiator but begins the new IKE SA itself.
CASES["reauth-time-of-strongswan-which-responded"] = case(CYGNET, _SOON, end=STRONGSWAN, then=STRONGSWAN)
CASES["virtual-address-is-kept"] = Case(CYGNET, options={"virtual": True}, words={
    "cygnet_ike": "vips = 0.0.0.0",
    "strongswan_ike": "pools = addresses",
    "strongswan_more": "pools {\n addresses {\n addrs = 10.3.0.0/24\n }\n}",
    "cygnet_ts": "dynamic",
}, settings=_MAKE_BEFORE_BREAK)


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    gateways.up()
    before = gateways.spis({"ike": "gw"})

    def taken_over():
        return all(gateways.sas(end) for end in ENDS) and not set(gateways.spis({"ike": "gw"})) & set(before)

    if case.options.get("virtual"):
        gateways.ends[CYGNET].rekey(ike="gw", reauth="yes")
        wait_until(taken_over, "the new IKE SA")
        gateways.settle()
        if gateways.sas(CYGNET)[0]["local-vips"] != ["10.3.0.1"]:
            raise Mismatch(f"the virtual address is {gateways.sas(CYGNET)[0]['local-vips']} now")
        return
    with gateways.streams(may_lose=1) as streams:
        streams.wait_for_packets(50)
        if "command" in case.options:
            gateways.ends[case.options["command"]].rekey(ike="gw", reauth="yes")
        wait_until(taken_over, "the new IKE SA", timeout_s=40)
        gateways.settle()
        streams.wait_for_packets(150)
    case.initiator = case.options.get("then", case.initiator)
    gateways.expect()
    gateways.ping()
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()
