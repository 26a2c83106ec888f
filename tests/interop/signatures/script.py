"""RSA keys, with both ways of padding: what strongSwan demands or prefers, Cygnet signs with, and nobody configures it there.

strongSwan announces hashes (RFC 7427) and not which signatures it verifies (RFC 9593).
"""

from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

# What strongSwan signs with and demands, its setting charon.rsa_pss, and what Cygnet signs with then.
_WAYS = {
    "pkcs1": ("ike:rsa-sha256", "", "RSA with SHA2_256"),
    "pss": ("ike:rsa/pss-sha256", "", "RSA-PSS with SHA2_256"),
    "prefers-pkcs1": ("pubkey", "rsa_pss = no", {CYGNET: "RSA-PSS with SHA2_256", STRONGSWAN: "RSA with SHA2_256"}),
    "prefers-pss": ("pubkey", "rsa_pss = yes", "RSA-PSS with SHA2_256"),
}

CASES = {
    f"{way}-{initiator}-initiates": Case(initiator, "rsa-pss", "classic", words={"strongswan_auth": auth}, settings=settings,
                                         options={"signs": signs if isinstance(signs, str) else signs[initiator]})
    for way, (auth, settings, signs) in _WAYS.items()
    for initiator in ENDS
}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    gateways.up()
    gateways.ping()
    log = gateways.ends[CYGNET].log()
    if f"our proof is a signature with {case.options['signs']}: " not in log:
        raise Mismatch(f"Cygnet did not sign with {case.options['signs']}")
    # Whoever is called knows by then how the caller signs; a caller whose RSA-PSS is refused begins again.
    second = "the next attempt is made with PKCS#1" in log
    if second != (case.initiator == CYGNET and case.options["signs"].startswith("RSA with")):
        raise Mismatch("an attempt too many, or one too few")
