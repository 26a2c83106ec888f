"""Packets that arrive in the clear although a policy protects them, and what may come unprotected all the same."""

from scenario import (Cygnet, Gateways, carries_traffic, configuration, connection, counter, established, ping, scenario, secret,
                      wait_until)
from children import policies

MARK = "4500"  # with it packets leave past the tunnel: the peer's clear packets, or somebody's who takes its address


def clear_pings(host, destination: str, source: str, count: int = 3) -> int:
    """So many echo requests in the clear; how many were answered."""
    done = host.run("ping", "-n", "-q", "-m", MARK, "-c", str(count), "-i", "0.05", "-W", "0.5", "-I", source, destination, check=False)
    return int(done.stdout.split(" received")[0].split()[-1])


def with_clear_routes(gateways: Gateways) -> Gateways:
    gateways.left_host.add_route("10.2.0.0/24", "192.0.2.2")
    gateways.right_host.add_route("10.1.0.0/24", "192.0.2.1")
    return gateways


@scenario
def clear_packets_are_dropped(lab):
    """RFC 4301 section 5.2: with the tunnel up, or a trap, protected traffic in the clear is dropped and counted."""
    gateways = with_clear_routes(Gateways(lab))
    left, right = gateways.left, gateways.right
    assert clear_pings(gateways.left_host, "10.2.0.1", "10.1.0.1") == 3, "no policy yet"
    gateways.up()
    assert clear_pings(gateways.left_host, "10.2.0.1", "10.1.0.1") == 0
    assert counter(right, "esp-drop-unprotected") == 3
    assert clear_pings(gateways.left_host, "192.0.2.2", "192.0.2.1") == 3, "the ends themselves are in no selector"
    with left.vici() as session:
        session.request("rekey", {"child": "net"})
    assert clear_pings(gateways.left_host, "10.2.0.1", "10.1.0.1") == 0
    assert counter(right, "esp-drop-unprotected") == 6
    carries_traffic(gateways)
    left.down("net")
    wait_until(lambda: not left.sas() and not right.sas(), "no SA is left")
    assert clear_pings(gateways.left_host, "10.2.0.1", "10.1.0.1") == 3, "the policy has gone with the child"
    with right.vici() as session:
        session.request("install", {"child": "net"})
    wait_until(lambda: "net/net" in policies(right), "the trap")
    assert clear_pings(gateways.left_host, "10.2.0.1", "10.1.0.1") == 0
    assert counter(right, "esp-drop-unprotected") == 9
    gateways.up()
    established(right)


@scenario
def clear_packets_of_shunts(lab):
    """A policy that drops does so on the way in as well; one that passes goes before what protects."""

    def shunts(own, other):
        return {"more_children": {
            "closed": {"mode": "drop", "start_action": "trap", "local_ts": f"10.{own}.0.0/24", "remote_ts": "10.5.0.0/24"},
            "open": {"mode": "pass", "start_action": "trap", "local_ts": f"10.{own}.0.1[icmp]", "remote_ts": f"10.{other}.0.1[icmp]"}}}

    gateways = with_clear_routes(Gateways(lab, left_keys=shunts("1", "2"), right_keys=shunts("2", "1")))
    gateways.left_host.add_address("10.5.0.1/24")
    gateways.left_host.add_address("10.1.0.2/24")
    gateways.right_host.add_route("10.5.0.0/24", "192.0.2.1")
    for daemon in (gateways.left, gateways.right):
        wait_until(lambda: {"net/closed", "net/open"} <= set(policies(daemon)), "the policies")
    assert clear_pings(gateways.left_host, "10.2.0.1", "10.5.0.1") == 0
    assert counter(gateways.right, "esp-drop-unprotected") == 3
    gateways.left.up("net")
    assert clear_pings(gateways.left_host, "10.2.0.1", "10.1.0.1") == 3
    assert clear_pings(gateways.left_host, "10.2.0.1", "10.1.0.2") == 0
    assert counter(gateways.right, "esp-drop-unprotected") == 6
    assert ping(gateways.left_host, "10.2.0.1", source="10.1.0.2").lost == 0, "through the tunnel"


@scenario
def clear_packets_are_not_forwarded(lab):
    """Hosts behind the gateways reach each other through the tunnel; what comes past it goes no further."""
    a, left, right, b = lab.host("a"), lab.router("left"), lab.router("right"), lab.host("b")
    lab.connect(a, "10.8.0.2/24", left, "10.8.0.1/24")
    lab.connect(left, "192.0.2.1/24", right, "192.0.2.2/24")
    lab.connect(right, "10.9.0.1/24", b, "10.9.0.2/24")
    a.default_route("10.8.0.1")
    b.default_route("10.9.0.1")
    left.add_route("10.9.0.0/24", "192.0.2.2")
    right.add_route("10.8.0.0/24", "192.0.2.1")
    ends = (("left", "192.0.2.1", "10.8.0.0/24"), ("right", "192.0.2.2", "10.9.0.0/24"))
    daemons = [Cygnet(lab, host, configuration(secret(), connection(
        "net", own[1], other[1], local_id=f"{own[0]}.example", remote_id=f"{other[0]}.example", local_ts=own[2], remote_ts=other[2])))
        for host, own, other in zip((left, right), ends, reversed(ends))]
    assert clear_pings(left, "10.9.0.2", "10.8.0.1") == 3, "no policy yet"
    daemons[0].up("net")
    for host, destination in ((a, "10.9.0.2"), (b, "10.8.0.2")):
        assert ping(host, destination).lost == 0, "through the tunnel"
    assert clear_pings(left, "10.9.0.2", "10.8.0.1") == 0
    assert counter(daemons[1], "esp-drop-unprotected") == 3
    assert ping(b, "10.9.0.1").lost == 0, "the gateway itself"
