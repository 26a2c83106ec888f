"""What a child may do beside tunnelling packets as they are: compression (IPComp), and BEET mode."""

from lab.traffic import tcp_transfer

from scenario import Cygnet, Gateways, configuration, connection, established, ping, scenario, secret, settled, wait_until
from tunnels import ipv4_packets

_ESP, _UDP = 50, 17
_BEET = {"mode": "beet"}


def esp_sizes(wire) -> list[int]:
    """Of the ESP packets, without those that measure the path: they are of 1280 octets and of the whole MTU."""
    return [len(packet) for packet in ipv4_packets(wire) if packet[9] == _ESP and len(packet) not in (1276, 1280, 1496, 1500)]


@scenario
def compression(lab):
    """ipcomp = yes at both ends: what compresses is small on the wire, what does not is whole, and rekeys keep it."""
    gateways = Gateways(lab, child={"ipcomp": "yes"})
    left, right = gateways.left, gateways.right
    wire = lab.capture(gateways.left_host, "to-right", "ip")
    gateways.up()
    before = indices(left, right)
    for size in (56, 300, 1200, 1400):  # ping repeats itself after 256 octets
        assert ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", size=size).lost == 0, size
        assert ping(gateways.right_host, "10.1.0.1", source="10.2.0.1", size=size).lost == 0, size
    wait_until(lambda: len(esp_sizes(wire)) >= 48, "all of them in the capture")
    assert max(esp_sizes(wire)) < 450, sorted(esp_sizes(wire))
    # One that is longer than the path takes and may be cut: it is compressed first.
    assert ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", size=4000).lost == 0
    # iperf3 sends what no algorithm makes smaller.
    assert tcp_transfer(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1", seconds=1).bytes > 1_000_000
    assert sum(packet[9] == _ESP and len(packet) > 1400 for packet in ipv4_packets(wire)) > 100, "noise goes as it is"
    with left.vici() as session:
        session.request("rekey", {"child": "net"})
    wait_until(lambda: settled(left) and settled(right) and indices(left, right) != before, "a rekey that brings indices of its own")
    assert ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", size=1200).lost == 0
    assert "CPI " in left.command("status").stdout, left.command("status").stdout


def indices(left: Cygnet, right: Cygnet) -> tuple[str, str]:
    """The CPIs of the child, which both ends must see alike."""
    children = [established(daemon)["child"] for daemon in (left, right)]
    seen = [(child["cpi-in"], child["cpi-out"]) for child in children]
    assert seen[0] == tuple(reversed(seen[1])), seen
    return seen[0]


@scenario
def compression_of_one_end_alone(lab):
    """Who is not answered does without."""
    hosts = lab.pair()
    ends = two_ends(lab, hosts, ("10.1.0.1", "10.2.0.1"), {"ipcomp": "yes"}, {})
    ends[0].up("net")
    for daemon in ends:
        assert "cpi-in" not in established(daemon)["child"], established(daemon)
    assert ping(hosts[0], "10.2.0.1", source="10.1.0.1", size=1200).lost == 0


@scenario
def compression_of_both_families_and_of_transport_mode(lab):
    """Between hosts in transport mode, and IPv6 in the tunnel."""
    left_host, right_host = lab.pair()
    left_host.add_address("fd00:1::1/64")
    right_host.add_address("fd00:2::1/64")
    ends = []
    for host, own, other, (name, peer), (net, remote) in (
            (left_host, "192.0.2.1", "192.0.2.2", ("left", "right"), ("1", "2")),
            (right_host, "192.0.2.2", "192.0.2.1", ("right", "left"), ("2", "1"))):
        ends.append(Cygnet(lab, host, configuration(secret(), connection(
            "net", own, other, local_id=f"{name}.example", remote_id=f"{peer}.example",
            child={"mode": "transport", "ipcomp": "yes"},
            more_children={"six": {"local_ts": f"fd00:{net}::/64", "remote_ts": f"fd00:{remote}::/64", "ipcomp": "yes"}}))))
    wire = lab.capture(left_host, "to-right", "ip")
    ends[0].up("net")
    ends[0].command("up", "six")
    for size in (1300, 700, 100):  # the smallest last: where they do not shrink, the packets after them are spared an attempt
        assert ping(left_host, "192.0.2.2", size=size).lost == 0, size
        assert ping(left_host, "fd00:2::1", source="fd00:1::1", size=size).lost == 0, size
    assert tcp_transfer(lab, left_host, right_host, "192.0.2.2", seconds=1).bytes > 1_000_000
    sizes = [len(packet) for packet in ipv4_packets(wire) if packet[9] == _ESP]
    assert sum(200 < size < 500 for size in sizes) >= 24, sorted(set(sizes))


@scenario
def beet_mode(lab):
    """The inner addresses are not those of the wire, and have no header there."""
    left_host, right_host = lab.pair()
    left, right = two_ends(lab, (left_host, right_host), ("10.1.0.1", "10.2.0.1"), _BEET, _BEET)
    wire = lab.capture(left_host, "to-right", "ip")
    left.up("net")
    assert established(left)["child"]["mode"] == established(right)["child"]["mode"] == "BEET"
    assert ping(left_host, "10.2.0.1", source="10.1.0.1", size=100).lost == 0
    assert ping(right_host, "10.1.0.1", source="10.2.0.1", size=1400).lost == 0
    assert tcp_transfer(lab, left_host, right_host, "10.2.0.1", source="10.1.0.1", seconds=1).bytes > 1_000_000
    with right.vici() as session:
        session.request("rekey", {"child": "net"})
    wait_until(lambda: (now := settled(left)) and now["child"]["uniqueid"] != "1", "the rekey")
    assert ping(left_host, "10.2.0.1", source="10.1.0.1").lost == 0
    assert established(left)["child"]["mode"] == "BEET"
    packets = list(ipv4_packets(wire))
    assert {packet[9] for packet in packets} == {_UDP, _ESP}, "IKE and ESP only"
    # IP header, ESP header without an IV (RFC 8750), 108 octets of ICMP, trailer and ICV.
    assert 20 + 8 + 112 + 16 in {len(packet) for packet in packets}, sorted({len(packet) for packet in packets})


@scenario
def beet_mode_between_families(lab):
    """IPv6 addresses inside, IPv4 on the wire."""
    left_host, right_host = lab.pair()
    left_host.add_address("fd00:1::1/128")
    right_host.add_address("fd00:2::1/128")
    left, _ = two_ends(lab, (left_host, right_host), ("fd00:1::1", "fd00:2::1"), _BEET, _BEET)
    left.up("net")
    assert established(left)["child"]["mode"] == "BEET"
    assert ping(left_host, "fd00:2::1", source="fd00:1::1", size=1000).lost == 0
    assert tcp_transfer(lab, left_host, right_host, "fd00:2::1", source="fd00:1::1", seconds=1).bytes > 1_000_000


@scenario
def beet_mode_is_declined(lab):
    """A peer without such a child does not say that it knows it; it is not asked."""
    left, right = two_ends(lab, lab.pair(), ("10.1.0.1", "10.2.0.1"), _BEET, {})
    left.command("up", "net", check=False)
    assert not [sa for sa in right.sas() if sa["child-sas"]], right.sas()
    why = left.command("why", check=False).stdout
    assert "BEET mode" in why and "mode = tunnel" in why, why


def two_ends(lab, hosts, inner, *children):
    """A daemon on each host and the connection `net` between their inner addresses; `children`: further lines of each."""
    names, outer = ("left", "right"), ("192.0.2.1", "192.0.2.2")
    return [Cygnet(lab, hosts[own], configuration(secret(), connection(
        "net", outer[own], outer[other], local_id=f"{names[own]}.example", remote_id=f"{names[other]}.example",
        local_ts=inner[own], remote_ts=inner[other], child=children[own]))) for own, other in ((0, 1), (1, 0))]
