"""How long packets may be, and what passes beside the tunnel."""

from lab.traffic import tcp_transfer

from children import policies
from scenario import (Cygnet, Gateways, carries_traffic, configuration, connection, established, ping, scenario, secret,
                      wait_until)
from tunnels import ipv4_packets


@scenario
def path_mtu_is_found_and_shown(lab):
    """A path of 1300 octets behind wider links: both sides find out by themselves, and TCP fits it."""
    left, near, far, right = lab.host("left"), lab.router("near"), lab.router("far"), lab.host("right")
    lab.connect(left, "10.9.0.2/24", near, "10.9.0.1/24")
    lab.connect(near, "203.0.113.1/24", far, "203.0.113.2/24", mtu=1300)
    lab.connect(far, "192.0.2.1/24", right, "192.0.2.2/24")
    left.default_route("10.9.0.1")
    right.default_route("192.0.2.1")
    near.default_route("203.0.113.2")
    far.default_route("203.0.113.1")
    left.add_address("10.1.0.1/24")
    right.add_address("10.2.0.1/24")
    a = Cygnet(lab, left, configuration(secret(), connection(
        "net", "10.9.0.2", "192.0.2.2", local_id="left.example", remote_id="right.example", local_ts="10.1.0.0/24",
        remote_ts="10.2.0.0/24", encap="yes")))
    b = Cygnet(lab, right, configuration(secret(), connection(
        "net", "192.0.2.2", "10.9.0.2", local_id="right.example", remote_id="left.example", local_ts="10.2.0.0/24",
        remote_ts="10.1.0.0/24")))
    a.up("net")
    for daemon in (a, b):
        wait_until(lambda: ping(left, "10.2.0.1", source="10.1.0.1", count=1).lost == 0 and
                   established(daemon)["child"].get("path-mtu") == "1300", "the path's MTU in list-sas")
    tcp_transfer(lab, left, right, "10.2.0.1", source="10.1.0.1", seconds=1)
    assert established(a)["child"]["path-mtu"] == "1300"
    # As long as fits, and as long as does not, with a sender that lets be cut what does not.
    for octets in (1200, 1201, 1230, 1400, 2900):
        assert ping(left, "10.2.0.1", source="10.1.0.1", size=octets, count=2).lost <= 1, octets
        assert ping(left, "10.2.0.1", source="10.1.0.1", size=octets, count=2).lost == 0, octets


@scenario
def a_policy_lets_pass(lab):
    """mode = pass: ICMP goes in the clear, the rest of the same addresses through the tunnel."""

    def clear(own, other):
        return {"more_children": {"clear": {"mode": "pass", "start_action": "trap", "local_ts": f"10.{own}.0.0/24[icmp]",
                                            "remote_ts": f"10.{other}.0.0/24[icmp]"}}}

    gateways = Gateways(lab, left_keys=clear("1", "2"), right_keys=clear("2", "1"))
    left, right = gateways.left_host, gateways.right_host
    left.add_route("10.2.0.0/24", "192.0.2.2")
    right.add_route("10.1.0.0/24", "192.0.2.1")
    for daemon in (gateways.left, gateways.right):
        wait_until(lambda: policies(daemon).get("net/clear", {}).get("mode") == "PASS", "the policy")
    gateways.left.up("net")
    wire = lab.capture(left, "to-right", "ip")
    carries_traffic(gateways)
    tcp_transfer(lab, left, right, "10.2.0.1", source="10.1.0.1", seconds=1)
    seen = {packet[9] for packet in ipv4_packets(wire)}
    assert 1 in seen and 50 in seen and 6 not in seen, f"ICMP in the clear and TCP in ESP, not the protocols {seen}"
    for daemon in (gateways.left, gateways.right):
        with daemon.vici() as session:
            session.request("uninstall", {"child": "clear"})
    wire = lab.capture(right, "to-left", "ip")
    carries_traffic(gateways)
    seen = {packet[9] for packet in ipv4_packets(wire)}
    assert seen == {50}, f"the policy is gone: all goes in ESP, not the protocols {seen}"
