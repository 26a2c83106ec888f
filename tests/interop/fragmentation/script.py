"""A path whose packets hold 1280 bytes and on which IP fragments are lost; certificates and ML-KEM exceed that.

    192.0.2.1 [cygnet] -- 192.0.2.254 [near] ==1280== [far] 198.51.100.254 -- 198.51.100.1 [strongswan]
"""

from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

CASES = {
    f"{authentication}-{key_exchange}-{initiator}-initiates": Case(
        initiator, authentication, key_exchange, words={"strongswan_address": "198.51.100.1"})
    for authentication, key_exchange in (("rsa-pss", "hybrid"), ("rsa-pss", "classic"), ("psk", "hybrid"))
    for initiator in ENDS
}


# An IKE message on port 4500 (four zero octets first) whose first payload is 53, Encrypted Fragment (RFC 7383).
ENCRYPTED_FRAGMENT = "udp dport 4500 @th,64,32 0 @th,224,8 53"
# Any IKE message there; ESP's dummy packets, which find out what the path takes, are cut and may be.
IKE = "udp dport 4500 @th,64,32 0"


def lay_path(lab):
    cygnet, near, far, strongswan = lab.host(CYGNET), lab.router("near"), lab.router("far"), lab.host(STRONGSWAN)
    lab.connect(cygnet, "192.0.2.1/24", near, "192.0.2.254/24")
    lab.connect(near, "203.0.113.1/24", far, "203.0.113.2/24", mtu=1280)
    lab.connect(far, "198.51.100.254/24", strongswan, "198.51.100.1/24")
    cygnet.default_route("192.0.2.254")
    near.default_route("203.0.113.2")
    far.default_route("203.0.113.1")
    strongswan.default_route("198.51.100.254")
    cygnet.add_address("10.1.0.1/24")
    strongswan.add_address("10.2.0.1/24")
    for router in (near, far):
        router.drop_fragments(counted=IKE)
    return cygnet, strongswan, (near, far)


def run(lab, case, folder):
    cygnet, strongswan, routers = lay_path(lab)  # Each router is the first on the way of one end.
    gateways = Gateways(lab, case, folder, hosts=(cygnet, strongswan))
    for router, sender in zip(routers, ENDS):
        router.watch(ENCRYPTED_FRAGMENT, device=f"to-{sender}")
    gateways.up()
    gateways.expect()
    gateways.ping()
    for end in ENDS:
        gateways.rekey(end, ike="gw")
        gateways.rekey(end, child="net")
    gateways.ping()
    if fragments := sum(router.dropped() for router in routers):
        raise Mismatch(f"{fragments} IKE messages were sent in IP fragments")
    for router, sender in zip(routers, ENDS):
        if router.watched() < 2:
            raise Mismatch(f"{sender} sent no message in fragments; the scenario shows nothing")
