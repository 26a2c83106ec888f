"""The initiator has two uplinks and moves from one to the other and back, with packets flowing (RFC 4555).

    [mover] 198.51.100.2 and 203.0.113.2 ---- routers ---- 192.0.2.2 [fixed]
"""

from lab import wait_until
from lab.uplinks import FIRST, FIXED, SECOND, set_uplink, two_uplinks
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

CASES = {
    f"{mover}-moves": Case(
        initiator=mover,
        words={f"{mover}_address": "%any", f"{fixed}_address": FIXED},
        options={"mover": mover, "fixed": fixed},
    )
    for mover, fixed in (ENDS, ENDS[::-1])
}


def run(lab, case, folder):
    mover, fixed = two_uplinks(lab, case.options["mover"], case.options["fixed"])
    hosts = {case.options["mover"]: mover, case.options["fixed"]: fixed}
    hosts[CYGNET].add_address("10.1.0.1/24")
    hosts[STRONGSWAN].add_address("10.2.0.1/24")
    gateways = Gateways(lab, case, folder, hosts=(hosts[CYGNET], hosts[STRONGSWAN]))
    gateways.up()
    gateways.expect()
    gateways.ping()
    # strongSwan's userspace ESP cannot move an SA: it rekeys the child at once instead, so the child may be another one then.
    for first in (False, True):
        if first:
            set_uplink(mover, first=True)
            mover.set_link("to-second", up=False)
        else:
            set_uplink(mover, first=False)
        where = FIRST if first else SECOND
        wait_until(lambda: gateways.sas(case.options["fixed"])[0]["remote-host"] == where, f"the mover at {where}", timeout_s=20)
        wait_until(lambda: gateways.sas(case.options["mover"])[0]["local-host"] == where, f"the mover's own view of {where}", timeout_s=20)
        wait_until(lambda: pings(gateways), "packets through the moved tunnel", timeout_s=10)
        gateways.ping()
    for end in ENDS:
        gateways.rekey(end, ike="gw")
    gateways.ping()


def pings(gateways) -> bool:
    try:
        gateways.ping(count=1)
    except Mismatch:
        return False
    return True
