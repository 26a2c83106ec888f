"""Certificates that were revoked, or not: both ends insist on knowing, from a CRL, an OCSP responder, or in IKE (RFC 4806).

The servers of the CA are on Cygnet's host. Whoever meets a revoked certificate refuses it.
"""

import sys
from pathlib import Path

from lab import CommandFailed
from lab.vici import Failed
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

CRL_URL, OCSP_URL = "http://192.0.2.1:8080/ca.crl", "http://192.0.2.1:8081/"

_BY = {
    "crl": dict(options={"crl_url": CRL_URL}),
    "ocsp": dict(options={"ocsp_url": OCSP_URL}),
    # strongSwan asks for OCSP responses and sends its own; so do we.
    "ocsp-in-ike": dict(options={"ocsp_url": OCSP_URL, "in_ike": True}, words={"cygnet_ike": "ocsp = both", "strongswan_ike": "ocsp = both"}),
}


def _cases():
    for name, by in _BY.items():
        for initiator in ENDS:
            yield f"{name}-{initiator}-initiates", Case(initiator, authentication="ecdsa", **by)
    for name in ("crl", "ocsp"):
        for revoked in ENDS:
            by = _BY[name]
            yield f"{name}-{revoked}-revoked", Case(CYGNET, authentication="ecdsa", options={**by["options"], "revoked": revoked})


CASES = dict(_cases())


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    serve(lab, gateways, case)
    if revoked := case.options.get("revoked"):
        return expect_refusal(gateways, revoked)
    gateways.up()
    gateways.ping()
    gateways.expect()
    if case.options.get("in_ike"):
        fetched = gateways.ends[CYGNET].log().count("fetching an OCSP response from")
        if fetched != 1:
            raise Mismatch(f"Cygnet fetched {fetched} OCSP responses; its own was the only one it needed")


def serve(lab, gateways, case) -> None:
    """Starts the servers of the CA, which know of the revocation."""
    if revoked := case.options.get("revoked"):
        gateways.authority.revoke(gateways.certificate(revoked))
    host = gateways.hosts[CYGNET]
    if "crl_url" in case.options:
        web = Path(lab.folder) / "web"
        web.mkdir()
        gateways.authority.make_crl(web / "ca.crl")
        lab.start("web", host, sys.executable, "-u", "-m", "http.server", "8080", "--bind", "192.0.2.1", "--directory",
                  str(web)).wait_for_log("Serving HTTP")
    if "ocsp_url" in case.options:
        lab.start("ocsp", host, *gateways.authority.ocsp_responder(8081)).wait_for_log("waiting for OCSP client")


def expect_refusal(gateways, revoked: str) -> None:
    try:
        gateways.initiator.initiate("net")
    except (CommandFailed, Failed):
        pass
    else:
        raise Mismatch("the tunnel came up with a revoked certificate")
    gateways.expect_nothing()
    other = STRONGSWAN if revoked == CYGNET else CYGNET
    if "revoked" not in gateways.ends[other].log():
        raise Mismatch(f"{other} does not say that the certificate was revoked")
