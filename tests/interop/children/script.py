"""Further child SAs in the same IKE SA, set up, rekeyed and deleted one by one from either end (RFC 7296 section 1.3.1)."""

from lab import wait_until
from lab.traffic import ping
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch, children

_SECOND = """}}
            second {{
                local_ts = {local}
                remote_ts = {remote}
                {esp}
"""


def case(end, key_exchange):
    """`end` adds the second child; the first one came from the other end."""
    esp = {"hybrid": "esp_proposals = aes256gcm16-x25519-ke1_mlkem768", "classic": "esp_proposals = aes256gcm16-x25519"}[key_exchange]
    other = STRONGSWAN if end == CYGNET else CYGNET
    inner = ("10.11.0.0/24", "10.12.0.0/24")
    words = {
        "cygnet_child": esp + _SECOND.format(local=inner[0], remote=inner[1], esp=esp),
        "strongswan_child": _SECOND.format(local=inner[1], remote=inner[0], esp=esp),
    }
    return Case(other, key_exchange=key_exchange, words=words, options={"end": end})


CASES = {f"{key_exchange}-from-{end}": case(end, key_exchange) for key_exchange in ("hybrid", "classic") for end in ENDS}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    gateways.hosts[CYGNET].add_address("10.11.0.1/24")
    gateways.hosts[STRONGSWAN].add_address("10.12.0.1/24")
    gateways.up()
    acting = gateways.ends[case.options["end"]]
    acting.initiate("second")
    for end in ENDS:
        names = sorted(child["name"] for child in children(gateways.ends[end]))
        if names != ["net", "second"] or len(gateways.sas(end)) != 1:
            raise Mismatch(f"{end} has the child SAs {names} in {len(gateways.sas(end))} IKE SAs")
        second = next(child for child in children(gateways.ends[end]) if child["name"] == "second")
        if second.get("dh-group") != "CURVE_25519" or second.get("ake1") != case.expected_words()["ake1"]:
            raise Mismatch(f"{end}: the second child's key exchange is {second.get('dh-group')} {second.get('ake1')}")
    check_both(gateways)

    before = spi_of(acting, "second"), spi_of(acting, "net")
    acting.rekey(child="second")
    wait_until(lambda: spi_of(acting, "second") != before[0], "the rekeyed second child")
    if spi_of(acting, "net") != before[1]:
        raise Mismatch("the first child was rekeyed with the second")
    check_both(gateways)
    gateways.initiator.rekey(ike="gw")
    wait_until(lambda: all(len(gateways.sas(end)) == 1 and len(children(gateways.ends[end])) == 2 for end in ENDS),
               "both children in the new IKE SA")
    check_both(gateways)

    acting.terminate(child="net")
    wait_until(lambda: all([child["name"] for child in children(end)] == ["second"] for end in gateways.ends.values()),
               "the second child alone at both ends")
    check(gateways, "10.11.0.1", "10.12.0.1")


def spi_of(end, name):
    return next((child["spi-in"] for child in children(end) if child["name"] == name), None)


def check_both(gateways):
    check(gateways, "10.1.0.1", "10.2.0.1")
    check(gateways, "10.11.0.1", "10.12.0.1")


def check(gateways, cygnet, strongswan):
    for host, source, destination in ((CYGNET, cygnet, strongswan), (STRONGSWAN, strongswan, cygnet)):
        if ping(gateways.hosts[host], destination, source=source).lost:
            raise Mismatch(f"pings from {source} to {destination} were lost")
