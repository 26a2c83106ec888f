"""Libreswan 5 with the kernel's ESP, in a virtual machine: each end begins, rekeys the child SA and the IKE SA, and deletes.

Then what else both products have: transport mode, NULL authentication (RFC 7619), redirection (RFC 5685), tickets
(RFC 5723), postquantum preshared keys (RFC 8784; it has RFC 9867 by the numbers of a draft). Its MOBIKE is for clients with
an address from the gateway's pool alone.
"""

from lab import process
from lab.cygnet import Cygnet
from lab.libreswan import Libreswan
from lab.pki import Authority
from lab.process import wait_until
from lab.traffic import ping, unanswered
from scenario import Case, Mismatch

CYGNET, LIBRESWAN = "cygnet", "libreswan"
_SECRET = "a secret that is long enough for the PRF of this suite"

_PPK = "a postquantum preshared key of the two of them"

_CYGNET = """
connections {{
    gw {{
        version = 2
        local_addrs = 192.0.2.1
        remote_addrs = 192.0.2.2
        proposals = aes256gcm16-prfsha384-x25519
        {ike}
        local {{
            auth = {auth}
            {certs}
            {own_id}
        }}
        remote {{
            auth = {auth}
            {peer_id}
        }}
        children {{
            net {{
                {child}
                esp_proposals = aes256gcm16-x25519-esn,aes256gcm16-x25519
            }}
        }}
    }}
}}
secrets {{
    ike-gw {{
        id-1 = libreswan.example
        secret = "{secret}"
    }}
    ppk-gw {{
        id = k1
        secret = "{ppk}"
    }}
}}
"""

_LIBRESWAN = """
config setup
    logfile=/run/pluto.log
conn gw
    keyexchange=ikev2
    left=192.0.2.2
    leftid={own_id}
    {certs}
    right=192.0.2.1
    rightid={peer_id}
    {child}
    authby={auth}
    ike=aes_gcm256-sha2_384-dh31
    esp=aes_gcm256-null;dh31
    auto=add
    {more}
"""

_TUNNEL = ("local_ts = 10.1.0.0/24\nremote_ts = 10.2.0.0/24", "leftsubnet=10.2.0.0/24\n    rightsubnet=10.1.0.0/24")
_TRANSPORT = ("mode = transport", "type=transport")
_HOSTS = ("", "")  # The default of both: the two hosts themselves.
# The first address of Libreswan sends its clients to the second one.
_REDIRECTED = """send-redirect=yes
    redirect-to=192.0.2.3
conn second
    keyexchange=ikev2
    left=192.0.2.3
    leftid=@libreswan.example
    right=192.0.2.1
    rightid=@cygnet.example
    leftsubnet=10.2.0.0/24
    rightsubnet=10.1.0.0/24
    authby=secret
    ike=aes_gcm256-sha2_384-dh31
    esp=aes_gcm256-null;dh31
    auto=add
"""

# authby=rsa-sha1 is PKCS#1 alone, rsasig both; Libreswan demands of the peer what it signs with itself.
_LIBRESWAN_AUTH = {"psk": "secret", "null": "null", "ecdsa": "ecdsa", "rsa-pss": "rsa-sha2", "rsa-pkcs1": "rsa-sha1",
                   "rsa": "rsasig"}
_KEYS = {"ecdsa": "ecdsa256", "rsa-pss": "rsa2048", "rsa-pkcs1": "rsa2048", "rsa": "rsa2048"}


def uses_ppk(cygnet, libreswan):
    """The PPK is in the keys, and rekeys go on from there."""
    shown = [sa.get("ppk-id") for sa in cygnet.sas()]
    if shown != ["k1"] or "uses PPK 'k1' (RFC 8784)" not in cygnet.log():
        raise Mismatch(f"the PPK is not in use: {shown}")
    renewed(cygnet, lambda: cygnet.rekey(child="net"), child_spis)
    renewed(cygnet, lambda: cygnet.rekey(ike="gw"), ike_spis)
    renewed(cygnet, lambda: libreswan.whack("--rekey-ike --name gw"), ike_spis)
    renewed(cygnet, lambda: libreswan.whack("--rekey-child --name gw"), child_spis)


