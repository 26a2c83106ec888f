"""How much a set-up costs a daemon: Cygnet's pair and strongSwan's, driven alike over their control sockets, in turns.

The initiator has a connection for each client, the responder one for all of them. Wall time is the machine's, so the figure
that counts is the responder's CPU time per set-up; and, of MANY at once, its memory per established pair.
"""

import contextlib
import string
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

from lab import process
from lab.cygnet import Cygnet
from lab.pki import Authority
from lab.strongswan import StrongSwan

COUNT = 200
MANY = 10_000
# strongSwan's userspace plane searches its SAs one by one: ten times as many take it a hundred times as long.
MANY_OF_STRONGSWAN = 1_000
_SESSIONS = 4
# More of them at a time: what a gateway meets after an outage. Each command that waits takes a thread of strongSwan's, which has
# 16 of its own accord; more make it dearer, so it has them here alone.
CONCURRENCIES = (16, 48)
_THREADS_OF_STRONGSWAN = "threads = 64"
# Clients have addresses of their own: many half-open IKE SAs from one address make a responder ask for cookies.
_CLIENT_ADDRESSES = [f"192.0.2.{last}" for last in range(10, 74)]
# A daemon that writes down every message measures its log: both write that SAs begin and are established, no more.
_QUIET = {Cygnet: {"log_level": "audit"}, StrongSwan: {"log_groups": "default = 0\nike = 0\ncfg = 0\nchd = 0"}}

_CLIENT = string.Template("""
    c$number {
        version = 2
        local_addrs = $address
        remote_addrs = 192.0.2.2
        proposals = $proposal
        $unique
        local {
            auth = $auth
            $certs
            id = c$number.example
        }
        remote {
            auth = $auth
            id = gateway.example
        }
        children {
            c$number {
                local_ts = 10.1.$high.$low/32
                remote_ts = 10.2.0.0/16
                esp_proposals = aes256gcm16
            }
        }
    }
""")

_GATEWAY = string.Template("""
    clients {
        version = 2
        local_addrs = 192.0.2.2
        remote_addrs = 192.0.2.0/24
        proposals = $proposal
        $unique
        local {
            auth = $auth
            $certs
            id = gateway.example
        }
        remote {
            auth = $auth
            id = *.example
        }
        children {
            all {
                local_ts = 10.2.0.0/16
                remote_ts = 10.1.0.0/16
                esp_proposals = aes256gcm16
            }
        }
    }
""")

_SECRETS = """
secrets {
    ike-all {
        secret = "only for measuring"
    }
}
"""

CLASSIC, HYBRID = "aes256gcm16-prfsha384-x25519", "aes256gcm16-prfsha384-x25519-ke1_mlkem768"
# What authenticates: its name, the metric of its classic set-up, and the kind of keys where certificates do.
PROOFS = [("PSK", "P13", None), ("ECDSA certificates", "P14", "ecdsa256")]
# What is set up with each: the name of the key exchange and the proposal. The hybrid one's metric is P15.
EXCHANGES = [("X25519", CLASSIC), ("X25519 + ML-KEM-768", HYBRID)]


