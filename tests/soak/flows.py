"""Numbered UDP packets of many flows: the two ends of what tests/soak/run measures, run as a script on their hosts.

    flows.py send FLOWS PACKETS_PER_S SECONDS    prints how many packets each flow had, as JSON
    flows.py receive FLOWS                       until SIGTERM; prints what came of each flow, as JSON

FLOWS is a JSON list of {"source", "destination", "port", "size"}; a flow is named by its port.
"""

import json
import selectors
import signal
import socket
import struct
import sys
import time

NUMBER = struct.Struct("!I")
WINDOW = 64  # packets by which one may be overtaken
SO_RCVBUFFORCE = 33


class Stop(Exception):
    pass


def stop(*_) -> None:
    raise Stop


def send(flows: list[dict], packets_per_s: float, seconds: float) -> None:
    """One packet of each flow at a time, at a steady rate."""
    ends = []
    for flow in flows:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((flow["source"], 0))
        sender.connect((flow["destination"], flow["port"]))
        ends.append((sender, b"." * (flow["size"] - NUMBER.size)))
    print("ready", flush=True)
    number, errors, start = 0, 0, time.monotonic()
    try:
        while time.monotonic() < start + seconds:
            delay_s = start + number / packets_per_s - time.monotonic()
            if delay_s > 0:
                time.sleep(delay_s)
            for sender, filling in ends:
                try:
                    sender.send(NUMBER.pack(number) + filling)
                except OSError:  # Counts as sent: errors of the path are losses.
                    errors += 1
            number += 1
    except Stop:
        pass
    print(json.dumps({"packets": number, "errors": errors}), flush=True)


class Seen:
    """What has come of one flow. Missing numbers keep the time at which they were missed."""

    def __init__(self):
        self.next, self.received, self.late, self.doubled, self.missing = 0, 0, 0, 0, {}

    def take(self, number: int) -> None:
        self.received += 1
        if number >= self.next:
            if number > self.next:
                now = time.time()
                self.missing.update((skipped, now) for skipped in range(self.next, number))
            self.next = number + 1
        elif self.missing.pop(number, None) is None:
            self.doubled += 1
        elif self.next - number > WINDOW:
            self.late += 1

    def report(self) -> dict:
        return {"next": self.next, "received": self.received, "late": self.late, "doubled": self.doubled,
                "missing": sorted(self.missing.items())}


def receive(flows: list[dict]) -> None:
    selector, seen = selectors.DefaultSelector(), {}
    for flow in flows:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for option in (SO_RCVBUFFORCE, socket.SO_RCVBUF):
            try:
                receiver.setsockopt(socket.SOL_SOCKET, option, 4 << 20)
                break
            except OSError:
                continue
        receiver.bind((flow["destination"], flow["port"]))
        receiver.setblocking(False)
        seen[flow["port"]] = Seen()
        selector.register(receiver, selectors.EVENT_READ, seen[flow["port"]])
    print("ready", flush=True)
    try:
        while True:
            for key, _ in selector.select():
                try:
                    while True:
                        key.data.take(NUMBER.unpack_from(key.fileobj.recv(65535))[0])
                except BlockingIOError:
                    pass
    except Stop:
        pass
    print(json.dumps({port: of_flow.report() for port, of_flow in seen.items()}), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    given = json.loads(sys.argv[2])
    if sys.argv[1] == "send":
        send(given, float(sys.argv[3]), float(sys.argv[4]))
    else:
        receive(given)
