"""A new IKE SA takes over from the old one without a lost packet: by command, by reauth_time, by AUTH_LIFETIME."""

from lab import wait_until
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

_MAKE_BEFORE_BREAK = "make_before_break = yes"


def by_time(initiator, end, **options):
    return Case(initiator, words={f"{end}_ike": "reauth_time = 15s\nrand_time = 0s\nover_time = 20s"},
                options={"end": end, "command": False, **options}, settings=_MAKE_BEFORE_BREAK)


CASES = {
    f"command-at-{initiator}": Case(initiator, options={"end": initiator, "command": True}, settings=_MAKE_BEFORE_BREAK)
    for initiator in ENDS
}
CASES |= {f"reauth-time-of-{end}-which-initiated": by_time(end, end) for end in ENDS}
# The responder's AUTH_LIFETIME (RFC 4478) is all that the initiator knows of it.
CASES |= {f"reauth-time-of-{end}-which-responded": by_time(ENDS[1 - ENDS.index(end)], end) for end in ENDS}
_ONE_LOST = "a packet may be lost when the old IKE SA goes"
OPEN = {
    "command-at-cygnet": _ONE_LOST,
    "reauth-time-of-cygnet-which-initiated": _ONE_LOST,
    "reauth-time-of-strongswan-which-initiated": _ONE_LOST,
    "reauth-time-of-cygnet-which-responded": "loses packets, or ends late, when strongSwan initiated and obeys AUTH_LIFETIME",
    "reauth-time-of-strongswan-which-responded": "strongSwan initiates the new IKE SA itself, the expectation says otherwise",
}
CASES["virtual-address-is-kept"] = Case(CYGNET, options={"end": CYGNET, "command": True, "virtual": True}, words={
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
    with gateways.streams() as streams:
        streams.wait_for_packets(50)
        if case.options["command"]:
            gateways.ends[case.options["end"]].rekey(ike="gw", reauth="yes")
        wait_until(taken_over, "the new IKE SA", timeout_s=40)
        gateways.settle()
        streams.wait_for_packets(150)
    gateways.expect()
    gateways.ping()
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()
