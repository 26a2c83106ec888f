"""The laboratory of one test: its hosts, its processes, its folder of logs, and their end."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from . import netns
from .netns import Namespace
from .process import CommandFailed, Process, sanitizer_report

SKIPPED = 77  # The exit status that ctest (SKIP_RETURN_CODE) and our runners take for “skipped”.


class Lab:
    """`with Lab("name") as lab:` enters private namespaces, and leaves nothing behind.

    `lab.folder` holds configurations and logs. It is removed after a success; after a failure, or with
    CYGNET_LAB_KEEP=1, it stays and its path is printed. What a sanitizer found in any process is a failure.
    """

    def __init__(self, name: str):
        self.name = name
        self.hosts: dict[str, Namespace] = {}
        self._starts: Counter[str] = Counter()
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> "Lab":
        try:
            netns.isolate()
        except netns.Unavailable as missing:
            print(f"SKIPPED {self.name}: this machine lacks {missing}")
            sys.exit(SKIPPED)
        # Short, because the path of a socket may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix=f"lab-{self.name[:24]}-"))
        return self

    def __exit__(self, kind, error, _) -> None:
        self._cleanup.close()
        for host in self.hosts.values():
            netns.process.run(["ip", "netns", "delete", host.name])
        reports = [f"{path.name}: {report}" for path in sorted(self.folder.glob("*.log"))
                   if (report := sanitizer_report(path.read_text(errors="replace")))]
        if kind is None and not reports and not os.environ.get("CYGNET_LAB_KEEP"):
            shutil.rmtree(self.folder)
        else:
            print(f"{self.name}: logs are in {self.folder}", file=sys.stderr)
        if kind is None and reports:
            raise CommandFailed("\n".join(reports))

    def host(self, name: str) -> Namespace:
        self.hosts[name] = Namespace(name)
        return self.hosts[name]

    def router(self, name: str) -> Namespace:
        host = self.host(name)
        host.forward()
        return host

    def connect(self, left: Namespace, left_address: str, right: Namespace, right_address: str, *, mtu=1500) -> None:
        netns.connect(left, left_address, right, right_address, mtu)

    def pair(self, *, mtu: int = 1500) -> tuple[Namespace, Namespace]:
        """Two hosts on one wire, 192.0.2.1 and 192.0.2.2, with the inner addresses 10.1.0.1 and 10.2.0.1."""
        left, right = self.host("left"), self.host("right")
        self.connect(left, "192.0.2.1/24", right, "192.0.2.2/24", mtu=mtu)
        left.add_address("10.1.0.1/24")
        right.add_address("10.2.0.1/24")
        return left, right

    def start(self, name: str, host: Namespace, *argv: str, env: dict[str, str] | None = None) -> Process:
        """Starts a process on a host; it is stopped when the laboratory closes, if it still runs.

        Its log is NAME.log in the laboratory's folder, NAME-2.log when that name starts a second time.
        """
        self._starts[name] += 1
        log_name = name if self._starts[name] == 1 else f"{name}-{self._starts[name]}"
        process = Process(name, host.command(list(argv)), log_path=self.folder / f"{log_name}.log", env=env)
        self._cleanup.callback(process.stop)
        return process

    def capture(self, host: Namespace, device: str, only: str = "", *, packets: int = 0) -> Path:
        """Records what passes a device of a host (`only` "ip" or "udp") into a pcap file, whose path is returned.

        The recording ends with the laboratory, or after `packets`.
        """
        path = self.folder / f"{host}-{device}.pcap"
        script = str(Path(__file__).with_name("capture.py"))
        argv = [sys.executable, script, device, str(path), only, str(packets)]
        self.start(f"capture-{host}-{device}", host, *argv).wait_for_log("recording")
        return path
