"""Child SAs of single workers of the data plane (RFC 9611): two workers at each end, and each sends through its own."""

from lab.traffic import NumberedStream

from scenario import Gateways, counter, scenario, wait_until

# The kernel deals flows to the workers; of so many each gets some. Those of the two ends have different ports: answers would go
# to the worker that the questions came through.
MANY_FLOWS = """
import socket, sys
for port in range(int(sys.argv[3]), int(sys.argv[3]) + 64):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((sys.argv[1], port))
    for _ in range(3):
        sender.sendto(b"flow", (sys.argv[2], 9))
"""


def children(daemon) -> list[dict]:
    sas = daemon.sas()
    assert [sa["state"] for sa in sas] == ["ESTABLISHED"], sas
    return [child for child in sas[0]["child-sas"].values() if child["state"] == "INSTALLED"]


def workers(daemon) -> dict[str, dict]:
    """The children of single workers, by worker."""
    own = [child for child in children(daemon) if "cpu" in child]
    return {child["cpu"]: child for child in own}


def each_has_its_own(gateways) -> bool:
    gateways.left_host.run("python3", "-c", MANY_FLOWS, "10.1.0.1", "10.2.0.1", "20000")
    gateways.right_host.run("python3", "-c", MANY_FLOWS, "10.2.0.1", "10.1.0.1", "30000")
    return all(set(workers(daemon)) == {"0", "1"} for daemon in (gateways.left, gateways.right))


def streams_of(lab, gateways) -> list[NumberedStream]:
    return [NumberedStream(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1"),
            NumberedStream(lab, gateways.right_host, gateways.left_host, "10.1.0.1", source="10.2.0.1")]


@scenario
def each_worker_has_its_own_sa(lab):
    """The first SA carries all until each worker has its own; rekeys keep them, and a lost one comes back. Nothing is lost."""
    gateways = Gateways(lab, child={"per_cpu_sas": "yes"}, options=("--workers", "2")).up()
    both = gateways.left, gateways.right
    streams = streams_of(lab, gateways)
    with streams[0], streams[1]:
        wait_until(lambda: each_has_its_own(gateways), "each worker has an SA of its own", timeout_s=20, interval_s=0.5)
        for daemon in both:
            shared = [child for child in children(daemon) if "cpu" not in child and child.get("receives-only") != "yes"]
            assert len(shared) == 1 and len(children(daemon)) <= 5, children(daemon)
        first = [workers(daemon) for daemon in both]
        wait_until(lambda: each_has_its_own(gateways) and all(
            int(child["packets-out"]) > int(before[worker]["packets-out"])
            for daemon, before in zip(both, first) for worker, child in workers(daemon).items()), "each worker sends through its own")
        with gateways.right.vici() as session:
            for child in workers(gateways.right).values():
                session.request("rekey", {"child-id": child["uniqueid"]})
        changed = lambda: {worker: child["spi-in"] for worker, child in workers(gateways.right).items()}
        before = {worker: child["spi-in"] for worker, child in first[1].items()}
        wait_until(lambda: set(changed()) == {"0", "1"} and all(changed()[worker] != before[worker] for worker in before),
                   "both are rekeyed and belong to their workers")
        for stream in streams:
            stream.wait_for_packets(100)
    for stream in streams:
        assert stream.sent > 100 and not stream.lost and not stream.doubled, stream.summary()


@scenario
def a_lost_sa_of_a_worker_comes_back(lab):
    """The peer takes one down: the first carries the worker's packets, and the next is asked for after a pause."""
    gateways = Gateways(lab, child={"per_cpu_sas": "yes"}, options=("--workers", "2")).up()
    wait_until(lambda: each_has_its_own(gateways), "each worker has an SA of its own", timeout_s=20, interval_s=0.5)
    asked = counter(gateways.left, "resource-wanted") + counter(gateways.right, "resource-wanted")
    gateways.right.terminate(**{"child-id": workers(gateways.right)["1"]["uniqueid"]})
    with NumberedStream(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1") as stream:
        stream.wait_for_packets(100)
        wait_until(lambda: each_has_its_own(gateways), "it is back", timeout_s=30, interval_s=0.5)
    assert not stream.lost, stream.summary()
    now = counter(gateways.left, "resource-wanted") + counter(gateways.right, "resource-wanted")
    assert asked < now <= asked + 3, (asked, now)
