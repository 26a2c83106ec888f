"""Cygnet with the kernel's ESP (`cygnetd --esp kernel`), in a virtual machine with Debian's kernel.

At the other end: Cygnet with its own ESP, or strongSwan with the kernel's in a second virtual machine. Suites, both families,
both modes, AH, rekeys from each end while pings flow, a trap, limits in octets, encapsulation in UDP with a NAT that forgets, and
moves (MOBIKE).
"""

from lab.cygnet import Cygnet
from lab.cygnet_kernel import KernelCygnet
from lab.process import wait_until
from lab.strongswan_kernel import KernelStrongSwan
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch, children

_PATIENCE_S = 60  # Processors are emulated.

# name: selectors (of the kernel's end, of the other), proposal, further lines of both ends, of the kernel's end alone.
_CHILDREN = {
    "net": ("10.1.0.0/24", "10.2.0.0/24", "aes256gcm16-esn"),
    "chacha": ("10.11.1.0/24", "10.12.1.0/24", "chacha20poly1305"),
    "cbc": ("10.11.2.0/24", "10.12.2.0/24", "aes256-sha256-esn"),
    "six": ("fd00:1::/64", "fd00:2::/64", "aes128gcm16-esn"),
    "hosts": ("dynamic[1]", "dynamic[1]", "aes128gcm16", "mode = transport"),
    "small": ("10.11.5.0/24", "10.12.5.0/24", "aes256gcm16", "ipcomp = yes"),
    "beet": ("10.11.6.1", "10.12.6.1", "aes256gcm16", "mode = beet"),
    "trapped": ("10.11.3.0/24", "10.12.3.0/24", "aes256gcm16", "", "start_action = trap"),
    "limited": ("10.11.4.0/24", "10.12.4.0/24", "aes256gcm16", "", "life_bytes = 20000"),
}
# What is pinged through each.
_INNER = {
    "net": ("10.1.0.1", "10.2.0.1"),
    "chacha": ("10.11.1.1", "10.12.1.1"),
    "cbc": ("10.11.2.1", "10.12.2.1"),
    "six": ("fd00:1::1", "fd00:2::1"),
    "hosts": ("192.0.2.1", "192.0.2.2"),
    "small": ("10.11.5.1", "10.12.5.1"),
    "beet": ("10.11.6.1", "10.12.6.1"),
    "trapped": ("10.11.3.1", "10.12.3.1"),
    "limited": ("10.11.4.1", "10.12.4.1"),
}


# The same protected by AH.
_AH = {"net": "sha256-esn", "six": "sha512-esn", "hosts": "sha1", "cbc": "sha384"}


def configured(local, remote, proposal, of_both="", of_kernel="", *, ah=None):
    key, words = ("ah_proposals", ah) if ah else ("esp_proposals", proposal)

    def text(name, own, other, lines):
        return "\n".join([f"{name} {{", f"local_ts = {own}", f"remote_ts = {other}", f"{key} = {words}", *lines, "}"])
    return lambda name: (text(name, local, remote, [of_both, of_kernel]), text(name, remote, local, [of_both]))


def case(initiator, other, names, *, ike="", ah=False, **options):
    texts = [configured(*_CHILDREN[name], ah=_AH[name] if ah else None)(name) for name in names]
    return Case(initiator, words={
        "cygnet_children": "\n".join(own for own, _ in texts), "strongswan_children": "\n".join(theirs for _, theirs in texts),
        "cygnet_ike": ike, "strongswan_ike": ike}, options={"other": other, "names": names, "ah": ah, **options},
        settings="send_vendor_id = yes" if other is KernelStrongSwan else "")


