"""strongSwan's `swanctl --redirect`, and ours, with a tunnel up: the client goes where it is sent (RFC 5685 section 5).

The other end has two addresses; the client is sent from the one to the other.
"""

from lab import wait_until
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

SECOND = "192.0.2.77"
FIRST = {CYGNET: "192.0.2.1", STRONGSWAN: "192.0.2.2"}

CASES = {
    f"{gateway}-redirects": Case(
        initiator=client,
        words={f"{gateway}_address": f"{FIRST[gateway]}, {SECOND}", f"{client}_address": "%any"},
        options={"client": client, "gateway": gateway},
    )
    for client, gateway in (ENDS, ENDS[::-1])
}


def run(lab, case, folder):
    hosts = lab.pair()
    gateway, client = case.options["gateway"], case.options["client"]
    host = dict(zip(ENDS, hosts))[gateway]
    host.add_address(f"{SECOND}/24", f"to-{'right' if gateway == CYGNET else 'left'}")
    gateways = Gateways(lab, case, folder, hosts=hosts)
    gateways.up()
    with gateways.ends[gateway].vici() as session:
        answer = session.request("redirect", {"ike": "gw", "gateway": SECOND})
        if answer.get("success") != "yes":
            raise Mismatch(f"redirect: {answer}")
    wait_until(lambda: [sa["remote-host"] for sa in gateways.sas(client)] == [SECOND], f"the client at {SECOND}", timeout_s=20)
    wait_until(lambda: len(gateways.sas(gateway)) == 1, "one IKE SA at the gateway", timeout_s=20)
    gateways.ping()
