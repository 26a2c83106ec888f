"""Signatures that a quantum computer does not forge, alone and beside a classic one."""

import sys

from lab import CommandFailed
from lab.pki import Authority, PostQuantumAuthority

from scenario import SKIPPED, Cygnet, Gateways, configuration, connection, counter, established, scenario, wait_until
from tunnels import ipv4_packets


def files_of(authority, host: str, kind: str | None = None, prefix: str = "") -> dict:
    """Certificate, key and CA of `host`, and the CAs between them as certificates of its own."""
    certificate, key = authority.issue(f"{host}.example", kind=kind)
    files = {f"x509/{prefix}own.pem": certificate, f"private/{prefix}own.pem": key, f"x509ca/{prefix}ca.pem": authority.certificate}
    for number, path in enumerate(getattr(authority, "intermediates", [])):
        files[f"x509/{prefix}ca{number}.pem"] = path
    return files


class Pair(Gateways):
    """Two gateways whose local and remote sections are those of `rounds`: auth and the file of the certificate."""

    def __init__(self, lab, files: dict, rounds: list[tuple[str, str]], *, left_rounds=None, **keys):
        self.lab = lab
        self.hosts = lab.pair()
        self.left_host, self.right_host = self.hosts
        daemons = []
        for own, other, host, number, far in (("left", "right", self.left_host, 1, 2), ("right", "left", self.right_host, 2, 1)):
            made = connection("net", f"192.0.2.{number}", f"192.0.2.{far}", local_id="", remote_id="",
                              local_ts=f"10.{number}.0.0/24", remote_ts=f"10.{far}.0.0/24", **keys)
            section = made["connections"]["net"]
            del section["local"], section["remote"]
            ours = left_rounds if left_rounds is not None and own == "left" else rounds
            for place, (auth, certificate) in enumerate(ours):
                section[f"local-{place + 1}"] = {"auth": auth, "id": f"{own}.example", "certs": certificate}
            for place, (auth, _) in enumerate(rounds):
                section[f"remote-{place + 1}"] = {"auth": auth, "id": f"{other}.example"}
            daemons.append(Cygnet(lab, host, configuration(made), files=files[own]))
        self.left, self.right = daemons


@scenario
def ml_dsa_certificates_three_deep(lab):
    """ML-DSA-87 through two CAs: tens of kilobytes of IKE_AUTH each way, in fragments; the other side knows the root alone."""
    authority = PostQuantumAuthority(lab.folder, "mldsa87", below=2)
    gateways = Pair(lab, {side: files_of(authority, side) for side in ("left", "right")}, [("mldsa87", "own.pem")],
                    proposals="aes256gcm16-prfsha384-x25519-ke1_mlkem768")
    wire = lab.capture(gateways.left_host, "to-right", "udp")
    gateways.up()
    sizes = [len(packet) for packet in ipv4_packets(wire)]
    assert sum(sizes) > 2 * 3 * 7000, f"three certificates each way: {sizes}"
    assert max(sizes) <= 1280, f"no datagram is longer than a fragment: {sizes}"
    for daemon in (gateways.left, gateways.right):
        assert "ML-DSA-87 successful" in daemon.log(), daemon.log()
        established(daemon)
    # swanctl's listing has the certificates and says of which the keys are there.
    with gateways.left.vici() as session:
        listed = session.stream("list-certs", "list-cert")[0]
    assert sum(event.get("has_privkey") == "yes" for event in listed) == 1, listed
    assert {event["key-type"] for event in listed} == {"ML-DSA-87"}, listed


@scenario
def slh_dsa_on_a_bad_path(lab):
    """A hash-based signature of 17 KB each way at 5 % loss, with certificates of an ML-DSA CA."""
    try:
        authority = PostQuantumAuthority(lab.folder, "mldsa44")
        files = {side: files_of(authority, side, "slhdsasha2128f") for side in ("left", "right")}
    except CommandFailed as reason:
        if "no keys of the kind" not in str(reason):
            raise
        print("SKIPPED: this build has no SLH-DSA (tools/build-botan)")
        sys.exit(SKIPPED)
    gateways = Pair(lab, files, [("ike:slhdsa", "own.pem")], proposals="aes256gcm16-prfsha384-x25519-ke1_mlkem768")
    for host in gateways.hosts:
        host.lose(50, "meta l4proto udp")
    gateways.left.up("net", timeout_s=60)
    for daemon in (gateways.left, gateways.right):
        assert "SLH-DSA-SHA2-128f successful" in daemon.log(), daemon.log()
        established(daemon)


@scenario
def ecdsa_and_ml_dsa(lab):
    """Two rounds (RFC 4739), an ECDSA and an ML-DSA-65 signature of each side; one of both is not enough."""
    classic, lattice = Authority(lab.folder), PostQuantumAuthority(lab.folder, "mldsa65")
    files = {side: {**files_of(classic, side, prefix="classic-"), **files_of(lattice, side, prefix="lattice-")}
             for side in ("left", "right")}
    both = [("ecdsa", "classic-own.pem"), ("mldsa65", "lattice-own.pem")]
    gateways = Pair(lab, files, both, proposals="aes256gcm16-prfsha384-x25519-ke1_mlkem768").up()
    for daemon in (gateways.left, gateways.right):
        assert "with ECDSA with SHA2_256 successful, another one follows" in daemon.log(), daemon.log()
        assert "with ML-DSA-65 successful" in daemon.log(), daemon.log()


@scenario
def one_of_two_signatures_is_refused(lab):
    """The initiator leaves its second proof out: no SA is made, and the responder says why."""
    classic, lattice = Authority(lab.folder), PostQuantumAuthority(lab.folder, "mldsa65")
    files = {side: {**files_of(classic, side, prefix="classic-"), **files_of(lattice, side, prefix="lattice-")}
             for side in ("left", "right")}
    both = [("ecdsa", "classic-own.pem"), ("mldsa65", "lattice-own.pem")]
    gateways = Pair(lab, files, both, left_rounds=both[:1])
    assert gateways.left.command("up", "net", check=False).returncode != 0, "the tunnel came up"
    for daemon in (gateways.left, gateways.right):
        wait_until(lambda: not daemon.sas(), f"nothing is left at {daemon.name}")
    assert counter(gateways.right, "auth-round-missing") == 1
