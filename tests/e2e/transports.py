"""What carries the tunnel: TCP where UDP is blocked (RFC 9329), and fragments that fit a narrow path (RFC 7383)."""

from lab.pki import Authority
from lab.traffic import tcp_transfer

from scenario import (Cygnet, Gateways, carries_traffic, certificate_files, configuration, connection, counter, established,
                      ping, scenario, wait_until)

LISTEN = ("--tcp-port", "4500")
NO_UDP = "meta l4proto { udp, esp }"


def over_tcp(gateways):
    for daemon in (gateways.left, gateways.right):
        sa = established(daemon)
        assert sa.get("tcp") == "yes" and "encap" not in sa["child"], sa


@scenario
def tcp_when_udp_is_blocked(lab):
    """Nothing but TCP passes: the tunnel comes up over it and carries traffic, bulk too; later UDP is used again."""
    gateways = Gateways(lab, options=LISTEN, tcp="fallback")
    gateways.right_host.drop(NO_UDP)
    gateways.left.up("net", timeout_s=60)
    carries_traffic(gateways)
    over_tcp(gateways)
    assert counter(gateways.left, "tcp-fallback") == 1
    large = ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", size=1300)
    assert large.lost == 0, large
    transfer = tcp_transfer(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1", seconds=2)
    assert transfer.mbit_per_s > 5, transfer
    gateways.left.down("net")
    gateways.right_host.heal()
    gateways.left.up("net")
    carries_traffic(gateways)
    assert "tcp" not in established(gateways.left)


@scenario
def tcp_stream_is_cut(lab):
    """A firewall resets the connection: the IKE SA lives on in another one."""
    gateways = Gateways(lab, options=LISTEN, tcp="always")
    gateways.left.up("net")
    carries_traffic(gateways)
    over_tcp(gateways)
    before = established(gateways.left)
    for host in (gateways.left_host, gateways.right_host):
        host.run("ss", "--kill", "--tcp", "dport", "=", ":4500", "or", "sport", "=", ":4500", check=False)
    wait_until(lambda: ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", count=1, timeout_s=0.3).lost == 0,
               "traffic flows again")
    over_tcp(gateways)
    after = established(gateways.left)
    assert after["initiator-spi"] == before["initiator-spi"], (before, after)
    assert after["local-port"] != before["local-port"], "nothing was cut; the scenario shows nothing"
    with gateways.right.vici() as session:
        session.request("rekey", {"child": "net"})
    carries_traffic(gateways)


@scenario
def tcp_is_off_by_default(lab):
    """A daemon that was not told to listen has no TCP port."""
    gateways = Gateways(lab, tcp="always")
    failed = gateways.left.command("up", "net", check=False)
    assert failed.returncode != 0 and "refused" in failed.stdout + failed.stderr, failed
    assert not gateways.right.sas()


@scenario
def fragments_shrink_on_a_narrow_path(lab):
    """Fragments of 1500 octets do not fit a path of 1300 whose IP fragments are lost: smaller ones do, and are remembered."""
    left, router, right = lab.host("left"), lab.router("router"), lab.host("right")
    lab.connect(left, "10.9.0.2/24", router, "10.9.0.1/24")
    lab.connect(router, "192.0.2.1/24", right, "192.0.2.2/24")
    left.default_route("10.9.0.1")
    right.default_route("192.0.2.1")
    # Neither fragments nor "packet too big" come back: a black hole.
    router.drop("meta length > 1300")
    left.add_address("10.1.0.1/24")
    right.add_address("10.2.0.1/24")
    authority = Authority(lab.folder, "rsa3072")
    own = {"auth": "pubkey", "certificate": "own.pem", "fragment_size": 1500}
    a = Cygnet(lab, left, configuration(connection(
        "net", "10.9.0.2", "192.0.2.2", local_id="left.example", remote_id="right.example", local_ts="10.1.0.0/24",
        remote_ts="10.2.0.0/24", **own)), files=certificate_files(authority, "left"))
    Cygnet(lab, right, configuration(connection(
        "net", "192.0.2.2", "10.9.0.2", local_id="right.example", remote_id="left.example", local_ts="10.2.0.0/24",
        remote_ts="10.1.0.0/24", **own)), files=certificate_files(authority, "right"))
    a.up("net")
    assert ping(left, "10.2.0.1", source="10.1.0.1").lost == 0
    tries = counter(a, "fragment-size-lowered")
    assert tries == 1, f"1500, 1280: one step, not {tries}"
    a.down("net")
    a.up("net")
    assert counter(a, "fragment-size-lowered") == tries, "what worked was not remembered"
