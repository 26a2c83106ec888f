"""A host of the laboratory that is a virtual machine: Debian's kernel with its ESP, and a peer's root, out of `tools/peer-guest`.

    lab host "left" --- "right" (a bridge) --- tap0 === eth0 of the guest

QEMU emulates the processor, so the guest is slow but right; it starts within ten seconds of an idle machine.
"""

import io
import os
import shutil
import socket
import tarfile
from pathlib import Path

from . import process
from .laboratory import Lab
from .netns import Namespace, Unavailable

_PROJECT = Path(__file__).resolve().parents[2]
_BEGIN, _END = "@begin@", "@end@"
_SETTINGS = "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on"

# Runs QEMU in its own root: the guest's folder lies on /mnt there, the test's on /run.
_RUN_QEMU = """
    mount --rbind /dev "$1/dev" && mount --bind /proc "$1/proc" && mount --bind "$2" "$1/mnt" && mount --bind "$3" "$1/run" || exit 125
    root=$1; shift 3; exec chroot "$root" "$@" """


def _tool(name: str, peer: str) -> Path:
    try:
        return Path(process.run([str(_PROJECT / "tools" / name), peer], timeout_s=900).stdout.strip())
    except process.CommandFailed as error:
        raise Unavailable(f"the machine of {peer}: {str(error).splitlines()[-1]}") from error


def root(peer: str) -> Path:
    """The folder of the peer's virtual machine, built on first use."""
    return _tool("peer-guest", peer)


class Guest:
    """A running virtual machine with `address` on the wire and `inner` behind it, both with their prefix lengths.

    `bridge` is the lab's host in whose place the guest stands: it must have a wire and no address on it. `files` maps paths
    in the guest to texts or to files to copy.
    """

    def __init__(self, lab: Lab, bridge: Namespace, peer: str, *, address: str, inner: str, files: dict[str, str | Path]):
        if not shutil.which("mke2fs"):
            raise Unavailable("the command mke2fs (package e2fsprogs)")
        self.folder = lab.folder / f"guest-{bridge}"
        self.folder.mkdir()
        self._write_files(files)
        self._lay_wire(bridge)
        # Two guests on one wire need two addresses there, too.
        octets = [int(octet) for octet in address.split("/")[0].split(".")[1:]]
        argv = self._qemu(root(peer), _tool("peer-root", "guest"), "52:54:00:" + ":".join(f"{octet:02x}" for octet in octets))
        self._process = lab.start(f"guest-{bridge}", bridge, *argv)
        self._process.wait_until(lambda: "guest: ready" in self.console(), "the guest is ready", timeout_s=120)
        self._control = socket.socket(socket.AF_UNIX)
        self._control.settimeout(60)
        self._control.connect(str(self.folder / "control.sock"))
        self._pending = b""
        self.run(f"ip address add {address} dev eth0; ip address add {inner} dev lo; ip link set eth0 up;"
                 f" ip route add default via {address.split('/')[0]} dev eth0; echo 1 >/proc/sys/net/ipv4/ip_forward")

    def console(self) -> str:
        path = self.folder / "console.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def run(self, script: str, *, check: bool = True, timeout_s: float = 60) -> str:
        """Runs a line of shell in the peer's root and returns what it printed."""
        self._control.settimeout(timeout_s)
        # In a subshell with no input of its own: the line of control is not for the programs.
        # The marks are written in two pieces, so that an echo of the command is not taken for its answer.
        begin, end = ("".join(f"'{half}'" for half in (mark[:3], mark[3:])) for mark in (_BEGIN, _END))
        self._control.sendall(f"echo {begin}; ( {script} ) </dev/null 2>&1; echo {end}$?\n".encode())
        text, status = self._answer()
        if check and status != 0:
            raise process.CommandFailed(f"guest: {script}\nstatus {status}\n{text}".rstrip())
        return text

    def _answer(self) -> tuple[str, int]:
        marker = f"{_END}".encode()
        while (at := self._pending.find(marker)) < 0 or b"\n" not in self._pending[at:]:
            data = self._control.recv(65536)
            if not data:
                raise process.CommandFailed(f"the guest is gone\n{self.console()[-2000:]}")
            self._pending += data
        text = self._pending[:at].decode(errors="replace").replace("\r", "").split(f"{_BEGIN}\n", 1)[-1]
        status, _, self._pending = self._pending[at + len(marker):].partition(b"\n")
        return text, int(status)

    def _write_files(self, files: dict[str, str | Path]) -> None:
        with tarfile.open(self.folder / "files.tar", "w") as archive:
            for path, content in files.items():
                data = content.read_bytes() if isinstance(content, Path) else content.encode()
                entry = tarfile.TarInfo(path.lstrip("/"))
                program = isinstance(content, Path) and os.access(content, os.X_OK)
                entry.size, entry.mode = len(data), 0o700 if program else 0o600
                archive.addfile(entry, io.BytesIO(data))
        # A disk has whole sectors, and more than one.
        with open(self.folder / "files.tar", "ab") as disk:
            disk.truncate(max(1 << 20, -(-disk.tell() // 512) * 512))

    @staticmethod
    def _lay_wire(bridge: Namespace) -> None:
        wires = [device for device in bridge.devices() if device.startswith("to-")]
        bridge.ip("link", "add", "bridge", "type", "bridge")
        bridge.ip("tuntap", "add", "tap0", "mode", "tap")
        for device in (*wires, "tap0"):
            bridge.ip("link", "set", device, "master", "bridge")
        for device in ("bridge", "tap0"):
            bridge.set_link(device, up=True)

    def _qemu(self, machine: Path, tools: Path, mac: str) -> list[str]:
        qemu = [
            "/usr/bin/qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", "max", "-m", "640", "-smp", "1", "-nodefaults",
            "-no-reboot", "-display", "none", "-kernel", "/mnt/vmlinuz", "-initrd", "/mnt/initramfs", "-append", _SETTINGS,
            "-drive", "file=/mnt/root.ext4,format=raw,if=virtio,readonly=on",
            "-drive", "file=/run/files.tar,format=raw,if=virtio,readonly=on",
            "-device", "virtio-rng-pci", "-netdev", "tap,id=wire,ifname=tap0,script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=wire,mac={mac}", "-serial", "file:/run/console.log",
            "-serial", "unix:/run/control.sock,server=on,wait=off",
        ]
        return ["unshare", "--mount", "sh", "-c", _RUN_QEMU, "sh", str(tools), str(machine), str(self.folder), *qemu]
