"""One end asks for an address and gets it from the other's pool (configuration payloads, RFC 7296 section 2.19)."""

from lab.traffic import ping
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

_POOL = """pools {
    addresses {
        addrs = 10.3.0.0/24
    }
}"""


def case(client, server):
    return Case(client, options={"client": client, "server": server}, words={
        f"{client}_ike": "vips = 0.0.0.0",
        f"{server}_ike": "pools = addresses",
        f"{server}_more": _POOL,
        f"{client}_ts": "dynamic",
    })


CASES = {f"{client}-asks": case(client, server) for client, server in (ENDS, ENDS[::-1])}


def run(lab, case, folder):
    client, server = case.options["client"], case.options["server"]
    gateways = Gateways(lab, case, folder)
    gateways.up()
    for end, key in ((client, "local-vips"), (server, "remote-vips")):
        if gateways.sas(end)[0].get(key) != ["10.3.0.1"]:
            raise Mismatch(f"{end}: {key} is {gateways.sas(end)[0].get(key)}")
    for end, key in ((client, "local-ts"), (server, "remote-ts")):
        selectors = gateways.sas(end)[0]["child-sas"][0][key]
        if selectors != ["10.3.0.1/32"]:
            raise Mismatch(f"{end}: {key} is {selectors}")
    behind_server = {CYGNET: "10.1.0.1", STRONGSWAN: "10.2.0.1"}[server]
    for _ in range(2):
        for host, source, destination in ((client, "10.3.0.1", behind_server), (server, behind_server, "10.3.0.1")):
            if ping(gateways.hosts[host], destination, source=source).lost:
                raise Mismatch(f"pings from {source} to {destination} were lost")
        gateways.rekey(client, ike="gw")
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()
    gateways.up()
    if gateways.sas(client)[0]["local-vips"] != ["10.3.0.1"]:
        raise Mismatch("the same client did not get its address again")
