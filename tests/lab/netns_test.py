"""Tests of the laboratory's namespaces: a NAT, a narrow path, losses, and that nothing is left.

Needs root, or user namespaces and access to the TUN device.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import Lab  # noqa: E402
from lab.traffic import NumberedStream, ping, tcp_transfer  # noqa: E402


def main():
    with Lab("netns-test") as lab:
        inside, nat, outside = lab.host("inside"), lab.router("nat"), lab.host("outside")
        lab.connect(inside, "10.9.0.2/24", nat, "10.9.0.1/24")
        lab.connect(nat, "192.0.2.1/24", outside, "192.0.2.2/24", mtu=1280)
        inside.default_route("10.9.0.1")
        nat.masquerade("to-outside")

        assert ping(inside, "192.0.2.2").lost == 0
        assert tcp_transfer(lab, inside, outside, "192.0.2.2", seconds=1).mbit_per_s > 1

        # The NAT rewrites the source: nothing arrives from the inside address or from an unmapped port.
        outside.watch("ip saddr 192.0.2.1 udp sport 20000-29999 udp dport 7007")
        with NumberedStream(lab, inside, outside, "192.0.2.2") as stream:
            stream.wait_for_packets(50)
        assert stream.lost == stream.doubled == [] and outside.watched() == stream.sent, stream.summary()

        # Losses are counted alike by who drops and by who misses.
        with NumberedStream(lab, inside, outside, "192.0.2.2") as stream:
            outside.lose(500, "udp dport 7007")
            stream.wait_for_packets(50)
        assert len(stream.lost) == outside.dropped() > 0, stream.summary()
        outside.heal()

        # A packet of 1280 bytes passes, a longer one goes in fragments, which the far end here does not get.
        outside.drop_fragments()
        assert ping(inside, "192.0.2.2", size=1280 - 28).lost == 0
        assert ping(inside, "192.0.2.2", size=1400, timeout_s=0.5).received == 0
        assert outside.dropped() > 0

        folder = lab.folder
    assert not folder.exists()
    assert not list(Path("/run/netns").iterdir())


if __name__ == "__main__":
    main()
