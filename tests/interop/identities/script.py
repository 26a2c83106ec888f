"""Identities of every type, exact and as patterns, as both ends understand them."""

from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways

# strongSwan's identity, and what Cygnet expects.
GOOD = {
    "name": ("moon.example", "moon.example"),
    "name-pattern": ("moon.sub.example", "*.example"),
    "name-prefix": ("fqdn:moon.example", "@moon.example"),
    "mail": ("moon@example", "moon@example"),
    "mail-pattern": ("moon@example", "*@example"),
    "mail-prefix": ("rfc822:moon", "@@moon"),
    "address": ("192.0.2.2", "192.0.2.2"),
    "subnet": ("192.0.2.2", "192.0.2.0/24"),
    "range": ("192.0.2.2", "192.0.2.1-192.0.2.9"),
    "net-prefix": ("192.0.2.2", "ipv4net:192.0.2.0/29"),
    "key-id": ("@#0102fe", "keyid:#0102fe"),
    "key-text": ("keyid:moon", "@#6d6f6f6e"),
    "dn": ("C=CH, O=Cygnet, CN=moon", "C=CH, O=Cygnet, CN=moon"),
    "dn-pattern": ("C=CH, O=Cygnet, CN=moon", "C=CH, O=*, CN=moon"),
    "anybody": ("moon.example", "%any"),
}
BAD = {
    "other-name": ("sun.example", "moon.example"),
    "name-for-mail": ("fqdn:moon@example", "moon@example"),
    "outside-subnet": ("192.0.2.2", "192.0.3.0/24"),
    "dn-order": ("O=Cygnet, C=CH, CN=moon", "C=CH, O=*, CN=moon"),
}


def case(initiator, strongswan_id, pattern, fits):
    return Case(initiator, options={"fits": fits}, words={
        "strongswan_id": f'"{strongswan_id}"', "cygnet_peer": f'"{pattern}"',
        "cygnet_id": "cygnet.example", "strongswan_peer": "%any" if initiator == CYGNET else "cygnet.example"})


# Whoever starts: what Cygnet expects is what it checks. As initiator it also asks for it (IDr).
CASES = {f"{name}-{initiator}-initiates": case(initiator, *pair, True) for name, pair in GOOD.items() for initiator in ENDS}
CASES |= {f"{name}-refused": case(STRONGSWAN, *pair, False) for name, pair in BAD.items()}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    if case.options["fits"]:
        gateways.up()
        gateways.ping()
        return
    gateways.expect_refusal("a tunnel came up for an identity that Cygnet does not accept", timeout_s=15)
