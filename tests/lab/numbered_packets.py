"""The two ends of traffic.NumberedStream, run as a script on their hosts.

    numbered_packets.py send SOURCE DESTINATION PORT PACKETS_PER_S SIZE    prints the count of packets at its end
    numbered_packets.py receive ADDRESS PORT                               prints each number that arrives
"""

import signal
import socket
import sys
import time


def send(source: str, destination: str, port: str, packets_per_s: str, size: str) -> None:
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.bind((source, 0))
    print("sending", flush=True)
    number, start = 0, time.monotonic()
    try:
        while True:
            delay_s = start + number / int(packets_per_s) - time.monotonic()
            if delay_s > 0:
                time.sleep(delay_s)
            try:
                sender.sendto(b"%d" % number + b" " * (int(size) - len(str(number))), (destination, int(port)))
            except OSError as error:  # Counts as sent: the stream asks whether the path holds, errors included.
                print(f"packet {number}: {error}", flush=True)
            number += 1
    finally:
        print(number, flush=True)


def receive(address: str, port: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    receiver.bind((address, int(port)))
    print("ready", flush=True)
    while True:
        print(int(receiver.recv(65535)), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    {"send": send, "receive": receive}[sys.argv[1]](*sys.argv[2:])
