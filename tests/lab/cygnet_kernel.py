"""Cygnet in a virtual machine, with the kernel's ESP (`cygnetd --esp kernel`)."""

import os
import shutil
from pathlib import Path

from .cygnet import program
from .guest import Guest
from .laboratory import Lab
from .netns import Namespace
from .process import run, wait_until
from .strongswan_kernel import GuestDaemon

_HOME = "/opt/cygnet"
_VICI = "/run/cygnet/cygnet.vici"


class KernelCygnet(GuestDaemon):
    """`cygnetd` in a guest that takes the place of `host`; `config` is cygnet.conf. Commanded by strongSwan's swanctl."""

    def __init__(self, lab: Lab, host: Namespace, config: str, *, files: dict[str, Path] | None = None,
                 address: str = "192.0.2.1/24", inner: str = "10.1.0.1/24", options: tuple[str, ...] = ("--esp", "kernel")):
        self.host = host
        contents: dict[str, str | Path] = {"etc/cygnet/cygnet.conf": config}
        contents |= {f"etc/cygnet/{name}": path for name, path in (files or {}).items()}
        self.guest = Guest(lab, host, "strongswan", address=address, inner=inner, files=contents | programs(lab))
        self.start(*options)

    def start(self, *options: str) -> None:
        self.guest.run(f"{_run('cygnetd')} --run-dir /run/cygnet --state-dir /run/cygnet-state --log debug {' '.join(options)}"
                       " >>/run/cygnetd.log 2>&1 & echo $! >/run/cygnetd.id")
        wait_until(lambda: "cygnet.vici" in self.guest.run("ls /run/cygnet", check=False), "cygnetd's control socket", timeout_s=60)

    def stop(self, signal: str = "TERM") -> None:
        self.guest.run(f"kill -{signal} $(cat /run/cygnetd.id); while kill -0 $(cat /run/cygnetd.id) 2>/dev/null; do sleep 0.1; done"
                       f"; rm -f {_VICI}")

    def swanctl(self, words: str, *, timeout_s: float = 60) -> str:
        command, _, rest = words.partition(" ")
        return self.guest.run(f"swanctl {command} --uri unix://{_VICI} {rest}", timeout_s=timeout_s)

    def cygnet(self, words: str) -> str:
        return self.guest.run(f"{_run('cygnet')} --vici unix://{_VICI} {words}")

    def ip(self, words: str, *, check: bool = True) -> str:
        return self.guest.run(f"{_run('ip')} {words}", check=check)

    def xfrm_states(self) -> str:
        return self.guest.run("cat /proc/net/xfrm_stat", check=False) + self.ip("-s xfrm state", check=False)

    def log(self) -> str:
        return self.guest.run("cat /run/cygnetd.log", check=False)


def _run(name: str) -> str:
    """With its own libraries and their loader: the guest's may be older or newer."""
    return f"{_HOME}/lib/ld.so --library-path {_HOME}/lib {_HOME}/{name}"


def programs(lab: Lab) -> dict[str, Path]:
    """The programs without their debug information, and every library that they load."""
    files: dict[str, Path] = {}
    # And this host's `ip`, because the guest's knows nothing of xfrm.
    for name, path in (("cygnetd", program("cygnetd")), ("cygnet", program("cygnet")), ("ip", shutil.which("ip") or "ip")):
        stripped = lab.folder / f"{name}.stripped"
        run(["strip", "-o", str(stripped), path])
        files[f"{_HOME}/{name}"] = stripped
        for line in run(["ldd", path]).stdout.splitlines():
            words = line.split()
            library = words[2] if "=>" in words else words[0]
            if not library.startswith("/"):
                continue
            base = "ld.so" if "ld-linux" in library else os.path.basename(words[0])
            files[f"{_HOME}/lib/{base}"] = Path(library)
    return files
