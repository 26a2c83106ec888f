"""Child SAs of single workers of Cygnet's data plane (RFC 9611), which strongSwan installs for CPUs of its own.

Cygnet's workers ask for them, whoever began. A strongSwan that was not told to leaves it at one for all.
"""

import sys

from lab import wait_until
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch, children

_WANTED = "per_cpu_sas = yes"


def case(initiator, peer_wants=True):
    return Case(initiator, key_exchange="classic",
                words={"cygnet_child": f"esp_proposals = aes256gcm16-x25519\n{_WANTED}", "strongswan_child": _WANTED if peer_wants else ""},
                options={"peer_wants": peer_wants})


CASES = {**{f"{end}-initiates": case(end) for end in ENDS}, "strongswan-does-not-want-them": case(CYGNET, peer_wants=False)}

# The kernel deals flows to the workers; of so many each gets some.
_FLOWS = """
import socket
for port in range(20000, 20064):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind(("10.1.0.1", port))
    sender.sendto(b"flow", ("10.2.0.1", 9))
"""


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder, workers="2")
    gateways.up()
    cygnet, host = gateways.ends[CYGNET], gateways.hosts[CYGNET]
    if not case.options["peer_wants"]:
        gateways.ping()
        for _ in range(3):
            host.run(sys.executable, "-c", _FLOWS)
        gateways.ping()
        if [len(children(gateways.ends[end])) for end in ENDS] != [1, 1]:
            raise Mismatch("there is more than one child SA")
        return

    def complete():
        host.run(sys.executable, "-c", _FLOWS)
        return workers(cygnet) == {"0", "1"}

    # strongSwan sends through a new SA before its answer has told us the keys: what it sends meanwhile is lost.
    wait_until(complete, "each worker of Cygnet has its own SA", timeout_s=20, interval_s=0.5)
    wait_until(lambda: len(children(gateways.ends[STRONGSWAN])) == len(children(cygnet)), "as many SAs at strongSwan")
    own = [child for child in children(cygnet) if "cpu" in child]
    for child in own:
        if not any(child["spi-out"] == other["spi-in"] for other in children(gateways.ends[STRONGSWAN])):
            raise Mismatch(f"strongSwan does not know {child}")
    with gateways.streams() as streams:
        streams.wait_for_packets(50)
        before = {child["cpu"]: child["spi-in"] for child in own}
        cygnet.rekey(**{"child-id": own[0]["uniqueid"]})
        wait_until(lambda: rekeyed(cygnet, own[0]["cpu"], before), "the rekeyed SA belongs to the same worker")
        streams.wait_for_packets(100)
    cygnet.terminate(ike="gw")
    gateways.expect_nothing()


def workers(end):
    return {child["cpu"] for child in children(end) if "cpu" in child}


def rekeyed(end, worker, before):
    return any(child.get("cpu") == worker and child["spi-in"] != before[worker] for child in children(end))
