"""Network namespaces: hosts, the wires between them, and what a path does to packets.

Everything lives in one private set of namespaces (mount, process, network, and user when not root) that
the kernel takes down with its first process: however a test ends, nothing is left on the machine.
"""

import os
import shutil
import signal
import sys

from . import process

_INSIDE = "CYGNET_LAB_INSIDE"


class Unavailable(Exception):
    """This machine cannot do what a test needs; the text says what is missing."""


def isolate() -> None:
    """Moves the running script into private namespaces by starting it again there. Returns only inside."""
    if os.environ.get(_INSIDE) and os.getpid() == 1:
        if os.environ[_INSIDE] == "entered":
            _prepare_inside()
        return
    wrapper = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        wrapper += ["--user", "--map-root-user"]
    _check_possible(wrapper)
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ[_INSIDE] = "entered"
    os.execvp(wrapper[0], [*wrapper, *sys.orig_argv])


def _check_possible(wrapper: list[str]) -> None:
    for tool in ("ip", "nft", "nsenter", "unshare"):
        if not shutil.which(tool):
            raise Unavailable(f"the command {tool} (packages iproute2, nftables, util-linux)")
    opens_tun = ["sh", "-c", "test -c /dev/net/tun && : <>/dev/net/tun"]
    if process.run([*wrapper, "true"], check=False).returncode != 0:
        raise Unavailable("root, or user namespaces that may hold network namespaces")
    if process.run([*wrapper, *opens_tun], check=False).returncode != 0:
        raise Unavailable("read and write access to /dev/net/tun")


def _prepare_inside() -> None:
    # The first process of a PID namespace ignores a SIGTERM that it has no handler for.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    process.run(["mount", "-t", "tmpfs", "lab", "/run"])
    os.mkdir("/run/netns")
    os.environ[_INSIDE] = "prepared"


class Namespace:
    """One host of the laboratory: a network namespace with a name."""

    def __init__(self, name: str):
        self.name = name
        self._nat_device = ""
        process.run(["ip", "netns", "add", name])
        self.ip("link", "set", "lo", "up")

    def __repr__(self) -> str:
        return self.name

    def command(self, argv: list[str]) -> list[str]:
        """The command line that runs `argv` in this namespace."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *map(str, argv)]

    def run(self, *argv: str, **options):
        return process.run(self.command(list(argv)), **options)

    def ip(self, *words: str):
        return process.run(["ip", "-n", self.name, *words])

    def nft(self, rules: str) -> None:
        self.run("nft", "-f", "-", input=rules)

    # Addresses and routes.

    def add_address(self, address: str, device: str = "lo") -> None:
        """Adds an address with its prefix length, as `10.1.0.1/24`."""
        self.ip("address", "add", address, "dev", device, *(["nodad"] if ":" in address else []))

    def remove_address(self, address: str, device: str) -> None:
        self.ip("address", "del", address, "dev", device)

    def add_route(self, destination: str, via: str) -> None:
        self.ip("route", "replace", destination, "via", via)

    def default_route(self, via: str) -> None:
        self.add_route("default", via)

    def set_mtu(self, device: str, mtu: int) -> None:
        self.ip("link", "set", device, "mtu", str(mtu))

    def set_link(self, device: str, up: bool) -> None:
        """Plugs a wire in or pulls it out."""
        self.ip("link", "set", device, "up" if up else "down")

    def devices(self) -> list[str]:
        return [line.split(":")[1].strip().split("@")[0] for line in self.ip("-o", "link").stdout.splitlines()]

    # What a router or a bad path does.

    def forward(self) -> None:
        """Makes a router of this namespace."""
        switches = "/proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"
        self.run("sh", "-c", f"for switch in {switches}; do echo 1 > $switch; done")

    def masquerade(self, device: str, ports: str = "20000-29999") -> None:
        """Makes a NAT that rewrites the source address and the UDP source port of what leaves by `device`."""
        self._nat_device = device
        self.nft(
            f"""table ip lab_nat {{
                chain postrouting {{
                    type nat hook postrouting priority srcnat;
                    oifname "{device}" meta l4proto udp masquerade to :{ports} random
                    oifname "{device}" masquerade
                }}
            }}"""
        )

    def forget_nat(self) -> None:
        """Drops the mapping of every flow, as a rebooting NAT does; new ones get new ports."""
        self.set_link(self._nat_device, up=False)
        self.set_link(self._nat_device, up=True)

    def drop(self, match: str, counter: str = "counter") -> None:
        """Drops every arriving packet that an nftables expression matches, as `udp dport 500`; without `counter`, uncounted."""
        # Before conntrack (-200) and its defragmentation (-400): a dropped fragment must look like one.
        self.nft(
            f"""table inet lab_drop {{
                chain prerouting {{ type filter hook prerouting priority -450; {match} {counter} drop; }}
            }}"""
        )

    def lose(self, per_thousand: int, match: str = "") -> None:
        """Drops this many of a thousand arriving packets, at random."""
        self.drop(f"{match} numgen random mod 1000 < {per_thousand}")

    def lose_every(self, count: int, match: str = "") -> None:
        """Drops every so many-th arriving packet, the first included."""
        self.drop(f"{match} numgen inc mod {count} 0")

    def drop_fragments(self, counted: str = "") -> None:
        """Drops IP fragments, as many a firewall on the way does; `dropped` counts all, or those that match `counted`."""
        if counted:
            self.drop(f"ip frag-off & 0x3fff == 0x2000 {counted}")
        self.drop("ip frag-off & 0x3fff != 0", counter="" if counted else "counter")

    def dropped(self) -> int:
        """How many packets `drop` and its kin have dropped here."""
        return self._counted("lab_drop")

    def heal(self) -> None:
        """Ends what `drop` and its kin began."""
        self.nft("delete table inet lab_drop")

    def watch(self, match: str, device: str | None = None) -> None:
        """Counts every arriving packet that an nftables expression matches; `watched` says how many there were."""
        arriving = f'iifname "{device}"' if device else ""
        self.nft(
            f"""table inet lab_watch {{
                chain prerouting {{ type filter hook prerouting priority -500; {arriving} {match} counter; }}
            }}"""
        )

    def watched(self) -> int:
        return self._counted("lab_watch")

    def _counted(self, table: str) -> int:
        words = self.run("nft", "list", "table", "inet", table).stdout.split()
        return sum(int(words[at + 1]) for at, word in enumerate(words) if word == "packets")


def connect(left: Namespace, left_address: str, right: Namespace, right_address: str, mtu: int = 1500) -> None:
    """Lays a wire; the device at each end is named after the host at the other, as `to-right`."""
    left_device, right_device = f"to-{right}"[:15], f"to-{left}"[:15]
    left.ip("link", "add", left_device, "type", "veth", "peer", "name", right_device, "netns", right.name)
    for host, device, address in ((left, left_device, left_address), (right, right_device, right_address)):
        host.add_address(address, device)
        host.set_mtu(device, mtu)
        host.set_link(device, up=True)
