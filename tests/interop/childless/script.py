"""An IKE SA that begins without a child (RFC 6023), and transport mode that the peer declines (RFC 7296 section 1.3.1)."""

from lab import wait_until
from lab.vici import Failed
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch, children


def case(initiator, own, peer):
    other = STRONGSWAN if initiator == CYGNET else CYGNET
    return Case(initiator, words={f"{initiator}_ike": f"childless = {own}", f"{other}_ike": f"childless = {peer}"})


CASES = {
    f"{own}-{peer}-{end}-initiates": case(end, own, peer)
    for end in ENDS for own, peer in (("prefer", "allow"), ("force", "force"), ("prefer", "never"))
}
CASES["transport-declined"] = Case(CYGNET, words={"cygnet_child": "mode = transport", "cygnet_ts": "dynamic", "strongswan_ts": "dynamic"},
                                   options={"declined": True})


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    if case.options.get("declined"):
        return declined(gateways)
    gateways.up()
    # The child of a childless start comes with a key exchange of its own.
    later = not any("never" in word for word in case.words.values())
    gateways.expect(child_group="CURVE_25519" if later else None, child_ake1="ML_KEM_768" if later else None)
    gateways.ping()


def declined(gateways):
    try:
        gateways.up()
    except Failed as refusal:
        if "transport" not in str(refusal):
            raise Mismatch(f"the reason is {refusal}") from None
    else:
        raise Mismatch("strongSwan's tunnel was taken for transport mode")
    wait_until(lambda: not any(children(end) for end in gateways.ends.values()), "no child at either end")
    if [len(gateways.sas(end)) for end in ENDS] != [1, 1]:
        raise Mismatch("the IKE SA did not stay")
