"""Libreswan in a virtual machine, with the kernel's ESP: `pluto` and its `whack`."""

import re
from pathlib import Path

from .guest import Guest
from .laboratory import Lab
from .netns import Namespace
from .process import CommandFailed, wait_until


class Libreswan:
    """`pluto` in a guest that takes the place of `host`. `config` is ipsec.conf, `secrets` ipsec.secrets.

    `pkcs12` is a file with a certificate, its key and its CA, for its database (password "lab").
    """

    def __init__(self, lab: Lab, host: Namespace, config: str, *, secrets: str = "", pkcs12: Path | None = None,
                 address: str = "192.0.2.2/24", inner: str = "10.2.0.1/24",
                 more_addresses: tuple[str, ...] = ()):
        files: dict[str, str | Path] = {"etc/ipsec.conf": config, "etc/ipsec.secrets": secrets}
        if pkcs12:
            files["etc/lab.p12"] = pkcs12
        self.guest = Guest(lab, host, "libreswan", address=address, inner=inner, files=files)
        for further in more_addresses:
            self.guest.run(f"ip address add {further} dev eth0")
        self.guest.run("mkdir -p /var/lib/ipsec/nss /run/pluto && ipsec initnss", timeout_s=120)
        if pkcs12:
            self.guest.run("pk12util -i /etc/lab.p12 -d sql:/var/lib/ipsec/nss -W lab && "
                           "certutil -M -d sql:/var/lib/ipsec/nss -n ca -t CT,,")
        self.guest.run("/usr/libexec/ipsec/pluto --config /etc/ipsec.conf --leak-detective >/run/pluto.out 2>&1")
        wait_until(lambda: "pluto.ctl" in self.guest.run("ls /run/pluto"), "pluto's control socket", timeout_s=60)
        self.guest.run("/usr/libexec/ipsec/addconn --config /etc/ipsec.conf --autoall")

    def whack(self, words: str, *, check: bool = True, timeout_s: float = 60) -> str:
        return self.guest.run(f"/usr/libexec/ipsec/whack {words}", check=check, timeout_s=timeout_s)

    def initiate(self, connection: str) -> None:
        text = self.whack(f"--initiate --name {connection}", check=False)
        if "established Child SA" not in text:
            raise CommandFailed(f"Libreswan did not bring {connection} up:\n{text}")

    def states(self) -> list[str]:
        """Its IKE and child SAs that are up, a line each."""
        return [line for line in self.whack("--showstates").splitlines() if re.search(r"ESTABLISHED", line)]

    def children(self) -> int:
        return sum("CHILD" in line for line in self.states())

    def log(self) -> str:
        return self.guest.run("cat /run/pluto.log", check=False)
