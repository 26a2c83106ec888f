"""Ways from one host to another: the bare wire, Cygnet's data plane, and the userspace tunnels of others."""

import json
import os
import signal
import string
import subprocess
import sys
from dataclasses import dataclass, field

from lab import Namespace, Process, process
from lab.process import CommandFailed
from lab.traffic import ping
from lab import peer_root, strongswan

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Way:
    """`left` reaches `right` by `destination`; `ends` are the processes of the tunnel between."""

    label: str
    left: Namespace
    right: Namespace
    destination: str = "10.2.0.1"
    source: str = "10.1.0.1"
    ends: list[Process] = field(default_factory=list)

    def ping(self, **options):
        return ping(self.left, self.destination, source=self.source, **options)

    def cpu_s(self):
        """CPU time of the tunnel's processes so far."""
        total = 0
        for end in self.ends:
            with open(f"/proc/{end.pid}/stat") as file:
                words = file.read().rsplit(")", 1)[1].split()
            total += int(words[11]) + int(words[12])
        return total / _TICKS_PER_S


def machine_cpu_s():
    """CPU time of everything on this machine so far: the hosts' ends and the kernel's work too."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq = (int(word) for word in file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / _TICKS_PER_S


def plain(lab):
    left, right = lab.pair()
    return Way("the bare veth", left, right, "192.0.2.2", "192.0.2.1")


def _pair(lab, name, inner=True):
    """Two hosts of a way's own, with the outer and the inner addresses of all."""
    left, right = lab.host(f"{name}-left"), lab.host(f"{name}-right")
    lab.connect(left, "192.0.2.1/24", right, "192.0.2.2/24")
    if inner:
        left.add_address("10.1.0.1/24")
        right.add_address("10.2.0.1/24")
    return left, right


class Cygnet(Way):
    """Two ends with fixed keys: the data plane alone."""

    def __init__(self, lab, program, name="cygnet", label="Cygnet", *options):
        left, right = _pair(lab, name)
        words = {left: ("left", "192.0.2.1", "192.0.2.2", "10.1.0.0/16", "10.2.0.0/16"),
                 right: ("right", "192.0.2.2", "192.0.2.1", "10.2.0.0/16", "10.1.0.0/16")}
        super().__init__(label, left, right)
        for host in (left, right):
            self.ends.append(lab.start(f"{host}-end", host, str(program), *words[host], *options))
        for end in self.ends:
            end.wait_for_log("ready")
        if self.ping().lost:
            raise CommandFailed("the tunnel does not carry packets")

    def counts(self):
        """What each end has counted so far."""
        return [self._counts_of(end) for end in self.ends]

    @staticmethod
    def _counts_of(end):
        before = end.log().count("}}\n")
        end.signal(signal.SIGUSR1)
        end.wait_until(lambda: end.log().count("}}\n") > before, "what it has counted")
        return json.loads(end.log().strip().splitlines()[-1])


def bare_tunnel(lab, program):
    """A tunnel through userspace that does nothing with packets and super-packets: what waking up and copying alone cost."""
    left, right = _pair(lab, "bare")
    ends = []
    for host, here, there, net in ((left, "192.0.2.1", "192.0.2.2", "10.2.0.0/16"), (right, "192.0.2.2", "192.0.2.1", "10.1.0.0/16")):
        ends.append(lab.start(f"{host}-end", host, str(program), "bare0", here, there))
        ends[-1].wait_for_log("ready")
        host.set_mtu("bare0", 1400)
        host.ip("link", "set", "bare0", "gso_max_size", "65000")  # with its header it fits a UDP super-packet
        host.set_link("bare0", up=True)
        host.ip("route", "add", net, "dev", "bare0")
    return Way("a bare userspace tunnel", left, right, ends=ends)


_SWAN = string.Template("""
connections {
    bench {
        version = 2
        local_addrs = $local
        remote_addrs = $remote
        proposals = aes256gcm16-prfsha384-x25519
        local {
            auth = psk
            id = $local
        }
        remote {
            auth = psk
            id = $remote
        }
        children {
            net {
                local_ts = $local_ts
                remote_ts = $remote_ts
                esp_proposals = aes256gcm16-noesn
            }
        }
    }
}
secrets {
    ike-bench {
        secret = "only for measuring"
    }
}
""")


