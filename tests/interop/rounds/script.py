"""Each end proves one identity or two (RFC 4739), either end starts; a second identity that is wrong ends everything."""

from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

# Each pair of identities has its own entry: which of two that fit by one name each is meant, the products decide differently.
_SECRET = """secrets {{
    ike-second {{
        id-1 = alice@example
        id-2 = bob@example
        secret = "{0}"
    }}
    ike-alice {{
        id-1 = alice@example
        id-2 = strongswan.example
        secret = "{0}"
    }}
    ike-bob {{
        id-1 = bob@example
        id-2 = cygnet.example
        secret = "{0}"
    }}
}}"""


def _round(side, identity):
    return f"{side}-2 {{\n round = 2\n auth = psk\n id = {identity}\n }}"


def case(initiator, cygnet_twice, strongswan_twice, secret="known to both"):
    # A strongSwan that begins gives a proof by a shared secret only to a responder that has given all of its own.
    authentication = "ecdsa" if initiator == STRONGSWAN and cygnet_twice else "psk"
    words = {f"{end}_more": _SECRET.format("known to both") for end in ENDS}
    words[f"{STRONGSWAN}_more"] = _SECRET.format(secret)
    for end, peer, twice, peer_twice in ((CYGNET, STRONGSWAN, cygnet_twice, strongswan_twice),
                                         (STRONGSWAN, CYGNET, strongswan_twice, cygnet_twice)):
        own, others = ("alice@example", "bob@example") if end == CYGNET else ("bob@example", "alice@example")
        words[f"{end}_ike"] = "\n".join([*([_round("local", own)] if twice else []),
                                         *([_round("remote", others)] if peer_twice else [])])
    return Case(initiator, authentication, words=words, options={
        "fails": secret != "known to both", "twice": (cygnet_twice, strongswan_twice)})


CASES = {
    f"{name}-{initiator}-initiates": case(initiator, *twice)
    for name, twice in (("cygnet-twice", (True, False)), ("strongswan-twice", (False, True)), ("both-twice", (True, True)))
    for initiator in ENDS
}
CASES |= {f"wrong-second-secret-{initiator}-initiates": case(initiator, True, True, "something else") for initiator in ENDS}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    if case.options["fails"]:
        return gateways.expect_refusal("a tunnel came up although the second secrets differ")
    gateways.up()
    # Both name an SA by the identities of the last round.
    ids = dict(zip(ENDS, (second if twice else first for twice, first, second in zip(
        case.options["twice"], ("cygnet.example", "strongswan.example"), ("alice@example", "bob@example")))))
    for end, peer in ((CYGNET, STRONGSWAN), (STRONGSWAN, CYGNET)):
        sa = gateways.sas(end)[0]
        if (sa["local-id"], sa["remote-id"]) != (ids[end], ids[peer]):
            raise Mismatch(f"{end}: {sa['local-id']} and {sa['remote-id']}, expected {ids[end]} and {ids[peer]}")
    gateways.ping()
    gateways.rekey(STRONGSWAN, ike="gw")
    gateways.ping()
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()