def _ppk(initiator, intermediate="no"):
    return Case(initiator, options={"then": uses_ppk, "cygnet": "ppk_id = k1\nppk_required = yes",
                                    "libreswan": f"ppk=insist\n    ppk-ids=k1\n    intermediate={intermediate}"})


def redirected(cygnet, _libreswan):
    if cygnet.sas()[0]["remote-host"] != "192.0.2.3" or "redirected by 192.0.2.2 to 192.0.2.3" not in cygnet.log():
        raise Mismatch(f"the tunnel is with {cygnet.sas()[0]['remote-host']}, not with the gateway that the first one named")


def ticket_refused(cygnet, libreswan):
    """Libreswan suspends: it deletes its IKE SA, which ends the ticket (RFC 5723 section 6.2), and shows it all the same.

    It is refused, and a full handshake follows. With a good ticket Libreswan proves less than section 4.3.3 asks for: its
    AUTH covers the first message alone.
    """
    libreswan.whack("--suspend --name gw")
    wait_until(lambda: not cygnet.sas(), "the end of the IKE SA")
    libreswan.initiate("gw")
    if len(cygnet.sas()) != 1 or "its ticket is refused" not in cygnet.log():
        raise Mismatch(f"no handshake after a refused ticket: {cygnet.sas()}")


def signed(cygnet, _libreswan):
    if "our proof is a signature with RSA" not in cygnet.log():
        raise Mismatch("Cygnet did not say how it signed")


CASES = {
    "psk-cygnet-begins": Case(CYGNET),
    "psk-libreswan-begins": Case(LIBRESWAN),
    "ecdsa-cygnet-begins": Case(CYGNET, "ecdsa"),
    "rsa-libreswan-begins": Case(LIBRESWAN, "rsa-pss"),
    **{f"{way}-{initiator}-begins": Case(initiator, way, options={"then": signed})
       for way in ("rsa-pkcs1", "rsa") for initiator in (CYGNET, LIBRESWAN)},
    "transport-cygnet-begins": Case(CYGNET, options={"child": _TRANSPORT}),
    "transport-libreswan-begins": Case(LIBRESWAN, options={"child": _TRANSPORT}),
    "null-cygnet-begins": Case(CYGNET, "null", options={"child": _HOSTS}),
    "null-libreswan-begins": Case(LIBRESWAN, "null", options={"child": _HOSTS}),
    "redirected-cygnet-begins": Case(CYGNET, options={
        "then": redirected, "ends": "second", "more_addresses": ("192.0.2.3/24",), "libreswan": _REDIRECTED}),
    "ppk-cygnet-begins": _ppk(CYGNET),
    "ppk-libreswan-begins": _ppk(LIBRESWAN),
    # Libreswan 5.2 offers RFC 9867 by the number of its draft, 50209, which means nothing to others: RFC 8784 is what remains.
    "ppk-or-a-draft-libreswan-begins": _ppk(LIBRESWAN, "yes"),
    "ticket-refused-libreswan-begins": Case(LIBRESWAN, options={
        "then": ticket_refused, "cygnet": "resumption = ticket", "libreswan": "session-resumption=yes"}),
}


def run(lab, case, _folder):
    left, right = lab.host("left"), lab.host("right")
    lab.connect(left, "192.0.2.1/24", right, "192.0.2.250/24")
    right.remove_address("192.0.2.250/24", "to-left")
    left.add_address("10.1.0.1/24")
    cygnet, libreswan = start(lab, case, left, right)
    begin(case, cygnet, libreswan)
    if [sa["state"] for sa in cygnet.sas()] != ["ESTABLISHED"] or libreswan.children() != 1:
        raise Mismatch(f"the ends do not agree that the tunnel is up: {cygnet.sas()} {libreswan.states()}")
    ends = {"source": "10.1.0.1", "to": "10.2.0.1"} if "child" not in case.options else {"source": "192.0.2.1", "to": "192.0.2.2"}
    if ping(left, ends["to"], source=ends["source"], count=20).lost:
        raise Mismatch("pings through the tunnel were lost")
    if then := case.options.get("then"):
        then(cygnet, libreswan)
    else:
        rekeys_lose_nothing(lab, left, ends, cygnet, libreswan)
    end(case, cygnet, libreswan)


