"""A client of the VICI control protocol, for both daemons.

    segment := length (4 bytes, big-endian, of what follows), type (1), [name length (1), name], message
    message := elements; an element is a type (1) and, as the type asks, a name (1 + n) and a value (2 + n)
"""

import socket
import struct
from pathlib import Path

REQUEST, RESPONSE, UNKNOWN, REGISTER, UNREGISTER, CONFIRM, EVENT_UNKNOWN, EVENT = range(8)
SECTION_START, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END = range(1, 7)


class Failed(Exception):
    """The daemon answered success=no; the text is its errmsg."""


def encode(section: dict) -> bytes:
    """Encodes a message: a dict is a section, a list a list, everything else its text."""
    out = b""
    for name, value in section.items():
        label = bytes([len(name)]) + name.encode()
        if isinstance(value, dict):
            out += bytes([SECTION_START]) + label + encode(value) + bytes([SECTION_END])
        elif isinstance(value, (list, tuple)):
            items = b"".join(bytes([LIST_ITEM]) + _encode_value(item) for item in value)
            out += bytes([LIST_START]) + label + items + bytes([LIST_END])
        else:
            out += bytes([KEY_VALUE]) + label + _encode_value(value)
    return out


def _encode_value(value) -> bytes:
    if isinstance(value, bool):
        value = "yes" if value else "no"
    data = value if isinstance(value, bytes) else str(value).encode()
    return struct.pack("!H", len(data)) + data


def decode(data: bytes) -> dict:
    """Decodes a message; values are text, or bytes where they are not UTF-8."""
    root: dict = {}
    open_sections, items, at = [root], None, 0

    def take(width: int) -> bytes:
        nonlocal at
        size = int.from_bytes(data[at:at + width], "big")
        value = data[at + width:at + width + size]
        if len(value) != size:
            raise ValueError("VICI message ends inside a value")
        at += width + size
        return value

    while at < len(data):
        kind, at = data[at], at + 1
        if kind == SECTION_START:
            open_sections.append(open_sections[-1].setdefault(take(1).decode(), {}))
        elif kind == SECTION_END:
            open_sections.pop()
        elif kind == KEY_VALUE:
            name = take(1).decode()
            open_sections[-1][name] = _decode_value(take(2))
        elif kind == LIST_START:
            items = open_sections[-1].setdefault(take(1).decode(), [])
        elif kind == LIST_ITEM:
            items.append(_decode_value(take(2)))
        elif kind == LIST_END:
            items = None
        else:
            raise ValueError(f"VICI message holds an element of the unknown type {kind}")
    if len(open_sections) != 1:
        raise ValueError("VICI message closes more or fewer sections than it opens")
    return root


def _decode_value(data: bytes):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


class Session:
    """One connection to a daemon's control socket. Commands run one after the other."""

    def __init__(self, path: Path, *, timeout_s: float = 60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout_s)
        self.socket.connect(str(path))

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def request(self, command: str, message: dict | None = None) -> dict:
        """Sends a command and returns its response; raises Failed when that says success=no."""
        return self.stream(command, None, message)[1]

    def stream(self, command: str, event: str | None, message: dict | None = None) -> tuple[list[dict], dict]:
        """Sends a command while registered for `event`; returns the events in order, and the response."""
        if event:
            self.register(event)
        self.send(REQUEST, command, message or {})
        events = []
        while True:
            kind, name, body = self.receive()
            if kind == EVENT:
                if name == event:
                    events.append(body)
            elif kind == UNKNOWN:
                raise Failed(f"unknown command {command}")
            else:
                break
        if event:
            self.unregister(event)
        if body.get("success", "yes") != "yes":
            raise Failed(body.get("errmsg", "no reason given"))
        return events, body

    def register(self, event: str) -> None:
        self._confirmed(REGISTER, event)

    def unregister(self, event: str) -> None:
        self._confirmed(UNREGISTER, event)

    def _confirmed(self, kind: int, event: str) -> None:
        self.send(kind, event)
        while (answer := self.receive()[0]) == EVENT:
            pass
        if answer != CONFIRM:
            raise Failed(f"unknown event {event}")

    def next_event(self) -> tuple[str, dict]:
        """Waits for an event that was registered for."""
        kind, name, body = self.receive()
        if kind != EVENT:
            raise Failed(f"a packet of type {kind} where an event was awaited")
        return name, body

    def send(self, kind: int, name: str = "", message: dict | None = None) -> None:
        body = bytes([kind]) + (bytes([len(name)]) + name.encode() if name else b"") + encode(message or {})
        self.socket.sendall(struct.pack("!I", len(body)) + body)

    def receive(self) -> tuple[int, str, dict]:
        """The next packet: its type, its name (empty when it has none) and its message."""
        data = self._exactly(struct.unpack("!I", self._exactly(4))[0])
        kind, name, at = data[0], "", 1
        if kind == EVENT:
            at = 2 + data[1]
            name = data[2:at].decode()
        return kind, name, decode(data[at:])

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the daemon closed the control connection")
            data += more
        return data


def list_sas(session: Session) -> list[dict]:
    """The IKE SAs as a list; each has its connection's name under `name` and its children in `child-sas`."""
    events, _ = session.stream("list-sas", "list-sa")
    return [{"name": name, **sa} for event in events for name, sa in event.items()]
