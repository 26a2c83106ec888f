"""Liveness checks are answered, and an end that was killed comes back and replaces what it had."""

import signal

from lab import wait_until
from scenario import CYGNET, STRONGSWAN, Case, Gateways, Mismatch, children

CASES = {
    # strongSwan asks every second whether Cygnet lives, and it does.
    "cygnet-answers": Case(STRONGSWAN, words={"strongswan_ike": "dpd_delay = 1s"}, options={"story": "answers"}),
    "strongswan-answers": Case(CYGNET, words={"cygnet_ike": "dpd_delay = 1s"}, options={"story": "answers"}),
    # strongSwan dies without a word and starts again; whoever starts the tunnel anew, one remains.
    "strongswan-restarts-and-initiates": Case(STRONGSWAN, options={"story": "restarts", "end": STRONGSWAN}),
    "cygnet-restarts-and-initiates": Case(CYGNET, options={"story": "restarts", "end": CYGNET}),
}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    gateways.up()
    gateways.ping()
    {"answers": answers, "restarts": restarts}[case.options["story"]](gateways)


def answers(gateways):
    """After some questions the same SAs are still there."""
    before = gateways.spis({"ike": "gw"}), gateways.spis({"child": "net"})
    asked = gateways.hosts[STRONGSWAN if gateways.case.initiator == CYGNET else CYGNET]
    # On port 4500 an IKE message whose exchange type is INFORMATIONAL.
    asked.watch("udp dport 4500 @th,64,32 0 @th,240,8 37")
    wait_until(lambda: asked.watched() >= 3, "three questions", timeout_s=10)
    if before != (gateways.spis({"ike": "gw"}), gateways.spis({"child": "net"})):
        raise Mismatch("the SAs changed although both ends live")
    gateways.ping()


def restarts(gateways):
    """The end that comes back says INITIAL_CONTACT, and the other forgets what it had before (RFC 7296 section 2.4)."""
    end = gateways.case.options["end"]
    daemon = gateways.ends[end]
    daemon.process.signal(signal.SIGKILL)
    daemon.process.wait_for_end()
    fresh = gateways.start(end, name=f"{end}-again")
    fresh.initiate("net")
    other = gateways.ends[CYGNET if end == STRONGSWAN else STRONGSWAN]
    wait_until(lambda: len(other.sas()) == 1 and len(children(other)) == 1, "the new tunnel alone at the other end")
    gateways.settle()
    gateways.ping()
