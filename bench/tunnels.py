"""What two gateways cost between two hosts: TCP, UDP and round trips, through each way in turns."""

import json
import statistics
import subprocess
import sys
import time

from entries import entry
from lab.process import CommandFailed
from lab.traffic import tcp_transfer
import ways

METRICS = ["P1", "P2", "P3", "P6", "P7", "P8", "P10", "P11"]

_PORT = "7100"
_HEADERS = 28  # of IPv4 and UDP
# Packets on their way at once: fewer than the queue of a TUN device takes.
_WINDOW = "384"
_PINGS, _PING_INTERVAL_S = 300, 0.002
_FAILURES = (CommandFailed, TimeoutError, OSError, subprocess.SubprocessError, ValueError, KeyError)


class Stream:
    """UDP packets of one size through one way; its receiver runs until the laboratory closes."""

    def __init__(self, lab, program, way):
        self._lab, self._program, self._way = lab, str(program), way
        self._counter = str(lab.folder / f"{way.right}.count")
        lab.start(f"{way.right}-receiver", way.right, self._program, "receive", way.destination, _PORT, self._counter).wait_for_log("ready")

    def _words(self, octets, seconds, pace):
        way = self._way
        return [self._program, "send", way.source, way.destination, _PORT, self._counter, str(octets - _HEADERS), str(seconds), *pace]

    def run(self, octets, seconds, *pace):
        """Packets per second that arrived."""
        done = json.loads(self._way.left.run(*self._words(octets, seconds, pace)).stdout)
        time.sleep(0.05)  # what is still in queues
        return done["arrived"] / done["seconds"]

    def start(self, octets, seconds, *pace):
        return self._lab.start(f"{self._way.left}-sender", self._way.left, *self._words(octets, seconds, pace))


