"""Postquantum preshared keys (RFC 8784): known to both ends, to one, with another value; optional and required; either begins."""

from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

_KEYS = {"k1": "0s" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=", "other": "0s" + "emVyb29uZXR3b3RocmVlZm91cmZpdmVzaXhzZXZlbjg="}


def _secret(identity, key):
    return f"secrets {{\n ppk-1 {{\n id = {identity}\n secret = {_KEYS[key]}\n }}\n}}"


def case(initiator, *, at=ENDS, keys=("k1", "k1"), ids=("k1@gw.example", "k1@gw.example"), required="", used=True, fails=False, **more):
    """`at`: which ends have a PPK; `required`: at which one; `used`: whether the IKE SA has it."""
    words = {}
    for end, key, identity in zip(ENDS, keys, ids):
        if end not in at:
            continue
        words[f"{end}_more"] = _secret(identity, key)
        # A strongSwan that answers refuses a name that its ppk_id does not admit; one that it admits and lacks, it does without.
        admitted = "*@gw.example" if end == STRONGSWAN != initiator else identity
        words[f"{end}_ike"] = f"ppk_id = {admitted}\nppk_required = {'yes' if required == end else 'no'}"
    if more.get("key_exchange") == "classic":
        words["cygnet_ike"] = words.get("cygnet_ike", "") + "\nproposals = aes256gcm16-prfsha384-x25519"
    return Case(initiator, words=words, options={"used": used, "fails": fails}, **more)


_UNKNOWN = ("k1@gw.example", "k2@gw.example")
CASES = {}
for _initiator in ENDS:
    _other = STRONGSWAN if _initiator == CYGNET else CYGNET
    CASES |= {
        f"known-{_initiator}-initiates": case(_initiator, required=_other),
        f"required-{_initiator}-initiates": case(_initiator, required=_initiator),
        f"classic-{_initiator}-initiates": case(_initiator, key_exchange="classic"),
        f"certificates-{_initiator}-initiates": case(_initiator, authentication="ecdsa"),
        f"only-here-{_initiator}-initiates": case(_initiator, at=(_initiator,), used=False),
        f"only-there-{_initiator}-initiates": case(_initiator, at=(_other,), used=False),
        f"unknown-id-{_initiator}-initiates": case(_initiator, ids=_UNKNOWN, used=False),
        f"unknown-id-certificates-{_initiator}-initiates": case(_initiator, ids=_UNKNOWN, used=False, authentication="ecdsa"),
        f"unknown-id-required-{_initiator}-initiates": case(_initiator, ids=_UNKNOWN, required=_initiator, fails=True),
        f"another-key-{_initiator}-initiates": case(_initiator, keys=("k1", "other"), fails=True),
    }


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    if case.options["fails"]:
        return gateways.expect_refusal("a tunnel came up although the PPKs differ")
    gateways.up()
    _expect_ppk(gateways, case.options["used"])
    gateways.ping()
    # The keys of what is rekeyed come from those that have the PPK (RFC 8784 section 3).
    gateways.rekey(STRONGSWAN, ike="gw")
    gateways.rekey(CYGNET, ike="gw")
    gateways.rekey(CYGNET, child="net")
    gateways.ping()
    _expect_ppk(gateways, case.options["used"], ends=(CYGNET,))
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()


def _expect_ppk(gateways, used, ends=ENDS):
    for end in ends:
        sas = gateways.sas(end)
        if [sa.get("ppk") for sa in sas] != (["yes"] if used else [None]):
            raise Mismatch(f"{end}: {'no' if used else 'a'} PPK in {sas}")