_COMMON = ("net", "chacha", "cbc", "six", "hosts", "small", "beet")
CASES = {
    "userspace": case(CYGNET, Cygnet, (*_COMMON, "trapped", "limited"), moves=CYGNET),
    "strongswan": case(STRONGSWAN, KernelStrongSwan, _COMMON, moves=STRONGSWAN),
    "in-udp": case(CYGNET, KernelStrongSwan, ("net", "six"), ike="encap = yes"),
    "ah": case(CYGNET, KernelStrongSwan, tuple(_AH), ah=True),
    "ah-userspace": case(STRONGSWAN, Cygnet, tuple(_AH), ah=True),
    "behind-nat": case(STRONGSWAN, Cygnet, ("net",), ike="mobike = no", nat=True),
}
CASES["behind-nat"].words["cygnet_ike"] += "\ndpd_delay = 1s"


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder, hosts=lay_path(lab, case), daemons=(KernelCygnet, case.options["other"]))
    kernel = gateways.ends[CYGNET]
    if "ESP of the kernel" not in kernel.cygnet("status"):
        raise Mismatch("`cygnet status` does not say who does ESP")
    for name in case.options["names"]:
        for end, address in zip(ENDS, _INNER[name]):
            if name != "hosts":
                shell(gateways, end, f"ip address add {address}/{128 if ':' in address else 32} dev lo 2>/dev/null; true")
    try:
        # Either end begins in turns; the first brings the IKE SA up.
        for number, name in enumerate(name for name in case.options["names"] if name not in ("trapped", "limited")):
            end = gateways.case.initiator if number == 0 else ENDS[number % 2]
            gateways.ends[end].initiate(name, timeout_s=_PATIENCE_S)
            wait_for_child(gateways, name)
            ping_both_ways(gateways, name)
        check_states(gateways)
        if case.options["other"] is Cygnet and not case.options.get("nat"):
            refuse_what_is_clear(gateways)
        rekey_under_pings(gateways)
        if "trapped" in case.options["names"]:
            meet_the_trap(gateways)
            use_up_the_limit(gateways)
        if case.options.get("nat"):
            follow_the_nat(gateways, lab.hosts["nat"])
        if mover := case.options.get("moves"):
            move(gateways, mover)
        gateways.ends[CYGNET].terminate(ike="gw")
        gateways.expect_nothing()
        expect_empty_kernel(kernel)
    except Exception:
        (lab.folder / "kernel.log").write_text(
            kernel.log() + kernel.xfrm_states() + kernel.ip("xfrm policy") + kernel.ip("rule") + kernel.ip("route show table 4500", check=False))
        raise


def lay_path(lab, case):
    left, right = lab.host("left"), lab.host("right")
    if not case.options.get("nat"):
        lab.connect(left, "192.0.2.250/24", right, "192.0.2.2/24")
        left.remove_address("192.0.2.250/24", "to-right")
        if case.options["other"] is KernelStrongSwan:
            right.remove_address("192.0.2.2/24", "to-left")
        return left, right
    nat = lab.router("nat")
    lab.connect(left, "192.0.2.250/24", nat, "192.0.2.2/24")
    left.remove_address("192.0.2.250/24", "to-nat")
    lab.connect(nat, "10.9.0.1/24", right, "10.9.0.2/24")
    right.default_route("10.9.0.1")
    nat.masquerade("to-left")
    return left, right


def shell(gateways, end, script, **options):
    """Runs a line of shell on an end's host and returns what it printed."""
    guest = getattr(gateways.ends[end], "guest", None)
    return guest.run(script, **options) if guest else gateways.hosts[end].run("sh", "-c", script, **options).stdout


def ping_both_ways(gateways, name, *, count=3):
    inner = _INNER[name]
    for end, source, destination in zip(ENDS, inner, reversed(inner)):
        for size in (56, 1300):
            said = shell(gateways, end, f"ping -c {count} -W 3 -s {size} -I {source} {destination}", check=False)
            if " 0% packet loss" not in said:
                raise Mismatch(f"{name}, {size} octets, from {source}: {said}")


def find(gateways, end, name):
    return next((child for child in children(gateways.ends[end]) if child["name"] == name and child["state"] == "INSTALLED"), None)


def wait_for_child(gateways, name):
    wait_until(lambda: all(find(gateways, end, name) for end in ENDS), f"{name} at both ends", timeout_s=_PATIENCE_S, interval_s=0.3)


def check_states(gateways):
    """What the kernel has is what was agreed on, and list-sas counts its packets."""
    states = gateways.ends[CYGNET].xfrm_states()
    for name in gateways.case.options["names"]:
        child = find(gateways, CYGNET, name)
        if not child:
            continue
        if child["spi-in"] not in states or child["spi-out"] not in states:
            raise Mismatch(f"{name}: no states of {child['spi-in']} and {child['spi-out']} in\n{states}")
        if min(int(child["packets-in"]), int(child["packets-out"])) < 6:
            raise Mismatch(f"{name} counts {child['packets-in']} and {child['packets-out']} packets")
    encapsulated = gateways.case.options.get("nat") or "encap" in gateways.case.words["cygnet_ike"]
    if ("type espinudp" in states) != bool(encapsulated):
        raise Mismatch(f"encapsulation in UDP is not as agreed:\n{states}")
    if "small" in gateways.case.options["names"] and "proto comp" not in states:
        raise Mismatch(f"no state of IPComp:\n{states}")
    flags = "af-unspec align4 esn" if gateways.case.options["ah"] else "af-unspec esn"
    if flags not in states or "replay_window 128" not in states:
        raise Mismatch(f"no ESN or another window:\n{states}")
    if gateways.case.options["ah"] != ("proto ah" in states):
        raise Mismatch(f"not the protocol that was agreed on:\n{states}")