class Pair:
    """Two daemons of one make, each on a host of its own."""

    def __init__(self, lab, name, make, proposal, authority=None, count=COUNT, settings=None):
        self.name = name
        self._words = _QUIET[make] | ({"settings": settings} if settings else {})
        self.count = count
        left, right = lab.host(f"{name}-l"), lab.host(f"{name}-r")
        lab.connect(left, "192.0.2.1/24", right, "192.0.2.2/24")
        for address in _CLIENT_ADDRESSES:
            left.add_address(f"{address}/32")
        self.initiator = self._start(lab, make, left, proposal, authority, initiates=True)
        self.responder = self._start(lab, make, right, proposal, authority, initiates=False)

    def _start(self, lab, make, host, proposal, authority, *, initiates):
        words = {"proposal": proposal, "auth": "psk", "certs": "", "unique": "unique = never"}
        files = {}
        if authority:
            names = [f"c{number}.example" for number in range(self.count)] if initiates else ["gateway.example"]
            # All clients share a key: what is measured is the responder.
            certificate, key = authority.issue_many(names)
            files = {"x509/own.pem": certificate, "private/own.pem": key, "x509ca/ca.pem": authority.certificate}
            words |= {"auth": "pubkey", "certs": "certs = own.pem"}
        clients = [_CLIENT.substitute(words, number=number, high=number // 250, low=number % 250 + 1,
                                      address=_CLIENT_ADDRESSES[number % len(_CLIENT_ADDRESSES)])
                   for number in range(self.count if initiates else 0)]
        body = "".join(clients) if initiates else _GATEWAY.substitute(words)
        config = f"connections {{\n{body}}}\n{_SECRETS}"
        return make(lab, host, config, files=files, name=f"{host}", **self._words)

    def set_up(self, sessions=_SESSIONS):
        """Sets all clients up, so many at a time, and ends them again; CPU milliseconds of each end per set-up."""
        before = [self._cpu_ms(end) for end in (self.initiator, self.responder)]
        self._all("initiate", "child", sessions)
        after = [self._cpu_ms(end) for end in (self.initiator, self.responder)]
        self._all("terminate", "ike")
        return [(end - start) / self.count for start, end in zip(before, after)]

    def grow(self):
        """Sets all clients up; the seconds that it took, and KiB that the responder grew by per pair."""
        memory, start = self._memory_kib(self.responder), time.monotonic()
        self._all("initiate", "child")
        took = time.monotonic() - start
        return took, (self._memory_kib(self.responder) - memory) / self.count

    def stop(self):
        self.initiator.stop()
        self.responder.stop()

    def _all(self, command, key, sessions=_SESSIONS):
        names: SimpleQueue = SimpleQueue()
        for number in range(self.count):
            names.put(f"c{number}")
        failures: list[Exception] = []

        def work(session):
            try:
                while True:
                    session.request(command, {key: names.get_nowait(), "timeout": 60000})
            except Empty:
                pass
            except Exception as error:  # What a thread raises would be lost.
                failures.append(error)

        with contextlib.ExitStack() as opened:
            threads = [threading.Thread(target=work, args=(opened.enter_context(self._session()),)) for _ in range(sessions)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if failures:
            raise process.CommandFailed(f"{self.name}: {command} failed: {failures[0]}")

    def _session(self):
        while True:
            try:
                return self.initiator.vici()
            except BlockingIOError:  # strongSwan lets few clients wait to be accepted.
                time.sleep(0.01)

    @staticmethod
    def _cpu_ms(end):
        # Of all threads, in nanoseconds; /proc/PID/stat has hundredths of a second.
        threads = Path(f"/proc/{end.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6

    @staticmethod
    def _memory_kib(end):
        # Not the pages of programs and libraries: each is read once, with however many clients.
        lines = Path(f"/proc/{end.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def measure(lab, entry, rounds, wanted):
    """The entries of all kinds of set-up, each beside strongSwan's."""
    if wanted(["P19", "P20"]):
        yield from measure_many(lab, entry)
    for proof, identity, keys in PROOFS:
        if wanted([identity, "P15"]):
            yield from measure_proof(lab, entry, rounds, proof, identity, keys)
    if wanted(["P13"]):
        yield from measure_concurrency(lab, entry, rounds)


def measure_proof(lab, entry, rounds, proof, identity, keys):
    """Classic and hybrid set-ups of both makes, in turns."""
    authority = Authority(lab.folder, keys) if keys else None
    pairs = {(exchange, make): Pair(lab, f"{identity.lower()}{place}-{make.__name__[0].lower()}", make, proposal, authority)
             for place, (exchange, proposal) in enumerate(EXCHANGES) for make in (Cygnet, StrongSwan)}
    samples = {of: [] for of in pairs}
    for number in range(rounds):
        for of in list(pairs) if number % 2 == 0 else reversed(list(pairs)):
            samples[of].append(pairs[of].set_up())
            print(f"  {proof}, {of[0]}: {of[1].__name__}'s responder {samples[of][-1][1]:.3f} ms", file=sys.stderr)
    for pair in pairs.values():
        pair.stop()
    (classic, _), (hybrid, _) = EXCHANGES
    for end, role in ((1, "responder"), (0, "initiator")):
        def beside(own, other):
            return [(mine[end], his[end]) for mine, his in zip(samples[own], samples[other])]

        for exchange, metric in ((classic, identity), (hybrid, "P15")):
            yield entry(metric, f"CPU per set-up, {role}: {proof}, {exchange}", "ms", "strongSwan, kernel-libipsec",
                        beside((exchange, Cygnet), (exchange, StrongSwan)))
        yield entry("P15", f"CPU per set-up, {role}: {proof}, {hybrid}", "ms", f"itself with {classic} alone",
                    beside((hybrid, Cygnet), (classic, Cygnet)))
        yield entry("P15", f"CPU per set-up of strongSwan, {role}: {proof}, {hybrid}", "ms", f"itself with {classic} alone",
                    beside((hybrid, StrongSwan), (classic, StrongSwan)))


def measure_concurrency(lab, entry, rounds):
    """Classic set-ups with a shared key again, more of them under way at a time."""
    pairs = [Pair(lab, f"busy-{make.__name__[0].lower()}", make, CLASSIC, settings=settings)
             for make, settings in ((Cygnet, None), (StrongSwan, _THREADS_OF_STRONGSWAN))]
    samples = {sessions: [] for sessions in CONCURRENCIES}
    for number in range(rounds):
        for sessions, both in samples.items():
            took = {pair.name: pair.set_up(sessions) for pair in (pairs if number % 2 == 0 else reversed(pairs))}
            both.append([took[pair.name] for pair in pairs])
            print(f"  {sessions} at a time: responders {both[-1][0][1]:.3f} and {both[-1][1][1]:.3f} ms", file=sys.stderr)
    for pair in pairs:
        pair.stop()
    for sessions, both in samples.items():
        for end, role in ((1, "responder"), (0, "initiator")):
            yield entry("P13", f"CPU per set-up, {role}: PSK, X25519, {sessions} at a time", "ms", "strongSwan, kernel-libipsec",
                        [(mine[end], his[end]) for mine, his in both])


def measure_many(lab, entry):
    """Many clients with a shared key: what they keep in memory, and how long each takes."""
    results = []
    for name, make, count in (("many-c", Cygnet, MANY), ("many-s", StrongSwan, MANY_OF_STRONGSWAN)):
        pair = Pair(lab, name, make, CLASSIC, count=count)
        took, grown = pair.grow()
        results.append((1000 * took / count, grown))
        print(f"  {count} with {make.__name__}: {took:.1f} s, {grown:.2f} KiB each", file=sys.stderr)
        pair.stop()
    other = f"strongSwan, kernel-libipsec, {MANY_OF_STRONGSWAN} of them"
    yield entry("P19", f"one of {MANY} set-ups of two daemons over {_SESSIONS} sessions", "ms", other, [tuple(took for took, _ in results)])
    yield entry("P20", f"memory per pair, responder, of {MANY}", "KiB", other, [tuple(grown for _, grown in results)])
