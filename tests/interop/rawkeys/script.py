"""Raw public keys (RFC 7670) on both ends, whether they are sent or not; one that is not named is refused."""

from lab.pki import KEYS
from lab.process import run as command
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways


def case(initiator, kind, *, send="ifasked", trusted=True):
    words = {"send_cert": send, "cygnet_trusts": "strongswan.pem" if trusted else "cygnet.pem", "strongswan_trusts": "cygnet.pem"}
    return Case(initiator, words=words, options={"kind": kind, "trusted": trusted})


CASES = {f"{kind}-{initiator}-initiates": case(initiator, kind) for kind in ("ecdsa256", "ed25519", "rsa3072") for initiator in ENDS}
CASES |= {f"always-sent-{initiator}-initiates": case(initiator, "ecdsa256", send="always") for initiator in ENDS}
CASES |= {f"not-named-{initiator}-initiates": case(initiator, "ecdsa256", trusted=False) for initiator in ENDS}


class WithRawKeys(Gateways):
    def _credentials(self):
        files = {end: {} for end in ENDS}
        for end in ENDS:
            key, public = self.lab.folder / f"{end}-key.pem", self.lab.folder / f"{end}-public.pem"
            command(["openssl", "genpkey", *KEYS[self.case.options["kind"]], "-out", key])
            command(["openssl", "pkey", "-in", key, "-pubout", "-out", public])
            files[end][f"private/{end}.pem"] = key
            for holder in ENDS:
                files[holder][f"pubkey/{end}.pem"] = public
        return files


def run(lab, case, folder):
    gateways = WithRawKeys(lab, case, folder)
    if not case.options["trusted"]:
        return gateways.expect_refusal("a tunnel came up with a key that Cygnet does not trust")
    gateways.up()
    gateways.expect()
    gateways.ping()
    gateways.rekey(CYGNET, ike="gw")
    gateways.ping()
    gateways.ends[STRONGSWAN].terminate(ike="gw")
    gateways.expect_nothing()
