"""Post-quantum key exchanges beyond ML-KEM, and the policy over them, between two daemons."""

import sys

from lab.cygnet import Cygnet
from lab.laboratory import SKIPPED

from scenario import Gateways, carries_traffic, established, scenario, settled, wait_until


def need(lab, *methods):
    """Skips the scenario where the build lacks a method."""
    daemon = Cygnet(lab, lab.host("asked"), "")
    with daemon.vici() as session:
        known = session.request("get-algorithms")["ke"]
    daemon.stop()
    missing = [method for method in methods if method not in known]
    if missing:
        print(f"SKIPPED {lab.name}: this build lacks {', '.join(missing)}")
        sys.exit(SKIPPED)


def rekeyed(gateways, what):
    before = established(gateways.left)
    changed = (lambda sa: sa["child"]["spi-in"]) if "child" in what else (lambda sa: sa["initiator-spi"])
    with gateways.left.vici() as session:
        session.request("rekey", what)
    wait_until(lambda: (now := settled(gateways.left)) and changed(now) != changed(before), "the new SA replaced the old one")
    wait_until(lambda: settled(gateways.right), "the old SA is gone")
    return established(gateways.left)


@scenario
def frodokem(lab):
    """X25519, ML-KEM and FrodoKEM one after the other, the last with a number of private use; in rekeys as well."""
    need(lab, "FRODOKEM_976_AES", "FRODOKEM_640_SHAKE")
    gateways = Gateways(lab, proposals="aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_frodo976-ke3_frodo640shake", post_quantum="required",
                        child={"esp_proposals": "aes256gcm16-x25519-ke1_frodo640shake"}).up()
    for daemon in (gateways.left, gateways.right):
        sa = established(daemon)
        assert (sa["ake1"], sa["ake2"], sa["ake3"]) == ("ML_KEM_768", "FRODOKEM_976_AES", "FRODOKEM_640_SHAKE"), sa
    sa = rekeyed(gateways, {"child": "net"})
    assert (sa["child"]["dh-group"], sa["child"]["ake1"]) == ("CURVE_25519", "FRODOKEM_640_SHAKE"), sa
    sa = rekeyed(gateways, {"ike": "net"})
    assert sa["ake2"] == "FRODOKEM_976_AES", sa
    carries_traffic(gateways)


@scenario
def post_quantum_alone(lab):
    """ML-KEM in place of Diffie-Hellman: no IKE_INTERMEDIATE."""
    gateways = Gateways(lab, proposals="aes256gcm16-prfsha384-mlkem768", post_quantum="required").up()
    sa = established(gateways.right)
    assert sa["dh-group"] == "ML_KEM_768" and "ake1" not in sa, sa


@scenario
def post_quantum_off(lab):
    """One side wants no post-quantum key exchange; the other's defaults come down to it."""
    gateways = Gateways(lab, right_keys={"post_quantum": "off"}).up()
    sa = established(gateways.left)
    assert sa["dh-group"] == "CURVE_25519" and "ake1" not in sa, sa


@scenario
def private_numbers(lab):
    """Other numbers of private use, for those who share them; with one who does not, nothing comes of it."""
    need(lab, "FRODOKEM_640_SHAKE")
    words = {"proposals": "aes256gcm16-prfsha384-x25519-ke1_frodo640shake-ke1_none"}
    gateways = Gateways(lab, options=("--private-numbers", "frodo640shake=50500"), **words).up()
    assert established(gateways.left)["ake1"] == "FRODOKEM_640_SHAKE", established(gateways.left)
    gateways.right.stop()
    gateways.right = Cygnet(lab, gateways.right_host, gateways.right.config_path.read_text(), name="cygnetd-other")
    gateways.left.command("down", "net", check=False)
    gateways.left.up("net")
    assert "ake1" not in established(gateways.left), established(gateways.left)
