"""Records what passes a device, run as a script on its host.

    capture.py DEVICE FILE [ip|udp] [PACKETS]    all packets, or those of IPv4 or of UDP over it; ends after so many

tcpdump gives up its identity when it is root, which a user namespace does not allow.
"""

import socket
import struct
import sys
import time

ALL_PROTOCOLS = 0x0003
ETHERNET = 1
FRAME_OCTETS = 1 << 17

WANTED = {
    "": lambda frame: True,
    "ip": lambda frame: frame[12:14] == b"\x08\x00",
    "udp": lambda frame: frame[12:14] == b"\x08\x00" and frame[23] == 17,
}


def record(device: str, path: str, only: str = "", packets: str = "0") -> None:
    source = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    source.bind((device, ALL_PROTOCOLS))
    left = int(packets) or sys.maxsize
    with open(path, "wb", buffering=0) as file:
        file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, FRAME_OCTETS, ETHERNET))
        print("recording", flush=True)
        while left:
            frame = source.recv(FRAME_OCTETS)
            if WANTED[only](frame):
                now_us = time.time_ns() // 1000
                file.write(struct.pack("=IIII", now_us // 1000000, now_us % 1000000, len(frame), len(frame)) + frame)
                left -= 1


if __name__ == "__main__":
    record(*sys.argv[1:])
