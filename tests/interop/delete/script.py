"""Each end deletes the child SA, then the IKE SA; the other end follows. Afterwards the tunnel comes up again."""

from lab import wait_until
from lab.traffic import ping
from scenario import CYGNET, ENDS, Case, Gateways, Mismatch, children

CASES = {
    f"{end}-deletes-after-{initiator}-initiated": Case(initiator, options={"end": end})
    for end in ENDS
    for initiator in ENDS
}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    deleting = gateways.ends[case.options["end"]]
    gateways.up()

    deleting.terminate(child="net")
    wait_until(lambda: not any(children(end) for end in gateways.ends.values()), "no child SA at either end")
    for end in ENDS:
        if [sa["state"] for sa in gateways.sas(end)] != ["ESTABLISHED"]:
            raise Mismatch(f"{end}: the IKE SA outlives its child; found {gateways.sas(end)}")
    if ping(gateways.hosts[CYGNET], "10.2.0.1", source="10.1.0.1", count=2, timeout_s=0.5).received:
        raise Mismatch("packets still pass without a child SA")

    deleting.terminate(ike="gw")
    gateways.expect_nothing()

    gateways.up()
    gateways.expect()
    gateways.ping()
