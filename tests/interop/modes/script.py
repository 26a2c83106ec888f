"""What a child may do beside tunnelling packets as they are, with strongSwan and the kernel's ESP in a virtual machine.

Compression (`ipcomp = yes`) in tunnel and in transport mode, and BEET mode; either end begins and both rekey. What the kernel has
compressed we open, and the other way round; the capture shows that packets were small.
"""

from lab.cygnet import Cygnet
from lab.process import wait_until
from lab.strongswan_kernel import KernelStrongSwan
from lab.traffic import ping
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch, children

_PATIENCE_S = 60  # Processors are emulated.
_ESP = 50


def case(initiator, lines, *, ts=None, strongswan_lines=None, **options):
    words = {"strongswan_esp_proposals": "aes256gcm16", "cygnet_child": lines + "\nesp_proposals = aes256gcm16",
             "strongswan_child": lines if strongswan_lines is None else strongswan_lines}
    if ts:
        words |= {"cygnet_ts": ts[0], "strongswan_ts": ts[1]}
    return Case(initiator, "psk", "classic", words=words, options=options, settings="send_vendor_id = yes")


_HOSTS = ("192.0.2.1", "192.0.2.2")
CASES = {
    "ipcomp-cygnet-begins": case(CYGNET, "ipcomp = yes", compressed=True),
    "ipcomp-strongswan-begins": case(STRONGSWAN, "ipcomp = yes", compressed=True),
    "ipcomp-in-transport-mode": case(CYGNET, "ipcomp = yes\nmode = transport", ts=("dynamic", "dynamic"), inner=_HOSTS, compressed=True),
    "ipcomp-declined": case(CYGNET, "ipcomp = yes", strongswan_lines=""),
    "beet-cygnet-begins": case(CYGNET, "mode = beet", ts=("10.1.0.1", "10.2.0.1"), mode="BEET"),
    "beet-strongswan-begins": case(STRONGSWAN, "mode = beet", ts=("10.1.0.1", "10.2.0.1"), mode="BEET"),
}


def run(lab, case, folder):
    left, right = lab.host("left"), lab.host("right")
    lab.connect(left, "192.0.2.1/24", right, "192.0.2.250/24")
    right.remove_address("192.0.2.250/24", "to-left")
    left.add_address("10.1.0.1/24")
    wire = lab.capture(left, "to-right", "ip")
    gateways = Gateways(lab, case, folder, hosts=(left, right), daemons=(Cygnet, KernelStrongSwan))
    peer = gateways.ends[STRONGSWAN]
    gateways.initiator.initiate("net", timeout_s=_PATIENCE_S)
    wait_until(lambda: all(children(end) for end in gateways.ends.values()), "the child SA at both ends", timeout_s=_PATIENCE_S)
    if mode := case.options.get("mode"):
        if any(children(end)[0]["mode"] != mode for end in gateways.ends.values()):
            raise Mismatch(f"not in {mode} mode: {[children(end) for end in gateways.ends.values()]}")
    try:
        check(gateways, left, wire)
        for end in ENDS:
            before = gateways.spis({"child": "net"})
            gateways.ends[end].rekey(child="net")
            wait_until(lambda: not set(gateways.spis({"child": "net"})) & set(before), f"{end} rekeys", timeout_s=_PATIENCE_S,
                       interval_s=0.3)
            gateways.settle()
            check(gateways, left, wire)
    except Exception:
        (lab.folder / "kernel.log").write_text(peer.xfrm_states() + peer.guest.run("ip xfrm policy", check=False))
        raise
    gateways.ends[CYGNET].terminate(ike="gw")
    gateways.expect_nothing()


def check(gateways, left, wire):
    """Pings of several sizes both ways, and what the SAs and the wire say of them."""
    options = gateways.case.options
    own, other = options.get("inner", ("10.1.0.1", "10.2.0.1"))
    at = wire.stat().st_size
    for size in (56, 300, 1300):
        if (result := ping(left, other, source=own, size=size, count=4, timeout_s=5)).lost:
            raise Mismatch(f"{result} of {size} octets\n{gateways.ends[STRONGSWAN].xfrm_states()}")
        gateways.ends[STRONGSWAN].guest.run(f"ping -c 3 -s {size} -I {other} {own}")
    ours, theirs = (children(gateways.ends[end])[0] for end in (CYGNET, STRONGSWAN))
    if not options.get("compressed"):
        if "cpi-in" in ours or "cpi-in" in theirs:
            raise Mismatch(f"compression that nobody agreed on: {ours}, {theirs}")
        return
    # strongSwan prints the octets of a CPI in its own order.
    pairs = [(ours["cpi-in"], theirs["cpi-out"]), (ours["cpi-out"], theirs["cpi-in"])]
    if any(one not in (two, two[2:] + two[:2]) for one, two in pairs):
        raise Mismatch(f"the ends disagree about the indices: {pairs}")
    # ping repeats itself after 256 octets. What measures the path is not compressed.
    wait_until(lambda: len(sizes(wire, at)) >= 20, "the packets in the capture")
    if max(sizes(wire, at)) > 700:
        raise Mismatch(f"packets of {sorted(sizes(wire, at))} octets on the wire")


def sizes(wire, at):
    """Of the ESP packets since `at`, without those of 1280 octets and of the whole MTU."""
    data, found = wire.read_bytes(), []
    while at + 16 <= len(data):
        size = int.from_bytes(data[at + 8:at + 12], "little")
        frame, at = data[at + 16:at + 16 + size], at + 16 + size
        if frame[12:14] == b"\x08\x00" and frame[23] == _ESP and len(frame) - 14 not in range(1270, 1281) and len(frame) < 1490:
            found.append(len(frame) - 14)
    return found
