"""Each end rekeys the child SA and the IKE SA, under traffic both ways of which no packet is lost."""

from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways

CASES = {
    f"{what}-{key_exchange}-{end}-rekeys": Case(CYGNET, "psk", key_exchange, options={"what": what, "end": end})
    for what in ("child", "ike")
    for key_exchange in ("hybrid", "classic")
    for end in ENDS
}
# Both ends at the same moment: at most one new SA survives on each side (RFC 7296 section 2.8.1).
CASES |= {
    f"{what}-{key_exchange}-both-at-once": Case(CYGNET, "psk", key_exchange, options={"what": what, "end": None})
    for what in ("child", "ike")
    for key_exchange in ("hybrid", "classic")
}
CASES["both-in-turn"] = Case(STRONGSWAN, options={"what": "both", "end": STRONGSWAN})


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    gateways.up()
    what, end = case.options["what"], case.options["end"]
    ake1 = case.expected_words()["ake1"]
    with gateways.streams() as streams:
        streams.wait_for_packets(50)
        if end is None:
            for _ in range(3):
                gateways.rekey_at_once(**({"child": "net"} if what == "child" else {"ike": "gw"}))
        elif what == "both":
            for rekeying in ENDS:
                gateways.rekey(rekeying, child="net")
                gateways.rekey(rekeying, ike="gw")
        elif what == "child":
            gateways.rekey(end, child="net")
        else:
            gateways.rekey(end, ike="gw")
        streams.wait_for_packets(150)
    if end is None:
        gateways.ping()
        return
    # Who rekeys an IKE SA is the initiator of the new one (RFC 7296 section 2.18).
    initiator = case.initiator if what == "child" else end
    changes = {f"{name}_initiates": "yes" if name == initiator else None for name in ENDS}
    if what != "ike":
        changes |= {"child_group": "CURVE_25519", "child_ake1": ake1}
    gateways.expect(**changes)
    gateways.ping()
