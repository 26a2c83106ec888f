"""strongSwan with the kernel's ESP, in a virtual machine: raw ESP and ESN, which its userspace ESP does not have.

Each end rekeys the child SA and the IKE SA while packets flow, of which none is lost. One case goes through the suites of
ESP, those included that only a kernel has: GMAC, and ESN with a separate MAC.
"""

from lab.cygnet import Cygnet
from lab.strongswan_kernel import KernelStrongSwan
from lab.traffic import ping, unanswered
from lab.process import wait_until
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

_SUITES = {
    "gcm-esn": ("aes256gcm16-esn", "AES_GCM_16", "256", None, "1"),
    "chacha20-esn": ("chacha20poly1305-esn", "CHACHA20_POLY1305", None, None, "1"),
    "gcm": ("aes128gcm16", "AES_GCM_16", "128", None, None),
}

# A child each: what both write, and what list-sas says of cipher, key size and integrity. Either end begins in turns.
_CHILDREN = {
    "aes256gmac-esn": ("NULL_AES_GMAC", "256", None),
    "aes128gmac": ("NULL_AES_GMAC", "128", None),
    "aes256-sha384-esn": ("AES_CBC", "256", "HMAC_SHA2_384_192"),
    "aes128-sha256": ("AES_CBC", "128", "HMAC_SHA2_256_128"),
    "aes256ctr-sha512-esn": ("AES_CTR", "256", "HMAC_SHA2_512_256"),
    "null-sha256-esn": ("NULL", None, "HMAC_SHA2_256_128"),
    "aes128ccm8-esn": ("AES_CCM_8", "128", None),
    "aes256ccm16": ("AES_CCM_16", "256", None),
    "aes128gcm8-esn": ("AES_GCM_8", "128", None),
    "aes256gcm12-esn": ("AES_GCM_12", "256", None),
}
_CHILD = """}}
            suite{number} {{
                local_ts = {local}
                remote_ts = {remote}
                esp_proposals = {proposal}
"""


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
    "every-suite": case("gcm", CYGNET),
}


def with_children(case):
    for end, (own, other) in ((CYGNET, (11, 12)), (STRONGSWAN, (12, 11))):
        case.words[f"{end}_child"] = case.words.get(f"{end}_child", "") + "".join(
            _CHILD.format(number=number, local=f"10.{own}.{number}.0/24", remote=f"10.{other}.{number}.0/24", proposal=proposal)
            for number, proposal in enumerate(_CHILDREN))
    case.options["suites"] = True
    return case


with_children(CASES["every-suite"])


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
    if case.options.get("suites"):
        return try_suites(gateways, left, peer)
    flow = lab.start("flow", left, "ping", "-n", "-i", "0.05", "-I", "10.1.0.1", "10.2.0.1")
    for end in ENDS:
        rekey(gateways, end, child="net")
        rekey(gateways, end, ike="gw")
    flow.signal(2)
    flow.wait_for_end()
    if lost := unanswered(flow.log()):
        raise Mismatch(f"a rekey lost the packets {lost}")
    gateways.ends[CYGNET].terminate(ike="gw")
    gateways.expect_nothing()


def rekey(gateways, end, **what):
    """As Gateways.rekey, with the patience that an emulated machine needs."""
    before = gateways.spis(what)
    gateways.ends[end].rekey(**what)
    wait_until(lambda: not set(gateways.spis(what)) & set(before), f"{end} rekeys {what}", timeout_s=60, interval_s=0.3)
    gateways.settle()


def try_suites(gateways, left, peer):
    for number, (proposal, names) in enumerate(_CHILDREN.items()):
        left.add_address(f"10.11.{number}.1/24")
        peer.guest.run(f"ip address add 10.12.{number}.1/24 dev lo")
        gateways.ends[ENDS[number % 2]].initiate(f"suite{number}")
        wait_until(lambda: find(gateways, CYGNET, number) and find(gateways, STRONGSWAN, number), proposal, timeout_s=30)
        for end in ENDS:
            child = find(gateways, end, number)
            found = child["encr-alg"], child.get("encr-keysize"), child.get("integ-alg")
            if found != names or child.get("esn") != ("1" if "esn" in proposal else None):
                raise Mismatch(f"{end} reports {found} for {proposal}")
        if (result := ping(left, f"10.12.{number}.1", source=f"10.11.{number}.1", count=5)).lost:
            raise Mismatch(f"{proposal}: {result}\n{peer.xfrm_states()}")
        # Long packets too, and the other way.
        peer.guest.run(f"ping -c 3 -s 1300 -I 10.12.{number}.1 10.11.{number}.1")


def find(gateways, end, number):
    return next((child for sa in gateways.ends[end].sas() for child in sa["child-sas"].values()
                 if child["name"] == f"suite{number}" and child["state"] == "INSTALLED"), None)
