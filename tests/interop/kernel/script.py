"""strongSwan with the kernel's ESP, in a virtual machine: raw ESP and ESN, which its userspace ESP does not have.

Each end rekeys the child SA and the IKE SA while packets flow, of which none is lost.
"""

from lab.cygnet import Cygnet
from lab.strongswan_kernel import KernelStrongSwan
from lab.traffic import ping
from lab.process import wait_until
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

_SUITES = {
    "gcm-esn": ("aes256gcm16-esn", "AES_GCM_16", "256", None, "1"),
    "chacha20-esn": ("chacha20poly1305-esn", "CHACHA20_POLY1305", None, None, "1"),
    "gcm": ("aes128gcm16", "AES_GCM_16", "128", None, None),
}


def case(suite, initiator, authentication="psk", encapsulation=False):
    proposal, encryption, key_bits, integrity, esn = _SUITES[suite]
    lines = "\n        encap = yes" if encapsulation else ""
    return Case(
        initiator, authentication, "hybrid",
        words={"strongswan_esp_proposals": proposal, "cygnet_child": f"esp_proposals = {proposal}", "cygnet_ike": lines},
        options={"expect": {"encr": encryption, "keysize": key_bits, "integ": integrity, "esn": esn,
                            "encap": "yes" if encapsulation else None}})


CASES = {
    "gcm-esn-cygnet-begins": case("gcm-esn", CYGNET),
    "gcm-esn-certificates-strongswan-begins": case("gcm-esn", STRONGSWAN, "ecdsa"),
    "chacha20-esn-in-udp": case("chacha20-esn", CYGNET, encapsulation=True),
    "gcm-strongswan-begins": case("gcm", STRONGSWAN),
}


def run(lab, case, folder):
    left, right = lab.host("left"), lab.host("right")
    lab.connect(left, "192.0.2.1/24", right, "192.0.2.250/24")
    right.remove_address("192.0.2.250/24", "to-left")
    left.add_address("10.1.0.1/24")
    gateways = Gateways(lab, case, folder, hosts=(left, right), daemons=(Cygnet, KernelStrongSwan))
    gateways.up()
    gateways.expect(**case.options["expect"])
    peer = gateways.ends[STRONGSWAN]
    if ping(left, "10.2.0.1", source="10.1.0.1", count=20).lost:
        raise Mismatch("pings to the guest were lost")
    peer.guest.run("ping -c 3 -I 10.2.0.1 10.1.0.1")
    flow = lab.start("flow", left, "ping", "-n", "-i", "0.05", "-I", "10.1.0.1", "10.2.0.1")
    for end in ENDS:
        rekey(gateways, end, child="net")
        rekey(gateways, end, ike="gw")
    flow.signal(2)
    flow.wait_for_end()
    counts = [line for line in flow.log().splitlines() if "packets transmitted" in line]
    if not counts or " 0% packet loss" not in counts[0]:
        raise Mismatch(f"a rekey lost packets: {counts}")
    gateways.ends[CYGNET].terminate(ike="gw")
    gateways.expect_nothing()


def rekey(gateways, end, **what):
    """As Gateways.rekey, with the patience that an emulated machine needs."""
    before = gateways.spis(what)
    gateways.ends[end].rekey(**what)
    wait_until(lambda: not set(gateways.spis(what)) & set(before), f"{end} rekeys {what}", timeout_s=60, interval_s=0.3)
    gateways.settle()
