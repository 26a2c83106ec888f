"""A certification authority for tests, made with the openssl command line."""

import datetime
import tempfile
from pathlib import Path

from .cygnet import program
from .process import run

# What `openssl genpkey` needs for each kind of key.
KEYS = {
    "ecdsa256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ecdsa384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "rsa2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "ed25519": ["-algorithm", "ED25519"],
    "ed448": ["-algorithm", "ED448"],
}


class Authority:
    """A CA with one kind of key; `certificate` is its own, and `issue` makes others.

    Where certificates shall say how their revocation is looked up, `crl_url` and `ocsp_url` come first; `make_crl` and
    `ocsp_responder` serve them.
    """

    def __init__(self, folder: Path, kind: str = "ecdsa256", name: str = "Test CA"):
        self.kind = kind
        self.name = name
        self.crl_url = self.ocsp_url = ""
        self._serial = 1
        self._issued: dict[Path, str] = {}  # Lines of OpenSSL's index.
        self._folder = Path(tempfile.mkdtemp(prefix="ca-", dir=folder))
        self.certificate = self._folder / "ca.pem"
        self._key = self._make_key("ca")
        usage = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
        run(["openssl", "req", "-x509", "-new", "-key", self._key, "-out", self.certificate, "-days", "30",
             "-subj", f"/C=CH/O=Cygnet/CN={name}", *(word for line in usage for word in ("-addext", line))])

    def issue(self, host: str, *, kind: str | None = None, days: int = 10, expired: bool = False,
              names: list[str] | None = None) -> tuple[Path, Path]:
        """Makes a key and a certificate with the subject C=CH, O=Cygnet, CN=`host` and `host` as its DNS name.

        Returns the paths of both, certificate first. An expired one ended yesterday.
        """
        self._serial += 1
        key, request, certificate = self._make_key(host, kind), self._folder / f"{host}.csr", self._folder / f"{host}.pem"
        run(["openssl", "req", "-new", "-key", key, "-out", request, "-subj", f"/C=CH/O=Cygnet/CN={host}"])
        alternatives = ",".join(f"DNS:{name}" for name in names or [host])
        extensions = self._folder / f"{host}.ext"
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            f"extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName={alternatives}\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
            + (f"crlDistributionPoints=URI:{self.crl_url}\n" if self.crl_url else "")
            + (f"authorityInfoAccess=OCSP;URI:{self.ocsp_url}\n" if self.ocsp_url else "")
        )
        validity = _ended_yesterday() if expired else ["-days", str(days)]
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-out", certificate,
             *validity, "-set_serial", str(self._serial), "-extfile", extensions])
        self._issued[certificate] = f"V\t351231235959Z\t\t{self._serial:02X}\tunknown\t/C=CH/O=Cygnet/CN={host}"
        return certificate, key

    def issue_many(self, hosts: list[str]) -> tuple[Path, Path]:
        """One key and certificate for several DNS names, the first of which is the subject."""
        return self.issue(hosts[0], names=hosts)

    def revoke(self, certificate: Path) -> None:
        """The next CRL and the next OCSP answers say so."""
        self._issued[certificate] = self._issued[certificate].replace("V\t351231235959Z\t\t", "R\t351231235959Z\t260102000000Z\t")

    def make_crl(self, path: Path) -> None:
        """Writes the CRL of now, in DER, valid for a day."""
        settings = self._folder / "crl.cnf"
        settings.write_text(f"[ca]\ndatabase={self._index()}\ndefault_md=sha256\n")
        pem = self._folder / "ca.crl"
        run(["openssl", "ca", "-config", settings, "-name", "ca", "-gencrl", "-keyfile", self._key, "-cert", self.certificate,
             "-crldays", "1", "-out", pem])
        run(["openssl", "crl", "-in", pem, "-outform", "DER", "-out", path])

    def ocsp_responder(self, port: int) -> list[str]:
        """The command of a responder that answers over HTTP, with what was revoked so far."""
        return ["openssl", "ocsp", "-port", str(port), "-index", str(self._index()), "-CA", str(self.certificate),
                "-rsigner", str(self.certificate), "-rkey", str(self._key), "-nmin", "60"]

    def _index(self) -> Path:
        index = self._folder / "index.txt"
        index.write_text("".join(line + "\n" for line in self._issued.values()))
        (self._folder / "index.txt.attr").write_text("unique_subject = no\n")
        return index

    def _make_key(self, name: str, kind: str | None = None) -> Path:
        path = self._folder / f"{name}.key"
        run(["openssl", "genpkey", *KEYS[kind or self.kind], "-out", path])
        return path


class PostQuantumAuthority:
    """A CA whose keys the openssl command line may not know (`mldsa87`, `slhdsasha2128f` …), made with our own program.

    `below` more CAs stand in line between it and the hosts; `intermediates` are their certificates, the last one first.
    """

    def __init__(self, folder: Path, kind: str, below: int = 0):
        self.kind = kind
        self._folder = Path(tempfile.mkdtemp(prefix="pqca-", dir=folder))
        self._issuer = "root"
        self.certificate = self._make("ca", "root", kind)
        self.intermediates: list[Path] = []
        for number in range(below):
            self.intermediates.insert(0, self._make("ca", f"ca{number + 1}", kind, self._issuer))
            self._issuer = f"ca{number + 1}"

    def issue(self, host: str, *, kind: str | None = None) -> tuple[Path, Path]:
        """Certificate and key, with `host` as the DNS name."""
        return self._make("host", host, kind or self.kind, self._issuer), self._folder / f"{host}.key"

    def _make(self, what: str, name: str, kind: str, *issuer: str) -> Path:
        run([program("post_quantum_pki"), self._folder, what, kind, name, *issuer])
        return self._folder / f"{name}.pem"


def _ended_yesterday() -> list[str]:
    """What tells `openssl x509` to issue an expired certificate: 3.0 knows no dates, 3.5 no negative days."""
    if "-not_after" not in run(["openssl", "x509", "-help"]).stderr:
        return ["-days", "-1"]
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = (f"{now - datetime.timedelta(days=days):%Y%m%d%H%M%SZ}" for days in (3, 1))
    return ["-not_before", begin, "-not_after", end]
