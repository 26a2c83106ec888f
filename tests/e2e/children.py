"""Children of every kind: traps and the packets that wait for them, several selectors, transport mode, idle children."""

from lab.traffic import NumberedStream, tcp_transfer
from lab.vici import Failed

from scenario import (Cygnet, Gateways, carries_traffic, configuration, connection, counter, established, ping, scenario,
                      secret, wait_until)
from tunnels import ipv4_packets


def policies(daemon: Cygnet) -> dict:
    """What list-policies shows, by name."""
    with daemon.vici() as session:
        events, _ = session.stream("list-policies", "list-policy")
    return {name: policy for event in events for name, policy in event.items()}


def refused(session, command: str, message: dict) -> bool:
    try:
        session.request(command, message)
    except Failed:
        return True
    return False


@scenario
def trap_first_packet(lab):
    """The first packet brings the child up and arrives; so do those behind it."""
    gateways = Gateways(lab, left_keys={}, child={"start_action": "trap"})
    left, right = gateways.left, gateways.right
    wait_until(lambda: "net/net" in policies(left) and "net/net" in policies(right), "the traps")
    assert not left.sas() and not right.sas()
    first = ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", count=1, timeout_s=10)
    assert first.lost == 0, "the packet that brought the child up was lost"
    assert policies(left)["net/net"]["reqid"] == established(left)["child"]["reqid"]
    assert counter(left, "acquired") == 1
    left.down("net")
    wait_until(lambda: not left.sas() and not right.sas(), "no SA is left")
    stream = NumberedStream(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1", packets_per_s=50)
    with stream:
        stream.wait_for_packets(100)
    assert not stream.lost and not stream.doubled, stream.summary()
    with left.vici() as session:
        session.request("uninstall", {"child": "net"})
        assert refused(session, "uninstall", {"child": "net"}), "there is nothing left to uninstall"
    left.down("net")
    wait_until(lambda: not left.sas(), "no SA is left")
    assert ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", count=1, timeout_s=0.5).lost == 1
    assert not left.sas(), "without the trap nothing comes up"
    with left.vici() as session:
        session.request("install", {"child": "net"})
    carries_traffic(gateways)


@scenario
def trap_waits_for_its_peer(lab):
    """Packets to a peer that is not there are bounded in number and in time, and the daemon lives on."""
    gateways = Gateways(lab, child={"start_action": "trap"})
    gateways.right.stop()
    stream = NumberedStream(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1", packets_per_s=100)
    with stream:
        wait_until(lambda: any(sa["state"] == "CONNECTING" for sa in gateways.left.sas()), "an attempt")
    assert len(stream.lost) == stream.sent
    assert len(gateways.left.sas()) == 1, "one attempt for all packets"


@scenario
def idle_child_returns(lab):
    """An idle child is closed; with a trap it comes back with the next packet."""
    gateways = Gateways(lab, child={"start_action": "trap|start"}, left_keys={})
    gateways.left.stop()
    config = configuration(secret(), connection(
        "net", "192.0.2.1", "192.0.2.2", local_id="left.example", remote_id="right.example", local_ts="10.1.0.0/24",
        remote_ts="10.2.0.0/24", child={"start_action": "trap|start", "inactivity": "2s"}))
    left = Cygnet(lab, gateways.left_host, config, name="cygnetd-left-again")
    wait_until(lambda: left.sas() and left.sas()[0]["child-sas"], "the child comes up by itself")
    wait_until(lambda: left.sas() and not left.sas()[0]["child-sas"], "the idle child is closed", timeout_s=10)
    assert ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", count=1, timeout_s=5).lost == 0
    established(left)


def rekeyed_by_volume(lab, child):
    """The child is replaced once its volume is used up; nothing is lost."""
    gateways = Gateways(lab, child=child).up()
    before = established(gateways.left)["child"]["spi-in"]
    stream = NumberedStream(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1", packets_per_s=200)
    with stream:
        wait_until(lambda: all(child["spi-in"] != before for child in gateways.left.sas()[0]["child-sas"].values()),
                   "a new child alone", timeout_s=15)
        stream.wait_for_packets(50)
    assert not stream.lost and not stream.doubled, stream.summary()


@scenario
def rekey_after_packets(lab):
    rekeyed_by_volume(lab, {"rekey_packets": "300", "life_packets": "3000", "rand_packets": "50"})


@scenario
def rekey_after_bytes(lab):
    rekeyed_by_volume(lab, {"rekey_bytes": "60k", "life_bytes": "1m", "rand_bytes": "10k"})


@scenario
def several_selectors(lab):
    """Protocols and ports decide what goes through; the rest goes nowhere."""
    left_host, right_host = lab.pair()
    right_host.add_address("10.3.0.1/24")
    sides = (("left", "192.0.2.1", "10.1.0.0/24[tcp], 10.1.0.0/24[icmp]"),
             ("right", "192.0.2.2", "10.2.0.0/24[tcp/5201], 10.2.0.0-10.3.0.255[icmp]"))
    left, right = (
        Cygnet(lab, host, configuration(secret(), connection(
            "net", own[1], other[1], local_id=f"{own[0]}.example", remote_id=f"{other[0]}.example", local_ts=own[2],
            remote_ts=other[2])))
        for own, other, host in zip(sides, reversed(sides), (left_host, right_host)))
    left.up("net")
    child = established(left)["child"]
    assert child["local-ts"] == ["10.1.0.0/24[tcp]", "10.1.0.0/24[icmp]"], child
    assert child["remote-ts"] == ["10.2.0.0/24[tcp/5201]", "10.2.0.0..10.3.0.255[icmp]"], child
    for destination in ("10.2.0.1", "10.3.0.1"):
        assert ping(left_host, destination, source="10.1.0.1").lost == 0
    assert tcp_transfer(lab, left_host, right_host, "10.2.0.1", source="10.1.0.1", seconds=1).bytes > 0
    stream = NumberedStream(lab, left_host, right_host, "10.2.0.1", source="10.1.0.1", packets_per_s=50)
    with stream:
        assert ping(left_host, "10.2.0.1", source="10.1.0.1").lost == 0
    assert len(stream.lost) == stream.sent, "UDP is in no selector"
    right.command("up", "net")
    assert ping(right_host, "10.1.0.1", source="10.2.0.1").lost == 0


@scenario
def transport_mode(lab):
    """Two hosts: their own packets, without a second IP header."""
    left_host, right_host = lab.pair()
    left, right = transport_ends(lab, ((left_host, "192.0.2.1", "192.0.2.2"), (right_host, "192.0.2.2", "192.0.2.1")))
    wire = lab.capture(left_host, "to-right")
    left.up("net")
    assert established(left)["child"]["mode"] == established(right)["child"]["mode"] == "TRANSPORT"
    assert ping(left_host, "192.0.2.2", size=100).lost == 0
    assert ping(right_host, "192.0.2.1").lost == 0
    assert tcp_transfer(lab, left_host, right_host, "192.0.2.2", seconds=1).bytes > 0
    with left.vici() as session:
        session.request("rekey", {"child": "net"})
    assert ping(left_host, "192.0.2.2").lost == 0
    assert established(left)["child"]["mode"] == "TRANSPORT"
    packets = list(ipv4_packets(wire))
    assert {packet[9] for packet in packets} == {17, 50}, "IKE and ESP only"
    # IP header, ESP header without an IV (RFC 8750), 108 octets of ICMP, trailer and ICV: an IP header less than a tunnel.
    assert 20 + 8 + 112 + 16 in {len(packet) for packet in packets}, sorted({len(packet) for packet in packets})


@scenario
def transport_mode_behind_nat(lab):
    """RFC 7296 section 2.23.1: each end sees its own addresses, and checksums hold."""
    left, nat, right = lab.host("left"), lab.router("nat"), lab.host("right")
    lab.connect(left, "10.9.0.2/24", nat, "10.9.0.1/24")
    lab.connect(nat, "192.0.2.1/24", right, "192.0.2.2/24")
    left.default_route("10.9.0.1")
    nat.masquerade("to-right")
    a, b = transport_ends(lab, ((left, "10.9.0.2", "192.0.2.2"), (right, "192.0.2.2", "%any")))
    a.up("net")
    assert established(a)["child"]["local-ts"] == ["10.9.0.2/32"], established(a)
    assert established(b)["child"]["remote-ts"] == ["192.0.2.1/32"], established(b)
    assert ping(left, "192.0.2.2").lost == 0
    assert tcp_transfer(lab, left, right, "192.0.2.2", seconds=1).bytes > 0


def transport_ends(lab, ends):
    names = ("left", "right")
    return [Cygnet(lab, host, configuration(secret(), connection(
        "net", own, other, local_id=f"{names[i]}.example", remote_id=f"{names[1 - i]}.example",
        child={"mode": "transport"}))) for i, (host, own, other) in enumerate(ends)]


@scenario
def traffic_flow_padding(lab):
    """tfc_padding = 1000: small packets look alike on the wire."""
    gateways = Gateways(lab, child={"tfc_padding": "1000"})
    wire = lab.capture(gateways.left_host, "to-right", "ip")
    gateways.up()
    ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", size=10)
    ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", size=500)
    # Not those that measure the path: they are of 1280 octets and more.
    sizes = {len(packet) for packet in ipv4_packets(wire) if packet[9] == 50 and len(packet) < 1280}
    assert len(sizes) == 1, f"packets of {sizes} octets"
