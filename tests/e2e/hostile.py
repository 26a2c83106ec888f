"""Input from strangers: nothing crashes, nothing is kept, and a tunnel carries its traffic meanwhile."""

import random
import socket
import struct
import sys
from pathlib import Path

from lab.traffic import NumberedStream

from scenario import Gateways, counter, established, scenario, wait_until

IKE, NAT = 500, 4500
MARKER = bytes(4)


def header(*, length: int, exchange: int = 34, version: int = 0x20, flags: int = 0x08, first: int = 33, spi_r: bytes = bytes(8),
           message_id: int = 0) -> bytes:
    """An IKE header, RFC 7296 §3.1, of a request with a fresh initiator's SPI."""
    return random.randbytes(8) + spi_r + struct.pack("!BBBBII", first, version, exchange, flags, message_id, length)


def bad_datagrams() -> list[bytes]:
    """Truncated, oversized, contradictory and random IKE messages, with a fixed seed."""
    random.seed(7296)
    whole = [random.randbytes(size) for size in (0, 1, 3, 8, 27, 28, 100, 1400, 9000, 65507)]
    whole += [header(length=28)[:size] for size in range(1, 28)]
    for length in (0, 27, 29, 4096, 2**32 - 1):
        whole.append(header(length=length))
    whole.append(header(length=65507) + bytes(65507 - 28))
    for version in (0x00, 0x10, 0x30, 0xff):
        whole.append(header(length=28, version=version))
    for exchange in (0, 33, 35, 36, 37, 43, 44, 255):
        whole.append(header(length=28, exchange=exchange))
        whole.append(header(length=128, exchange=exchange, spi_r=random.randbytes(8), first=46) + random.randbytes(100))
    # An SA payload that is longer than the message, shorter than its header, and 400 empty payloads.
    whole.append(header(length=40) + struct.pack("!BBH", 0, 0, 5000) + bytes(8))
    whole.append(header(length=40) + struct.pack("!BBH", 0, 0, 2) + bytes(8))
    whole.append(header(length=28 + 1600, first=43) + struct.pack("!BBH", 43, 0, 4) * 400)
    # A critical payload that nobody knows.
    whole.append(header(length=36, first=200) + struct.pack("!BBHI", 0, 0x80, 8, 0))
    whole += [header(length=28 + size) + random.randbytes(size) for size in range(4, 200, 7)]
    return whole


def send_from(host, destination: str, datagrams: list[tuple[int, bytes]], folder: Path) -> None:
    """Sends datagrams to (port, octets) from a host of the laboratory."""
    path = folder / "datagrams"
    path.write_bytes(b"".join(struct.pack("!HI", port, len(octets)) + octets for port, octets in datagrams))
    host.run(sys.executable, "-c", SENDER, str(path), destination)


SENDER = """
import socket, struct, sys, time
data, at = open(sys.argv[1], "rb").read(), 0
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while at < len(data):
    port, size = struct.unpack_from("!HI", data, at)
    out.sendto(data[at + 6:at + 6 + size], (sys.argv[2], port))
    at += 6 + size
    time.sleep(0.0005)
"""


