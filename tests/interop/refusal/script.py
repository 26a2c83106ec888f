"""What must not come up: a wrong secret, a wrong identity, an unknown CA, an expired certificate, nothing in common.

Whoever starts is told that it failed, and no end keeps what it refused.
"""

from lab import CommandFailed
from lab.vici import Failed
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch, children

# What is wrong, and where: the end that is named has the odd configuration, and the other one must refuse it.
_WRONG = {
    "secret": dict(words={"strongswan_secret": "something else"}),
    "identity-for-cygnet": dict(words={"cygnet_peer": "somebody.example"}),
    "identity-for-strongswan": dict(words={"strongswan_peer": "somebody.example"}),
    "unknown-ca": dict(authentication="ecdsa", strangers=True),
    "expired-strongswan": dict(authentication="ecdsa", expired=STRONGSWAN),
    "expired-cygnet": dict(authentication="ecdsa", expired=CYGNET),
    "ike-proposal": dict(key_exchange="classic", words={"strongswan_proposals": "aes256-sha512-modp3072"}),
    # The IKE SA is created as usual when its first child is not (RFC 7296 section 1.2).
    "esp-proposal": dict(key_exchange="classic", words={"strongswan_esp_proposals": "aes256-sha512"},
                         options={"keeps_ike": True}),
    "selectors": dict(words={"strongswan_child": "local_ts = 10.66.0.0/24"}, options={"keeps_ike": True}),
}

CASES = {f"{name}-{initiator}-initiates": Case(initiator, **wrong) for name, wrong in _WRONG.items() for initiator in ENDS}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    try:
        gateways.initiator.initiate("net")
    except (CommandFailed, Failed):
        pass
    else:
        raise Mismatch("the tunnel came up")
    if case.options.get("keeps_ike"):
        if any(children(end) for end in gateways.ends.values()):
            raise Mismatch("a child SA is there")
    else:
        gateways.expect_nothing()
