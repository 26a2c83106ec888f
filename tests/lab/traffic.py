"""Traffic that counts: ping, a TCP transfer with its rate, and a numbered UDP stream that names its losses."""

import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .laboratory import Lab
from .netns import Namespace
from .process import wait_until


@dataclass(frozen=True)
class Ping:
    sent: int
    received: int
    times_ms: tuple[float, ...]  # round trips, shortest first

    @property
    def median_ms(self) -> float | None:
        return self.percentile_ms(50)

    def percentile_ms(self, percent: float) -> float | None:
        if not self.times_ms:
            return None
        return self.times_ms[min(int(len(self.times_ms) * percent / 100), len(self.times_ms) - 1)]

    @property
    def lost(self) -> int:
        return self.sent - self.received


def ping(host: Namespace, destination: str, *, count: int = 3, interval_s: float = 0.05, size: int = 56,
         source: str | None = None, timeout_s: float = 2) -> Ping:
    """Sends `count` echo requests; a lost one is a number in the result, not a failure."""
    words = ["ping", "-n", "-c", str(count), "-i", str(interval_s), "-W", str(timeout_s), "-s", str(size)]
    if source:
        words += ["-I", source]
    text = host.run(*words, destination, check=False, timeout_s=count * interval_s + timeout_s + 10).stdout
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", text)
    if not counts:
        raise ValueError(f"ping said nothing usable: {text!r}")
    times = sorted(float(ms) for ms in re.findall(r"time=([\d.]+) ms", text))
    return Ping(int(counts[1]), int(counts[2]), tuple(times))


@dataclass(frozen=True)
class Transfer:
    bytes: int
    seconds: float

    @property
    def mbit_per_s(self) -> float:
        return self.bytes * 8 / self.seconds / 1e6


def tcp_transfer(lab: Lab, sender: Namespace, receiver: Namespace, destination: str, *, seconds: int = 2,
                 source: str | None = None, flows: int = 1) -> Transfer:
    """Sends TCP as fast as it goes through one flow of iperf3, or several, and returns what the receiver got."""
    server = lab.start("iperf3-server", receiver, "iperf3", "--server", "--one-off", "--forceflush", "--bind", destination)
    server.wait_for_log("listening")
    words = ["iperf3", "--client", destination, "--time", str(seconds), "--json", "--connect-timeout", "5000"]
    words += ["--parallel", str(flows)]
    if source:
        words += ["--bind", source]
    report = json.loads(sender.run(*words, timeout_s=seconds + 30).stdout)
    server.wait_for_end(timeout_s=10)
    total = report["end"]["sum_received"]
    return Transfer(total["bytes"], total["seconds"])


class NumberedStream:
    """UDP packets with numbers, from one host to another, at a steady rate while the `with` block runs.

    Afterwards `sent` is their count, `lost` the numbers that never arrived, `doubled` those that came twice.
    """

    def __init__(self, lab: Lab, sender: Namespace, receiver: Namespace, destination: str, *, source: str = "",
                 packets_per_s: int = 300, size: int = 200, port: int = 7007):
        self._lab, self._sender, self._receiver = lab, sender, receiver
        self._send = ["send", source, destination, str(port), str(packets_per_s), str(size)]
        self._receive = ["receive", destination, str(port)]
        self._name = f"stream-{sender}-{receiver}-{port}"

    def __enter__(self) -> "NumberedStream":
        script = [sys.executable, str(Path(__file__).with_name("numbered_packets.py"))]
        self._in = self._lab.start(f"{self._name}-in", self._receiver, *script, *self._receive)
        self._in.wait_for_log("ready")
        self._out = self._lab.start(f"{self._name}-out", self._sender, *script, *self._send)
        self._out.wait_for_log("sending")
        return self

    def __exit__(self, kind, *_) -> None:
        self._out.stop()
        self.sent = int(self._out.log().split()[-1])
        time.sleep(0.5)  # What is still on its way may arrive.
        self._in.stop()
        numbers = [int(line) for line in self._in.log().split()[1:]]
        self.lost = sorted(set(range(self.sent)) - set(numbers))
        self.doubled = sorted(number for number, times in Counter(numbers).items() if times > 1)

    def wait_for_packets(self, count: int, *, timeout_s: float = 10) -> None:
        """Waits until this many more packets have arrived."""
        target = self._in.log().count("\n") + count
        wait_until(lambda: self._in.log().count("\n") >= target, f"{count} more packets of {self._name}", timeout_s=timeout_s)

    def summary(self) -> str:
        return f"{self.sent} packets sent, {len(self.lost)} lost{f' {self.lost[:20]}' if self.lost else ''}"


def unanswered(log: str) -> list[int]:
    """The numbers of the requests that a ping, of which this is the output, has not seen answered; but for the last, which may
    be under way when ping is stopped."""
    sent = re.search(r"(\d+) packets transmitted", log)
    if not sent or int(sent[1]) < 2:
        raise RuntimeError("this ping sent nothing:\n" + log)
    answered = {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl=", log)}
    return sorted(set(range(1, int(sent[1]))) - answered)
