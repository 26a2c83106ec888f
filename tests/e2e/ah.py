"""AH (RFC 4302): integrity without encryption, of the IP header as well."""

from lab.traffic import tcp_transfer

from scenario import Cygnet, Gateways, carries_traffic, configuration, connection, established, ping, scenario, secret
from tunnels import ipv4_packets


def protected_by_ah(packets) -> bool:
    """IKE and AH only."""
    return {packet[9] for packet in packets} == {17, 51}


@scenario
def ah_tunnel(lab):
    """Two gateways; the packets are readable on the wire, and rekeyed without a loss."""
    gateways = Gateways(lab, child={"ah_proposals": "sha512-esn,sha256"})
    left, right = gateways.left_host, gateways.right_host
    wire = lab.capture(left, "to-right", "ip")
    gateways.up()
    child = established(gateways.left)["child"]
    assert (child["protocol"], child["integ-alg"], child.get("encr-alg")) == ("AH", "HMAC_SHA2_512_256", None), child
    assert child["esn"] == "1", child
    assert ping(left, "10.2.0.1", source="10.1.0.1", size=2000).lost == 0, "in fragments"
    assert tcp_transfer(lab, left, right, "10.2.0.1", source="10.1.0.1", seconds=1).bytes > 0
    with gateways.left.vici() as session:
        session.request("rekey", {"child": "net"})
    carries_traffic(gateways)
    packets = list(ipv4_packets(wire))
    assert protected_by_ah(packets), {packet[9] for packet in packets}
    # AH of 44 octets for this algorithm, with the inner packet behind it.
    inner = next(packet[20 + 44:] for packet in packets if packet[9] == 51 and packet[6:8] in (b"\0\0", b"\x40\0"))
    assert inner[0] == 0x45 and inner[12:14] == b"\x0a\x01", inner[:20]


@scenario
def ah_transport(lab):
    """Two hosts; with IPv6 it is the same."""
    ends = (("left", "192.0.2.1", "192.0.2.2"), ("right", "192.0.2.2", "192.0.2.1"))
    hosts = lab.pair()
    left, right = (Cygnet(lab, host, configuration(secret(), connection(
        "net", own, other, local_id=f"{name}.example", remote_id=f"{'right' if name == 'left' else 'left'}.example",
        child={"mode": "transport", "ah_proposals": "sha256"}))) for host, (name, own, other) in zip(hosts, ends))
    wire = lab.capture(hosts[0], "to-right", "ip")
    left.up("net")
    assert established(left)["child"]["protocol"] == established(right)["child"]["protocol"] == "AH"
    assert ping(hosts[0], "192.0.2.2", size=100).lost == 0
    assert ping(hosts[1], "192.0.2.1").lost == 0
    assert tcp_transfer(lab, *hosts, "192.0.2.2", seconds=1).bytes > 0
    assert protected_by_ah(ipv4_packets(wire))


@scenario
def ah_stops_at_a_nat(lab):
    """Behind a NAT there is no AH, and the error says so."""
    left, nat, right = lab.host("left"), lab.router("nat"), lab.host("right")
    lab.connect(left, "10.9.0.2/24", nat, "10.9.0.1/24")
    lab.connect(nat, "192.0.2.1/24", right, "192.0.2.2/24")
    left.default_route("10.9.0.1")
    nat.masquerade("to-right")
    child = {"ah_proposals": "sha256"}
    a = Cygnet(lab, left, configuration(secret(), connection(
        "net", "10.9.0.2", "192.0.2.2", local_id="left.example", remote_id="right.example", local_ts="10.1.0.0/24",
        remote_ts="10.2.0.0/24", child=child)))
    Cygnet(lab, right, configuration(secret(), connection(
        "net", "192.0.2.2", "%any", local_id="right.example", remote_id="left.example", local_ts="10.2.0.0/24",
        remote_ts="10.1.0.0/24", child=child)))
    done = a.command("up", "net", check=False)
    assert done.returncode != 0 and "AH passes no NAT" in done.stdout + done.stderr, done
