"""Wireshark decrypts what our ESP seals, in the suites that it knows, and finds every ICV right.

The packets are made by `esp_recording` of the build, with keys that it prints; the other suites are held against known
answers of another program in src/crypto/packet_cipher_test.cc.
"""

import os
import subprocess
from pathlib import Path

from lab import process
from scenario import Mismatch

_PROJECT = Path(__file__).resolve().parents[3]
PACKETS_PER_SA = 3
_CIPHERS = {
    "AES_GCM_16": "AES-GCM with 16 octet ICV [RFC4106]",
    "AES_GCM_12": "AES-GCM with 12 octet ICV [RFC4106]",
    "AES_GCM_8": "AES-GCM with 8 octet ICV [RFC4106]",
    "AES_CBC": "AES-CBC [RFC3602]",
    "AES_CTR": "AES-CTR [RFC3686]",
    "NULL": "NULL",
}
_INTEGRITY = {
    "HMAC_SHA1_96": "HMAC-SHA-1-96 [RFC2404]",
    "HMAC_SHA2_256_128": "HMAC-SHA-256-128 [RFC4868]",
    "HMAC_SHA2_384_192": "HMAC-SHA-384-192 [RFC4868]",
    "HMAC_SHA2_512_256": "HMAC-SHA-512-256 [RFC4868]",
}

CASES = {"every-suite-it-knows": None}


def recording_program():
    folders = [Path(os.environ["CYGNET_BIN"])] if os.environ.get("CYGNET_BIN") else sorted(_PROJECT.glob("build/*"))
    found = [folder / "tests/captures/esp_recording" for folder in folders]
    return max((path for path in found if path.is_file()), key=lambda path: path.stat().st_mtime)


def security_association(line):
    """A line of Wireshark's table esp_sa, or None for a suite that it lacks."""
    spi, encr, _, integ, bits, high, encr_key, integ_key = line.split()
    if encr not in _CIPHERS:
        return None
    authentication = _INTEGRITY.get(integ, "NULL")
    keys = ["" if key == "-" else f"0x{key}" for key in (encr_key, integ_key)]
    fields = ("IPv4", "192.0.2.1", "192.0.2.2", f"0x{spi}", _CIPHERS[encr], keys[0], authentication, keys[1],
              f"{bits}-bit", f"0x{int(high):08x}")
    return int(spi, 16), ",".join(f'"{field}"' for field in fields)


def run(lab, case, folder):
    capture = lab.folder / "esp.pcap"
    sas = [security_association(line)
           for line in process.run([str(recording_program()), str(capture)]).stdout.splitlines()]
    known = dict(filter(None, sas))
    home = lab.folder / "home/.config/wireshark"
    home.mkdir(parents=True)
    (home / "esp_sa").write_text("\n".join(known.values()) + "\n")
    root = process.run([str(_PROJECT / "tools/peer-root"), "tshark"], timeout_s=600).stdout.strip()
    script = 'mount --bind "$2" "$1/run" || exit 125; cd /; export HOME=/run/home; exec chroot "$1" /usr/bin/tshark -r /run/esp.pcap ' \
             "-o esp.enable_encryption_decode:TRUE -o esp.enable_authentication_check:TRUE " \
             "-T fields -e esp.spi -e esp.icv_good -e udp.dstport -e ip.len"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", root, str(lab.folder)], capture_output=True, text=True)
    seen = {}
    for line in done.stdout.splitlines():
        spi, good, port, lengths = line.split("\t")
        seen.setdefault(int(spi, 16), []).append((good, port, lengths.split(",")[-1]))
    for spi, entry in known.items():
        # The last length is the inner packet's, whose payload grows.
        expected = [("True", "2000", str(28 + 20 + 13 * number)) for number in range(PACKETS_PER_SA)]
        if seen.get(spi) != expected:
            raise Mismatch(f"tshark reads {seen.get(spi)} with {entry}\n{done.stderr}")
    if len(known) < 20:
        raise Mismatch(f"only {len(known)} SAs were checked")