def refuse_what_is_clear(gateways):
    """RFC 4301 section 5.2: packets of the policies that come in the clear are dropped and counted; the kernel does it by itself."""
    def counted():
        lines = shell(gateways, CYGNET, "cat /proc/net/xfrm_stat").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(("XfrmInNoPols", "XfrmInTmplMismatch")))
    before = counted()
    said = shell(gateways, STRONGSWAN, "ip route replace 10.1.0.0/24 via 192.0.2.1;"
                 " ping -m 4500 -c 3 -i 0.2 -W 1 -I 10.2.0.1 10.1.0.1", check=False)  # the mark leads past the tunnel
    if " 100% packet loss" not in said or counted() != before + 3:
        raise Mismatch(f"clear packets: {said}\nof which the kernel counts {counted() - before}")


def rekey_under_pings(gateways):
    shell(gateways, CYGNET, "rm -f /run/flow; ping -I 10.1.0.1 10.2.0.1 >/run/flow 2>&1 & echo $! >/run/flow.id")
    for end in ENDS:
        for what in ({"child": "net"}, {"ike": "gw"}):
            before = set(spis(gateways, what))
            gateways.ends[end].rekey(**what)
            wait_until(lambda: spis(gateways, what) and not set(spis(gateways, what)) & before, f"{end} rekeys {what}",
                       timeout_s=_PATIENCE_S, interval_s=0.5)
    flow = shell(gateways, CYGNET, "kill -INT $(cat /run/flow.id); sleep 1; cat /run/flow")
    if " 0% packet loss" not in flow:
        raise Mismatch(f"a rekey lost packets: {flow[-300:]}")
    ping_both_ways(gateways, "net")


def spis(gateways, what):
    if "ike" in what:
        return gateways.spis(what)
    found = [find(gateways, end, what["child"]) for end in ENDS]
    return [child["spi-in"] for child in found] if all(found) else []


def meet_the_trap(gateways):
    source, destination = _INNER["trapped"]
    shell(gateways, CYGNET, f"ping -c 1 -W 1 -I {source} {destination}", check=False)
    wait_for_child(gateways, "trapped")
    ping_both_ways(gateways, "trapped")


def use_up_the_limit(gateways):
    """The kernel stops at its limit and says so; the child is deleted at both ends."""
    gateways.ends[CYGNET].initiate("limited", timeout_s=_PATIENCE_S)
    wait_for_child(gateways, "limited")
    source, destination = _INNER["limited"]
    shell(gateways, CYGNET, f"ping -c 20 -i 0.1 -W 1 -s 1300 -I {source} {destination}", check=False)
    wait_until(lambda: not any(find(gateways, end, "limited") for end in ENDS), "the end of the child with the limit",
               timeout_s=_PATIENCE_S, interval_s=0.3)


def follow_the_nat(gateways, nat):
    """The NAT forgets its mappings: the kernel tells from where packets come now, and the end outside follows."""
    port = gateways.sas(CYGNET)[0]["remote-port"]
    nat.forget_nat()
    right = gateways.hosts[STRONGSWAN]
    wait_until(lambda: right.run("ping", "-c", "1", "-W", "1", "-I", "10.2.0.1", "10.1.0.1", check=False).returncode == 0,
               "packets through the new mapping", timeout_s=_PATIENCE_S, interval_s=0.3)
    wait_until(lambda: gateways.sas(CYGNET)[0]["remote-port"] != port, "the new port", timeout_s=_PATIENCE_S, interval_s=0.3)
    ping_both_ways(gateways, "net")


def move(gateways, mover):
    """The mover's address changes; all its tunnels come along (RFC 4555)."""
    old, new = ("192.0.2.1", "192.0.2.11") if mover == CYGNET else ("192.0.2.2", "192.0.2.12")
    shell(gateways, mover, "echo 1 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries;"
                           f" ip address add {new}/24 dev eth0; ip address del {old}/24 dev eth0;"
                           f" ip route replace default via {new} dev eth0")
    other = next(end for end in ENDS if end != mover)
    wait_until(lambda: gateways.sas(other)[0]["remote-host"] == new, f"the mover at {new}", timeout_s=_PATIENCE_S, interval_s=0.5)
    for name in ("net", "chacha", "cbc", "six", "small", "beet"):
        ping_both_ways(gateways, name)


def expect_empty_kernel(kernel):
    wait_until(lambda: "proto" not in kernel.xfrm_states(), "the end of all states", timeout_s=_PATIENCE_S, interval_s=1)
    kernel.stop()
    left = kernel.ip("xfrm state") + kernel.ip("xfrm policy") + kernel.ip("rule") + kernel.ip("route show table 4500", check=False)
    if "tmpl" in left or "proto" in left or "4500" in left:
        raise Mismatch(f"the daemon left behind: {left}")