def rekeys_lose_nothing(lab, left, ends, cygnet, libreswan):
    # A responder that sends on the new SA before its answer has arrived loses a packet (RFC 7296 section 2.8): Libreswan does.
    renewed(cygnet, lambda: cygnet.rekey(child="net"), child_spis)
    flow = lab.start("flow", left, "ping", "-n", "-i", "0.05", "-I", ends["source"], ends["to"])
    renewed(cygnet, lambda: cygnet.rekey(ike="gw"), ike_spis)
    renewed(cygnet, lambda: libreswan.whack("--rekey-child --name gw"), child_spis)
    renewed(cygnet, lambda: libreswan.whack("--rekey-ike --name gw"), ike_spis)
    flow.signal(2)
    flow.wait_for_end()
    if lost := unanswered(flow.log()):
        raise Mismatch(f"a rekey lost the packets {lost}")


def child_spis(sa):
    return {child["spi-in"] for child in sa["child-sas"].values()}


def ike_spis(sa):
    return {sa["initiator-spi"]}


def start(lab, case, left, right):
    of_cygnet, of_libreswan = case.options.get("child", _TUNNEL)
    words = {"auth": "psk", "certs": "", "own_id": "id = cygnet.example", "peer_id": "id = libreswan.example", "secret": _SECRET, "ppk": _PPK,
             "child": of_cygnet, "ike": case.options.get("cygnet", "")}
    pluto = {"auth": _LIBRESWAN_AUTH[case.authentication], "certs": "", "own_id": "@libreswan.example",
             "peer_id": "@cygnet.example", "child": of_libreswan, "more": case.options.get("libreswan", "")}
    if case.authentication == "null":
        words |= {"auth": "null", "own_id": "", "peer_id": ""}
        pluto |= {"own_id": "%null", "peer_id": "%null"}
    files, pkcs12 = {}, None
    if key_kind := _KEYS.get(case.authentication):
        authority = Authority(lab.folder, key_kind)
        certificate, key = authority.issue("cygnet.example")
        files = {"x509/cygnet.pem": certificate, "private/cygnet.pem": key, "x509ca/ca.pem": authority.certificate}
        words |= {"auth": "pubkey", "certs": "certs = cygnet.pem"}
        pluto["certs"] = "leftcert=libreswan\n    rightca=%same"
        pkcs12 = packed(lab, authority)
    secrets = f'@cygnet.example @libreswan.example : PSK "{_SECRET}"\n'
    if "ppk" in case.options.get("libreswan", ""):
        secrets += f'@cygnet.example @libreswan.example : PPKS "k1" "{_PPK}"\n'
    cygnet = Cygnet(lab, left, _CYGNET.format(**words), files=files)
    return cygnet, Libreswan(lab, right, _LIBRESWAN.format(**pluto), secrets=secrets, pkcs12=pkcs12,
                             more_addresses=case.options.get("more_addresses", ()))


def packed(lab, authority):
    """The certificate, key and CA of Libreswan's end in one file."""
    certificate, key = authority.issue("libreswan.example")
    path = lab.folder / "libreswan.p12"
    process.run(["openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key, "-certfile", authority.certificate,
                 "-name", "libreswan", "-caname", "ca", "-passout", "pass:lab", "-out", path])
    return path


def begin(case, cygnet, libreswan):
    if case.initiator == CYGNET:
        cygnet.initiate("net")
    else:
        libreswan.initiate("gw")
    wait_until(lambda: libreswan.children() == 1, "the child SA at Libreswan", timeout_s=30, interval_s=0.3)


def renewed(cygnet, rekey, spis_of):
    """Rekeys, and waits until Cygnet has one IKE SA with one child again, with other SPIs."""
    def spis():
        return set().union(*(spis_of(sa) for sa in cygnet.sas()))

    before = spis()
    rekey()

    def settled():
        sas = cygnet.sas()
        return len(sas) == 1 and len(sas[0]["child-sas"]) == 1 and not spis() & before

    wait_until(settled, "one IKE SA with one child, both new", timeout_s=60, interval_s=0.3)


def end(case, cygnet, libreswan):
    if case.initiator == CYGNET:
        libreswan.whack(f"--terminate --name {case.options.get('ends', 'gw')}")
    else:
        cygnet.terminate(ike="gw")
    wait_until(lambda: not cygnet.sas() and not libreswan.states(), "no SA at either end", timeout_s=30, interval_s=0.3)
