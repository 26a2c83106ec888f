"""A peer without ML-KEM gets a classic tunnel, unless Cygnet's connection requires post-quantum security."""

from lab import CommandFailed
from lab.vici import Failed
from scenario import CYGNET, ENDS, KEY_EXCHANGES, STRONGSWAN, Case, Gateways, Mismatch

# Cygnet keeps its default proposals, hybrid first; strongSwan knows only the classic one.
_CLASSIC_PEER = {"cygnet_ike": "", "cygnet_child": ""}
_REQUIRED = {**_CLASSIC_PEER, "cygnet_ike": "post_quantum = required"}

CASES = {
    f"{name}-{initiator}-initiates": Case(initiator, "psk", "classic", words=words, options={"comes_up": comes_up})
    for name, words, comes_up in (("preferred", _CLASSIC_PEER, True), ("required", _REQUIRED, False))
    for initiator in ENDS
}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    if case.options["comes_up"]:
        gateways.up()
        gateways.expect()
        gateways.ping()
        return
    try:
        gateways.initiator.initiate("net")
    except (CommandFailed, Failed):
        gateways.expect_nothing()
    else:
        raise Mismatch("a classic tunnel came up although post-quantum security is required")
