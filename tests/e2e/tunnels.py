"""Tunnels that come up: each kind of credential, each kind of path."""

from lab.pki import Authority
from lab.traffic import tcp_transfer

from scenario import (Cygnet, Gateways, certificate_files, configuration, connection, counter, established, ping, scenario,
                      secret, wait_until)


@scenario
def psk_hybrid(lab):
    """The default: X25519 with ML-KEM-768, ESP as protocol 50, nothing in the clear on the wire."""
    gateways = Gateways(lab)
    wire = lab.capture(gateways.left_host, "to-right")
    gateways.up()
    for daemon in (gateways.left, gateways.right):
        sa = established(daemon)
        assert (sa["dh-group"], sa["ake1"]) == ("CURVE_25519", "ML_KEM_768"), sa
        assert sa["encr-alg"] == "AES_GCM_16" and sa["encr-keysize"] == "256", sa
        assert int(sa["child"]["packets-in"]) >= 5 and int(sa["child"]["packets-out"]) >= 5, sa
    assert tcp_transfer(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1", seconds=1).bytes > 0
    protocols = {octets_of_ip[9] for octets_of_ip in ipv4_packets(wire)}
    assert protocols == {17, 50}, f"IKE and ESP only, but IP protocols {protocols} were on the wire"


def ipv4_packets(pcap):
    """The IPv4 packets of a capture on an Ethernet device."""
    data, at = pcap.read_bytes(), 24
    while at + 16 <= len(data):
        size = int.from_bytes(data[at + 8:at + 12], "little")
        frame, at = data[at + 16:at + 16 + size], at + 16 + size
        if frame[12:14] == b"\x08\x00":
            yield frame[14:]


def certificates(lab, kind):
    gateways = Gateways(lab, authority=Authority(lab.folder, kind)).up()
    for daemon, peer in ((gateways.left, "right"), (gateways.right, "left")):
        assert established(daemon)["remote-id"] == f"{peer}.example"


@scenario
def certificates_ecdsa(lab):
    certificates(lab, "ecdsa256")


@scenario
def certificates_rsa(lab):
    certificates(lab, "rsa2048")


@scenario
def certificates_ed25519(lab):
    certificates(lab, "ed25519")


@scenario
def signatures_as_announced(lab):
    """Each end accepts one kind of RSA signature alone and says so (RFC 9593): the other signs so, without being told."""
    gateways = Gateways(lab, authority=Authority(lab.folder, "rsa2048"), remote_keys={"auth": "ike:rsa/pss-sha512"}).up()
    for daemon in (gateways.left, gateways.right):
        assert "a signature with RSA-PSS with SHA2_512: the peer announced that it accepts this" in daemon.log(), daemon.log()
        # draft-ietf-ipsecme-ikev2-downgrade-prevention
        assert established(daemon)["full-transcript"] == "yes", established(daemon)
        assert counter(daemon, "transcript-authenticated") == 1 and counter(daemon, "announcement-unmatched") == 0


@scenario
def classic(lab):
    """A peer without ML-KEM: the defaults of the other fall back."""
    gateways = Gateways(lab, right_keys={"proposals": "aes256gcm16-prfsha384-x25519"}).up()
    sa = established(gateways.left)
    assert sa["dh-group"] == "CURVE_25519" and "ake1" not in sa, sa


@scenario
def post_quantum_required(lab):
    """A connection that requires ML-KEM refuses the peer that lacks it, and says so."""
    gateways = Gateways(lab, left_keys={"post_quantum": "required"}, right_keys={"proposals": "aes256gcm16-prfsha384-x25519"})
    assert gateways.left.command("up", "net", check=False).returncode != 0
    assert not gateways.right.sas()


@scenario
def over_ipv6(lab):
    left, right = lab.host("left"), lab.host("right")
    lab.connect(left, "2001:db8::1/64", right, "2001:db8::2/64")
    left.add_address("10.1.0.1/24")
    right.add_address("10.2.0.1/24")
    daemons = [
        Cygnet(lab, host, configuration(secret(), connection("net", own, other, local_id=own_id, remote_id=other_id,
                                                             local_ts=own_ts, remote_ts=other_ts)))
        for host, own, other, own_id, other_id, own_ts, other_ts in (
            (left, "2001:db8::1", "2001:db8::2", "left.example", "right.example", "10.1.0.0/24", "10.2.0.0/24"),
            (right, "2001:db8::2", "2001:db8::1", "right.example", "left.example", "10.2.0.0/24", "10.1.0.0/24"))]
    daemons[0].up("net")
    assert ping(left, "10.2.0.1", source="10.1.0.1").lost == 0


@scenario
def nat_between(lab):
    """The initiator behind a NAT that rewrites ports: UDP encapsulation on port 4500."""
    left, nat, right = lab.host("left"), lab.router("nat"), lab.host("right")
    lab.connect(left, "10.9.0.2/24", nat, "10.9.0.1/24")
    lab.connect(nat, "192.0.2.1/24", right, "192.0.2.2/24")
    left.default_route("10.9.0.1")
    nat.masquerade("to-right")
    left.add_address("10.1.0.1/24")
    right.add_address("10.2.0.1/24")
    a = Cygnet(lab, left, configuration(secret(), connection(
        "net", "%any", "192.0.2.2", local_id="left.example", remote_id="right.example", local_ts="10.1.0.0/24",
        remote_ts="10.2.0.0/24")))
    b = Cygnet(lab, right, configuration(secret(), connection(
        "net", "192.0.2.2", "%any", local_id="right.example", remote_id="left.example", local_ts="10.2.0.0/24",
        remote_ts="10.1.0.0/24")))
    a.up("net")
    assert ping(left, "10.2.0.1", source="10.1.0.1").lost == 0
    assert ping(right, "10.1.0.1", source="10.2.0.1").lost == 0
    at_left, at_right = established(a), established(b)
    assert at_left["nat-local"] == "yes" and at_right["nat-remote"] == "yes", (at_left, at_right)
    assert at_left["child"]["encap"] == "yes", at_left
    assert int(at_right["remote-port"]) not in (500, 4500), at_right

    nat.forget_nat()
    nat.masquerade("to-right", ports="30000-39999")
    wait_until(lambda: ping(left, "10.2.0.1", source="10.1.0.1", count=1, timeout_s=0.3).lost == 0,
               "traffic flows again after the NAT has forgotten us")


@scenario
def small_path_with_certificates(lab):
    """1280 octets, and a firewall that drops IP fragments: IKE fragments by itself (RFC 7383)."""
    left, router, right = lab.host("left"), lab.router("router"), lab.host("right")
    lab.connect(left, "10.9.0.2/24", router, "10.9.0.1/24", mtu=1280)
    lab.connect(router, "192.0.2.1/24", right, "192.0.2.2/24", mtu=1280)
    left.default_route("10.9.0.1")
    right.default_route("192.0.2.1")
    router.drop_fragments()
    left.add_address("10.1.0.1/24")
    right.add_address("10.2.0.1/24")
    authority = Authority(lab.folder, "rsa3072")
    own = {"auth": "pubkey", "certificate": "own.pem"}
    a = Cygnet(lab, left, configuration(connection(
        "net", "10.9.0.2", "192.0.2.2", local_id="left.example", remote_id="right.example", local_ts="10.1.0.0/24",
        remote_ts="10.2.0.0/24", **own)), files=certificate_files(authority, "left"))
    b = Cygnet(lab, right, configuration(connection(
        "net", "192.0.2.2", "10.9.0.2", local_id="right.example", remote_id="left.example", local_ts="10.2.0.0/24",
        remote_ts="10.1.0.0/24", **own)), files=certificate_files(authority, "right"))
    a.up("net")
    assert ping(left, "10.2.0.1", source="10.1.0.1").lost == 0
    assert router.dropped() == 0, "IKE left the fragmentation to IP"
    established(b)


@scenario
def virtual_address_from_pool(lab):
    left, right = lab.host("left"), lab.host("right")
    lab.connect(left, "192.0.2.1/24", right, "192.0.2.2/24")
    right.add_address("10.2.0.1/24")
    a = Cygnet(lab, left, configuration(secret(), connection(
        "net", "192.0.2.1", "192.0.2.2", local_id="left.example", remote_id="right.example", remote_ts="10.2.0.0/24",
        vips="0.0.0.0")))
    b = Cygnet(lab, right, configuration(
        secret(), connection("net", "192.0.2.2", "%any", local_id="right.example", remote_id="left.example",
                             local_ts="10.2.0.0/24", pools="guests"),
        {"pools": {"guests": {"addrs": "10.3.0.0/28", "dns": "10.2.0.1"}}}))
    a.up("net")
    address = established(a)["local-vips"][0]
    assert address.startswith("10.3.0."), address
    assert established(b)["child"]["remote-ts"] == [f"{address}/32"]
    assert ping(left, "10.2.0.1").lost == 0, "the host chooses the virtual address by itself"
    assert f"inet {address}" in left.ip("address").stdout
    with b.vici() as session:
        pool = session.request("get-pools", {"leases": "yes"})["guests"]
    assert (pool["online"], pool["offline"]) == ("1", "0"), pool
    a.down("net")
    wait_until(lambda: f"inet {address}" not in left.ip("address").stdout, "the virtual address is gone")
    wait_until(lambda: not b.sas(), "the gateway has forgotten the guest")


def delete(lab, from_left):
    gateways = Gateways(lab).up()
    (gateways.left if from_left else gateways.right).down("net")
    for daemon in (gateways.left, gateways.right):
        wait_until(lambda daemon=daemon: not daemon.sas(), "no SA is left")
    assert ping(gateways.left_host, "10.2.0.1", source="10.1.0.1", count=1, timeout_s=0.3).lost == 1, "nothing flows afterwards"
    gateways.up()


@scenario
def delete_from_initiator(lab):
    delete(lab, from_left=True)


@scenario
def delete_from_responder(lab):
    delete(lab, from_left=False)


@scenario
def start_action_without_a_route(lab):
    """At boot there may be no route yet: the daemon tries again by itself."""
    left, router, right = lab.host("left"), lab.router("router"), lab.host("right")
    lab.connect(left, "10.9.0.2/24", router, "10.9.0.1/24")
    lab.connect(router, "192.0.2.1/24", right, "192.0.2.2/24")
    left.add_address("10.1.0.1/24")
    right.add_address("10.2.0.1/24")
    right.default_route("192.0.2.1")
    Cygnet(lab, right, configuration(secret(), connection(
        "net", "192.0.2.2", "%any", local_id="right.example", remote_id="left.example", local_ts="10.2.0.0/24", remote_ts="10.1.0.0/24")))
    daemon = Cygnet(lab, left, configuration(secret(), connection(
        "net", "%any", "192.0.2.2", local_id="left.example", remote_id="right.example", local_ts="10.1.0.0/24",
        remote_ts="10.2.0.0/24", child={"start_action": "start"})))
    daemon.process.wait_for_log('no route to "192.0.2.2"')
    left.default_route("10.9.0.1")
    wait_until(lambda: [sa["state"] for sa in daemon.sas()] == ["ESTABLISHED"], "the tunnel comes up by itself")


@scenario
def start_action(lab):
    """The daemon brings the connection up by itself once it has read it, and the responder may come later."""
    left, right = lab.pair()
    own = ("net", "192.0.2.1", "192.0.2.2")
    Cygnet(lab, left, configuration(secret(), connection(
        *own, local_id="left.example", remote_id="right.example", local_ts="10.1.0.0/24", remote_ts="10.2.0.0/24",
        child={"start_action": "start"})))
    Cygnet(lab, right, configuration(secret(), connection(
        "net", own[2], own[1], local_id="right.example", remote_id="left.example", local_ts="10.2.0.0/24", remote_ts="10.1.0.0/24")))
    wait_until(lambda: ping(left, "10.2.0.1", source="10.1.0.1", count=1, timeout_s=0.3).lost == 0, "traffic flows by itself",
               timeout_s=15)
