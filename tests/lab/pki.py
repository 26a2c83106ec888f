"""A certification authority for tests, made with the openssl command line."""

import datetime
import tempfile
from pathlib import Path

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
    """A CA with one kind of key; `certificate` is its own, and `issue` makes others."""

    def __init__(self, folder: Path, kind: str = "ecdsa256", name: str = "Test CA"):
        self.kind = kind
        self.name = name
        self._serial = 1
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
        )
        validity = _ended_yesterday() if expired else ["-days", str(days)]
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-out", certificate,
             *validity, "-set_serial", str(self._serial), "-extfile", extensions])
        return certificate, key

    def issue_many(self, hosts: list[str]) -> tuple[Path, Path]:
        """One key and certificate for several DNS names, the first of which is the subject."""
        return self.issue(hosts[0], names=hosts)

    def _make_key(self, name: str, kind: str | None = None) -> Path:
        path = self._folder / f"{name}.key"
        run(["openssl", "genpkey", *KEYS[kind or self.kind], "-out", path])
        return path


def _ended_yesterday() -> list[str]:
    """What tells `openssl x509` to issue an expired certificate: 3.0 knows no dates, 3.5 no negative days."""
    if "-not_after" not in run(["openssl", "x509", "-help"]).stderr:
        return ["-days", "-1"]
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = (f"{now - datetime.timedelta(days=days):%Y%m%d%H%M%SZ}" for days in (3, 1))
    return ["-not_before", begin, "-not_after", end]