def strongswan_way(lab):
    left, right = _pair(lab, "swan")
    here, there = ("192.0.2.1", "10.1.0.0/16"), ("192.0.2.2", "10.2.0.0/16")

    def config(local, remote):
        return _SWAN.substitute(local=local[0], remote=remote[0], local_ts=local[1], remote_ts=remote[1])

    responder = strongswan.StrongSwan(lab, right, config(there, here))
    initiator = strongswan.StrongSwan(lab, left, config(here, there))
    initiator.swanctl("--initiate", "--child", "net")
    return Way("strongSwan, kernel-libipsec", left, right, ends=[initiator.process, responder.process])


def openvpn_way(lab):
    left, right = _pair(lab, "openvpn", inner=False)
    folder = lab.folder / "openvpn"
    folder.mkdir()
    prints = {}
    for host in ("server", "client"):
        words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj".split()
        process.run(["openssl", *words, f"/CN={host}", "-keyout", str(folder / f"{host}.key"), "-out", str(folder / f"{host}.pem")])
        said = process.run(["openssl", "x509", "-in", str(folder / f"{host}.pem"), "-noout", "-fingerprint", "-sha256"]).stdout
        prints[host] = said.strip().split("=")[1]

    def start(host, role, other, addresses, *more):
        words = ["--dev", "tun", "--proto", "udp4", "--port", "1194", "--tun-mtu", "1400", "--data-ciphers", "AES-256-GCM",
                 "--disable-dco", "--cert", f"/run/{role}.pem", "--key", f"/run/{role}.key", "--peer-fingerprint", prints[other],
                 "--topology", "p2p", "--ifconfig", *addresses, "--verb", "3", *more]
        argv = peer_root.inside("vpns", folder, "LC_ALL=C", ["/usr/sbin/openvpn", *words])
        return lab.start(f"openvpn-{role}", host, *argv)

    server = start(right, "server", "client", ("10.2.0.1", "10.1.0.1"), "--tls-server", "--dh", "none")
    client = start(left, "client", "server", ("10.1.0.1", "10.2.0.1"), "--tls-client", "--remote", "192.0.2.2")
    for end in (server, client):
        end.wait_for_log("Initialization Sequence Completed", timeout_s=20)
    return Way("OpenVPN, userspace", left, right, ends=[server, client])


def wireguard_way(lab):
    hosts = _pair(lab, "wireguard", inner=False)
    inner, outer = ("10.1.0.1", "10.2.0.1"), ("192.0.2.1", "192.0.2.2")
    folders = [lab.folder / f"wireguard-{side}" for side in ("left", "right")]
    ends, keys, publics = [], [], []
    for host, folder in zip(hosts, folders):
        folder.mkdir()
        argv = peer_root.inside("vpns", folder, "LOG_LEVEL=error", ["/usr/bin/wireguard-go", "--foreground", "wg0"])
        ends.append(lab.start(f"wireguard-{host}", host, *argv))
        wg = lambda *words, **options: process.run(peer_root.inside("vpns", folder, "LC_ALL=C", ["/usr/bin/wg", *words]), **options)  # noqa: E731
        keys.append(wg("genkey").stdout.strip())
        publics.append(wg("pubkey", input=keys[-1]).stdout.strip())
    for i, (host, folder) in enumerate(zip(hosts, folders)):
        ends[i].wait_until(lambda: list(folder.glob("wireguard/wg0.sock")), "its socket")
        (folder / "wg0.conf").write_text(
            f"[Interface]\nPrivateKey = {keys[i]}\nListenPort = 51820\n[Peer]\nPublicKey = {publics[1 - i]}\n"
            f"Endpoint = {outer[1 - i]}:51820\nAllowedIPs = {inner[1 - i]}/32\n")
        host.run(*peer_root.inside("vpns", folder, "LC_ALL=C", ["/usr/bin/wg", "setconf", "wg0", "/run/wg0.conf"]))
        host.add_address(f"{inner[i]}/32", "wg0")
        host.set_mtu("wg0", 1400)
        host.set_link("wg0", up=True)
        host.ip("route", "add", f"{inner[1 - i]}/32", "dev", "wg0")
    return Way("wireguard-go", *hosts, ends=ends)


def rivals(lab, absent):
    """The tunnels of others, by name; those that cannot be had are named with the reason in `absent`."""
    found = {}
    for name, make in (("strongSwan", strongswan_way), ("wireguard-go", wireguard_way), ("OpenVPN", openvpn_way)):
        try:
            way = make(lab)
            if way.ping(count=5).received == 0:
                raise CommandFailed("its tunnel does not carry packets")
            found[name] = way
        except (CommandFailed, TimeoutError, OSError, subprocess.SubprocessError) as reason:
            absent[name] = str(reason).splitlines()[0]
            print(f"bench: without {name}: {absent[name]}", file=sys.stderr)
    return found