@scenario
def malformed_datagrams(lab):
    gateways = Gateways(lab).up()
    names = ("invalid", "malformed-header", "malformed-payload", "wrong-major-version", "invalid-spi", "unknown-critical-payload",
             *(f"esp-drop-{cause}" for cause in ("unknown-spi", "reserved-spi", "too-short", "misaligned", "integrity-failed", "not-esp")))
    before = {name: counter(gateways.right, name) for name in names}
    spi = established(gateways.right)["child"]["spi-in"]
    datagrams = [(port, MARKER * (port == NAT) + octets) for octets in bad_datagrams() for port in (IKE, NAT)]
    datagrams = [(port, octets[:65507]) for port, octets in datagrams]
    # Without the marker, port 4500 takes them for ESP; a lone 0xff is a keepalive.
    datagrams += [(NAT, octets) for octets in bad_datagrams()] + [(NAT, b"\xff")]
    # ESP of a live SA that was made up: with any number, cut short, between two blocks; and of an SPI that nobody may have.
    datagrams += [(NAT, bytes.fromhex(spi) + struct.pack("!I", number) + random.randbytes(100)) for number in (0, 1, 2**31, 2**32 - 1)]
    datagrams += [(NAT, bytes.fromhex(spi) + random.randbytes(size)) for size in (4, 20, 101)] + [(NAT, struct.pack("!II", 255, 1))]
    with NumberedStream(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1") as stream:
        for _ in range(3):
            send_from(gateways.left_host, "192.0.2.2", datagrams, lab.folder)
        stream.wait_for_packets(50)
    assert not stream.lost, stream.summary()
    assert gateways.right.process.status is None, "the daemon ended"
    for name in names:
        assert counter(gateways.right, name) > before[name], f"{name} did not count"
    assert established(gateways.right)["child"]["spi-in"] == spi
    with gateways.right.vici() as session:
        assert session.request("stats")["ikesas"] == {"total": "1", "half-open": "0"}


@scenario
def half_open_flood(lab):
    """Requests that never go on: a cookie is asked for, and what was kept is let go; the tunnel and a new peer are served."""
    gateways = Gateways(lab).up()
    requests = [(IKE, sa_init_request()) for _ in range(400)]
    send_from(gateways.left_host, "192.0.2.2", requests, lab.folder)
    wait_until(lambda: counter(gateways.right, "cookie-sent") > 0, "cookies are demanded")
    with gateways.right.vici() as session:
        assert int(session.request("stats")["ikesas"]["half-open"]) <= 101
    gateways.left.down("net")
    gateways.up()


def sa_init_request() -> bytes:
    """A complete IKE_SA_INIT request: AES-256-GCM-16, PRF-HMAC-SHA-384, X25519 with some public value."""
    transforms = (struct.pack("!BBHBBHHH", 3, 0, 12, 1, 0, 20, 0x800e, 256) + struct.pack("!BBHBBH", 3, 0, 8, 2, 0, 6)
                  + struct.pack("!BBHBBH", 0, 0, 8, 4, 0, 31))
    proposal = struct.pack("!BBHBBBB", 0, 0, 8 + len(transforms), 1, 1, 0, 3) + transforms
    payloads = (struct.pack("!BBH", 34, 0, 4 + len(proposal)) + proposal
                + struct.pack("!BBHHH", 40, 0, 40, 31, 0) + b"\x09" + random.randbytes(31)
                + struct.pack("!BBH", 0, 0, 36) + random.randbytes(32))
    return header(length=28 + len(payloads)) + payloads


@scenario
def oversized_control_message(lab):
    """A control message of 600 KiB: its sender is dropped, the daemon and everybody else go on."""
    gateways = Gateways(lab).up()
    with gateways.left.vici() as other, socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(10)
        stream.connect(str(gateways.left.socket))
        size = 600 * 1024
        try:
            stream.sendall(struct.pack("!I", size) + bytes(size))
            answer = stream.recv(1)
        except ConnectionError:
            answer = b""
        assert answer == b"", "the connection should have been dropped"
        assert "version" in other.request("version"), "another client was disturbed"
    wait_until(lambda: "524288" in gateways.left.log() or "512" in gateways.left.log(), "the log says which limit")
    established(gateways.left)


@scenario
def garbage_on_the_control_socket(lab):
    gateways = Gateways(lab).up()
    random.seed(9)
    for octets in (b"", b"\0", bytes(100), b"\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n", struct.pack("!I", 3) + b"\x00\xffx",
                   # Clients that leave before their answer comes.
                   *[struct.pack("!I", 9) + b"\x00\x07version"] * 50, *(random.randbytes(size) for size in (10, 1000, 100_000))):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(gateways.left.socket))
            try:
                stream.sendall(octets)
            except ConnectionError:
                pass
    established(gateways.left)
