"""P38: instructions per packet and per set-up under callgrind, the same in each run whatever else the machine does."""

import re
import shutil
import subprocess

from entries import entry

_AES_256_GCM = "2"  # in the list of src/esp/test_packets.h


def _instructions(argv):
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *map(str, argv)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def _each(program, words, fewer, more, amount=1, after=()):
    """Of one of what a program repeats: the difference of two runs."""
    counts = [_instructions([program, *words, times, *after]) for times in (fewer, more)]
    return round((counts[1] - counts[0]) / (more - fewer) / amount, 1)


def measure(build, absent):
    if not shutil.which("valgrind"):
        absent["valgrind"] = "not installed, so no instructions are counted (P38)"
        return
    pipeline, handshake = build / "bench/pipeline", build / "bench/handshake"
    for octets in (1400, 64):
        def of_packet(kind):
            return _each(pipeline, [_AES_256_GCM, octets], 50, 150, 64, [kind])

        out, both, bare = of_packet("out"), of_packet("both"), of_packet("bare")
        bound = "bare AEAD, seal and open"
        yield entry("P38", f"instructions per packet, seal and open {octets} B", "instructions", bound, [(both, bare)])
        yield entry("P38", f"instructions per packet, seal {octets} B", "instructions", None, [(out, None)])
        yield entry("P38", f"instructions per packet, open {octets} B", "instructions", None, [(round(both - out, 1), None)])
    if handshake.exists():
        for kind in ("psk", "certificates"):
            each = _each(handshake, ["only", kind], 5, 15)
            yield entry("P38", f"instructions per set-up, both ends, {kind}", "instructions", None, [(each, None)])
