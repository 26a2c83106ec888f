"""Each end proves one identity or two (RFC 4739), either end starts; a second identity that is wrong ends everything."""

from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

_SECRET = """secrets {{
    ike-second {{
        id-1 = alice@example
        id-2 = bob@example
        secret = "{}"
    }}
}}"""


def _round(side, identity):
    return f"{side}-2 {{\n auth = psk\n id = {identity}\n }}"


def case(initiator, cygnet_twice, strongswan_twice, secret="known to both"):
    words = {f"{end}_more": _SECRET.format("known to both") for end in ENDS}
    words[f"{STRONGSWAN}_more"] = _SECRET.format(secret)
    for end, peer, twice, peer_twice in ((CYGNET, STRONGSWAN, cygnet_twice, strongswan_twice),
                                         (STRONGSWAN, CYGNET, strongswan_twice, cygnet_twice)):
        own, others = ("alice@example", "bob@example") if end == CYGNET else ("bob@example", "alice@example")
        words[f"{end}_ike"] = "\n".join([*([_round("local", own)] if twice else []),
                                         *([_round("remote", others)] if peer_twice else [])])
    return Case(initiator, words=words, options={"ids": (cygnet_twice, strongswan_twice), "fails": secret != "known to both"})


CASES = {
    f"{name}-{initiator}-initiates": case(initiator, *twice)
    for name, twice in (("cygnet-twice", (True, False)), ("strongswan-twice", (False, True)), ("both-twice", (True, True)))
    for initiator in ENDS
}
CASES |= {f"wrong-second-secret-{initiator}-initiates": case(initiator, True, True, "something else") for initiator in ENDS}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    if case.options["fails"]:
        try:
            gateways.up()
        except Exception:
            gateways.expect_nothing()
            return
        raise Mismatch("a tunnel came up although the second secrets differ")
    gateways.up()
    cygnet_twice, strongswan_twice = case.options["ids"]
    cygnet = "alice@example" if cygnet_twice else "cygnet.example"
    strongswan = "bob@example" if strongswan_twice else "strongswan.example"
    for end, own, peer in ((CYGNET, cygnet, strongswan), (STRONGSWAN, strongswan, cygnet)):
        sa = gateways.sas(end)[0]
        if (sa["local-id"], sa["remote-id"]) != (own, peer):
            raise Mismatch(f"{end}: {sa['local-id']} and {sa['remote-id']}, expected {own} and {peer}")
    gateways.ping()
    gateways.rekey(STRONGSWAN, ike="gw")
    gateways.ping()
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()
