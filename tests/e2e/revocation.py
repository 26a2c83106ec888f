"""Certificates beyond their signatures: CRLs, OCSP, and certificates by URL, from servers on the path."""

import hashlib
import sys
from pathlib import Path

from lab.pki import Authority
from lab.process import run

from scenario import Gateways, counter, scenario, wait_until

# The left gateway's own address serves: the URL leads it to itself, but not to its loopback interface.
SERVER, PORT, OCSP_PORT = "192.0.2.1", 8080, 8081
STRICT = {"remote_keys": {"revocation": "strict"}}


class World:
    """Two gateways with certificates of one CA, and a web server of that CA whose folder is `web`."""

    def __init__(self, lab, *, crl: bool = False, ocsp: bool = False, ocsp_mode: str = "reply", **options):
        self.lab = lab
        self.authority = Authority(lab.folder)
        if crl:
            self.authority.crl_url = f"http://{SERVER}:{PORT}/ca.crl"
        if ocsp:
            self.authority.ocsp_url = f"http://{SERVER}:{OCSP_PORT}/"
        self.web = Path(lab.folder) / "web"
        self.web.mkdir()
        self.gateways = Gateways(lab, authority=self.authority, ocsp=ocsp_mode, **options)
        self.left, self.right = self.gateways.left, self.gateways.right
        server = lab.start("web", self.gateways.left_host, sys.executable, "-u", "-m", "http.server", str(PORT), "--bind", SERVER,
                           "--directory", str(self.web))
        server.wait_for_log("Serving HTTP")
        self.server = server

    def certificate(self, side: str) -> Path:
        return self.gateways.files[side]["x509/own.pem"]

    def publish(self) -> None:
        self.authority.make_crl(self.web / "ca.crl")

    def answer_ocsp(self) -> None:
        responder = self.lab.start("ocsp", self.gateways.left_host, *self.authority.ocsp_responder(OCSP_PORT))
        responder.wait_for_log("waiting for OCSP client connections")

    def asked(self) -> int:
        """How many requests the web server has had."""
        return self.server.log().count('"GET ')

    def expect_refusal(self, *words: str) -> None:
        outcome = self.left.command("up", "net", check=False)
        assert outcome.returncode != 0, "the tunnel came up"
        for daemon in (self.left, self.right):
            wait_until(lambda: not daemon.sas(), f"nothing is left at {daemon.name}")
        lines = [line for line in self.right.log().splitlines() if all(word in line for word in words)]
        assert lines, f"no line with {words}:\n{self.right.log()}"


@scenario
def crl(lab):
    """A good peer comes in, its CRL is fetched once; when it is revoked and the caches are flushed, it stays out."""
    world = World(lab, crl=True, **STRICT)
    world.publish()
    world.gateways.up()
    fetched = world.asked()
    assert fetched == 2, f"one CRL for each gateway, but {fetched} requests"
    world.left.down("net")
    world.gateways.up()
    assert world.asked() == fetched, "a CRL that holds was fetched again"
    with world.right.vici() as session:
        listed = [event["type"] for event in session.stream("list-certs", "list-cert")[0]]
        assert listed.count("X509_CRL") == 1, listed
    world.left.down("net")
    world.authority.revoke(world.certificate("left"))
    world.publish()
    with world.right.vici() as session:
        session.request("flush-certs", {"type": "X509_CRL"})
    world.expect_refusal("CN=left.example", "was revoked on 2026-01-02")
    assert counter(world.right, "authentication-failed") >= 1


@scenario
def crl_unreachable(lab):
    """Who must know and cannot says where it asked; the other end, which does not insist, is not in the way."""
    world = World(lab, crl=True, right_keys=STRICT)
    world.expect_refusal("CN=left.example", "may have been revoked", "/ca.crl", "404", "remote.revocation = strict")
    world.publish()
    with world.right.vici() as session:
        session.request("flush-certs")
    world.gateways.up()


@scenario
def ocsp(lab):
    """The responder is asked before the CRL; a revoked certificate is refused by its answer."""
    world = World(lab, crl=True, ocsp=True, **STRICT)
    world.authority.revoke(world.certificate("left"))
    world.publish()
    world.answer_ocsp()
    world.expect_refusal("CN=left.example", "was revoked on 2026-01-02")
    assert world.asked() == 0, "OCSP had answered"


@scenario
def ocsp_in_ike(lab):
    """Each gateway sends the answer about its own certificate, so that nobody asks about the other's (RFC 4806)."""
    world = World(lab, ocsp=True, ocsp_mode="both", **STRICT)
    world.answer_ocsp()
    world.gateways.up()
    for daemon in (world.left, world.right):
        fetched = daemon.log().count("fetching an OCSP response from")
        assert fetched == 1, f"{daemon.name} fetched {fetched} OCSP responses, not only its own"


@scenario
def hash_and_url(lab):
    """Both gateways send hash and URL instead of their certificates (RFC 7296 section 3.6)."""
    authority = {"authorities": {"test": {"cacert": "ca.pem", "cert_uri_base": f"http://{SERVER}:{PORT}/"}}}
    world = World(lab, more=authority, hash_and_url="yes")
    for side in ("left", "right"):
        der = world.web / "certificate"
        run(["openssl", "x509", "-in", world.certificate(side), "-outform", "DER", "-out", der])
        der.rename(world.web / hashlib.sha1(der.read_bytes()).hexdigest())
    world.gateways.up()
    assert world.asked() == 2, world.server.log()