class Bench:
    def __init__(self, lab, options, absent):
        self.lab, self.options, self.absent = lab, options, absent
        end = options.build / "bench/tunnel_end"
        self.cygnet = ways.Cygnet(lab, end)
        self.rivals = ways.rivals(lab, absent)
        self.ways = {"Cygnet": self.cygnet, "plain": ways.plain(lab), **self.rivals}
        self.bare = ways.bare_tunnel(lab, options.build / "bench/bare_tunnel")
        self.one_worker = ways.Cygnet(lab, end, "single", "Cygnet, one worker", "workers=1")
        self.streams = {name: Stream(lab, options.build / "bench/udp_stream", way) for name, way in self.ways.items()}

    @property
    def with_bare(self):
        return {**self.ways, "bare": self.bare}

    def in_turns(self, names, measure):
        """Rounds of {name: result}; A B C, C B A, …: a drift of the machine's speed meets all. A rival that fails is left out."""
        names, rounds = list(names), []
        for number in range(self.options.pairs):
            results = {}
            for name in names[:] if number % 2 == 0 else names[::-1]:
                try:
                    results[name] = measure(name)
                except _FAILURES as reason:
                    if name not in self.rivals:
                        raise
                    self.absent[name] = f"failed while it was measured: {str(reason).splitlines()[0]}"
                    names.remove(name)
                    self.ways.pop(name, None)
            rounds.append(results)
        return [{name: results[name] for name in names} for results in rounds]

    def costed(self, name, way, measure):
        """A rate with the wall and CPU time it took."""
        tunnel, machine, start = way.cpu_s(), ways.machine_cpu_s(), time.monotonic()
        rate = measure()
        return {"rate": rate, "wall_s": round(time.monotonic() - start, 3), "machine_cpu_s": round(ways.machine_cpu_s() - machine, 2),
                "tunnel_cpu_s": round(way.cpu_s() - tunnel, 2)}

    def compare(self, identity, name, unit, rounds):
        """Cygnet beside each other way."""
        print("  " + ", ".join(f"{way} {statistics.median(r[way]['rate'] for r in rounds):.4g}" for way in rounds[0]) + f" {unit}", file=sys.stderr)
        for other in list(rounds[0])[1:]:
            pairs = [(r["Cygnet"], r[other]) for r in rounds]
            result = entry(identity, name, unit, self.with_bare[other].label, [(own["rate"], its["rate"]) for own, its in pairs])
            result["time"] = {"own": [own for own, _ in pairs], "other": [its for _, its in pairs],
                              "machine_cpu_ratio_per_amount": round(statistics.median(_cpu_per_amount(own) / _cpu_per_amount(its) for own, its in pairs), 3)}
            yield result

    def tcp(self):
        def measure(name):
            way = self.with_bare[name]
            return self.costed(name, way, lambda: _tcp(self.lab, way, self.options.seconds))

        yield from self.compare("P1", "one TCP flow, AES-256-GCM in UDP, MTU 1400", "Mbit/s", self.in_turns(self.with_bare, measure))

    def udp(self, identity, octets, unit, scale):
        def measure(name):
            run = lambda: round(self.streams[name].run(octets, self.options.udp_seconds, "window", _WINDOW) * scale, 3)  # noqa: E731
            return self.costed(name, self.ways[name], run)

        name = f"UDP of 64 flows, inner packets of {octets} B, received"
        yield from self.compare(identity, name, unit, self.in_turns(self.ways, measure))

    def round_trips(self):
        rounds = self.in_turns(self.with_bare, lambda name: _round_trips(self.with_bare[name]))
        self.idle = rounds
        yield from self._percentiles("P7", "round trip when idle", rounds)

    def round_trips_under_load(self):
        """Each way with half of what it carried just before."""
        def measure(name):
            stream = self.streams[name]
            capacity = stream.run(1400, 0.3, "window", _WINDOW)
            sender = stream.start(1400, _PINGS * _PING_INTERVAL_S + 1, "rate", str(int(capacity / 2)))
            time.sleep(0.1)
            times = _round_trips(self.ways[name])
            sender.stop()
            return times

        rounds = self.in_turns(self.ways, measure)
        yield from self._percentiles("P8", "round trip at half load", rounds)
        pairs = [(loaded["Cygnet"]["p99"], idle["Cygnet"]["p99"]) for loaded, idle in zip(rounds, self.idle)]
        yield entry("P8", "round trip at half load, p99", "us", "itself when idle", pairs)

    def _percentiles(self, identity, what, rounds):
        for percentile in ("p50", "p99"):
            for other in list(rounds[0])[1:]:
                pairs = [(r["Cygnet"][percentile], r[other][percentile]) for r in rounds]
                yield entry(identity, f"{what}, {percentile}", "us", self.with_bare[other].label, pairs)

    def workers(self):
        """P10: a worker for each core against one, both ends and both hosts on the same cores."""
        sides = {"Cygnet": self.cygnet, "one": self.one_worker}
        for flows in (1, 4):
            rounds = self.in_turns(sides, lambda name: _tcp(self.lab, sides[name], self.options.seconds, flows))
            what = "one TCP flow" if flows == 1 else f"{flows} TCP flows"
            yield entry("P10", f"gateways with a worker per core, {what}", "Mbit/s", "one worker", [(r["Cygnet"], r["one"]) for r in rounds])

    def overload(self):
        """P11: twice as much is offered as goes through."""
        stream, seconds, rounds = self.streams["Cygnet"], self.options.udp_seconds, []
        for _ in range(self.options.pairs):
            capacity = stream.run(1400, seconds, "window", _WINDOW)
            offered = stream.run(1400, seconds, "rate", str(round(2 * capacity)))
            rounds.append((round(offered / 1e3, 3), round(capacity / 1e3, 3)))
        yield entry("P11", "UDP 1400 B, twice as much offered, received", "kpackets/s", "as much as goes through", rounds)

    def crossings(self, what, before):
        """P6: kernel crossings and CPU time of both ends per packet, since `before`."""
        for side, start, end in zip(("sending", "receiving"), before, self.cygnet.counts()):
            done = {key: end[key] - start[key] for key in end if key != "drops"}
            packets = done["packets_in"] + done["packets_out"]
            if packets == 0:
                raise CommandFailed(f"the {side} end moved no packet of {what}")
            calls = sum(done[call] for call in ("tun_reads", "tun_writes", "carrier_receives", "carrier_sends", "waits"))
            cpu_ns = (done["user_s"] + done["system_s"]) * 1e9 / packets
            yield entry("P6", f"system calls per packet, {side} end, {what}", "calls", None, [(round(calls / packets, 4), None)])
            yield entry("P6", f"CPU time per packet, {side} end, {what}", "ns", None, [(round(cpu_ns, 1), None)])


def _cpu_per_amount(costed):
    return costed["machine_cpu_s"] / (costed["rate"] * costed["wall_s"])


def _tcp(lab, way, seconds, flows=1):
    transfer = tcp_transfer(lab, way.left, way.right, way.destination, source=way.source, seconds=seconds, flows=flows)
    return round(transfer.mbit_per_s, 1)


def _round_trips(way):
    reply = way.ping(count=_PINGS, interval_s=_PING_INTERVAL_S)
    if not reply.times_ms:
        raise CommandFailed(f"no echo came back through {way.label}")
    return {"p50": round(reply.percentile_ms(50) * 1000, 1), "p99": round(reply.percentile_ms(99) * 1000, 1)}


def measure(lab, options, wants, absent):
    """Entries of the metrics that are wanted."""
    bench = Bench(lab, options, absent)
    steps = [
        (["P7", "P8"], "lone packets", bench.round_trips),
        (["P1"], "TCP", bench.tcp),
        (["P2"], "UDP 1400 B", lambda: bench.udp("P2", 1400, "Mbit/s", 1400 * 8e-6)),
        (["P3"], "UDP 64 B", lambda: bench.udp("P3", 64, "kpackets/s", 1e-3)),
        (["P8"], None, bench.round_trips_under_load),
        (["P10"], None, bench.workers),
        (["P11"], None, bench.overload),
    ]
    for metrics, traffic, step in steps:
        if not wants([*metrics, "P6"] if traffic else metrics):
            continue
        print(f"bench: {traffic or step.__name__.replace('_', ' ')}", file=sys.stderr)
        before = bench.cygnet.counts()
        yield from step()
        if traffic:
            yield from bench.crossings(traffic, before)
