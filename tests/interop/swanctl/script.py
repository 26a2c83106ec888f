"""strongSwan's own swanctl, unmodified, loads, drives and inspects a Cygnet that was started with nothing."""

import re

from lab import wait_until
from lab.cygnet import Cygnet
from lab.strongswan import StrongSwan, Swanctl
from lab.traffic import ping
from scenario import Case, Gateways, Mismatch

CASES = {"psk": Case(authentication="psk"), "ecdsa": Case(authentication="ecdsa")}

# A command, and what its output must hold: the text after --raw is the control protocol's own.
LOADED = [
    ("--version --daemon", r"cygnet"),
    ("--list-conns", r"gw: IKEv2, no reauthentication, rekeying every 14400s\n +local: +192\.0\.2\.1\[500\]\n +remote: 192\.0\.2\.2\[500\]"),
    ("--list-conns", r"net: TUNNEL, rekeying every 3600s\n +local: +10\.1\.0\.0/24\n +remote: +10\.2\.0\.0/24"),
    ("--list-conns --raw", r"list-conn event \{gw \{.*children \{net \{.*mode=TUNNEL"),
    ("--list-conns --raw", r"roadwarriors \{.*home \{.*rekey_time=1800"),
    ("--list-pools", r"addresses +10\.3\.0\.1 +0 / 0 / 254"),
    ("--list-pools --raw", r"addresses \{base=10\.3\.0\.1 size=254 online=0 offline=0\}"),
    ("--list-algs", r"^aead:(\n  .*)*\n  AES_GCM_16\["),
    ("--list-algs", r"^ke:(\n  .*)*\n  ML_KEM_768\["),
    ("--stats", r"uptime: .*\n(.*\n)*IKE_SAs: 0 total, 0 half-open"),
    ("--list-sas --raw", r"list-sas reply \{\}"),
    ("--list-authorities", r""),
    ("--list-pols", r""),
    ("--reload-settings", r""),
]
ESTABLISHED = [
    ("--list-sas", r"gw: #\d+, ESTABLISHED, IKEv2, [0-9a-f]{16}_i\* [0-9a-f]{16}_r\n"),
    ("--list-sas", r"AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768"),
    ("--list-sas", r"net: #\d+, reqid \d+, INSTALLED, TUNNEL-in-UDP, ESP:AES_GCM_16-256"),
    ("--list-sas --raw", r"list-sa event \{gw \{uniqueid=\d+ version=2 state=ESTABLISHED .*child-sas \{net-\d+ \{name=net .*\}\}\}\}"),
    ("--list-sas --ike gw --raw", r"ake1=ML_KEM_768"),
    ("--list-sas --ike other --raw", r"^list-sas reply \{\}"),
    ("--stats", r"IKE_SAs: 1 total, 0 half-open"),
    ("--counters", r"ike-init-out-req +: 1$"),
    ("--counters", r"ike-auth-in-resp +: 1$"),
]


class DrivenCygnet(Cygnet):
    """A Cygnet with an empty configuration, to which everything is said through swanctl."""

    def __init__(self, lab, host, config, files):
        super().__init__(lab, host)
        self.swanctl = Swanctl(self.run_folder, "cygnet.vici")
        self.swanctl.configure(config, files)
        self.swanctl("--load-all", "--noprompt")

    def initiate(self, child, *, timeout_s=10):
        said = self.swanctl("--initiate", "--child", child, "--timeout", str(timeout_s)).stdout
        demand(said, r"\[IKE\] .*\n(.*\n)*initiate completed successfully", "--initiate")

    def terminate(self, *, ike):
        said = self.swanctl("--terminate", "--ike", ike, "--timeout", "10").stdout
        demand(said, r"terminate completed successfully", "--terminate")


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder, daemons=(DrivenCygnet, StrongSwan))
    swanctl = gateways.initiator.swanctl
    look(swanctl, LOADED)
    if case.authentication == "ecdsa":
        look(swanctl, [
            ("--list-certs", r'subject: +"C=CH, O=Cygnet, CN=cygnet\.example"(.*\n)*.*has private key'),
            ("--list-certs --flag ca", r'subject: +"C=CH, O=Cygnet, CN=Test CA"'),
        ])

    log = lab.start("swanctl-log", gateways.hosts["cygnet"], *swanctl.command("--log"))
    monitor = lab.start("swanctl-monitor", gateways.hosts["cygnet"], *swanctl.command("--monitor-sa"))
    gateways.up()
    gateways.expect()
    gateways.ping()
    look(swanctl, ESTABLISHED)
    for follower, pattern in ((log, r"\[IKE\] .*established"), (monitor, r"^gw: #\d+, ESTABLISHED")):
        follower.stop()  # swanctl writes in blocks; the last one when it ends.
        demand(follower.log(), pattern, follower.name)

    for what in ({"child": "net"}, {"ike": "gw"}):
        before = gateways.spis(what)
        swanctl("--rekey", *(word for key, value in what.items() for word in (f"--{key}", value)))
        wait_until(lambda: not set(gateways.spis(what)) & set(before), f"the rekeyed {what}")
    gateways.settle()
    gateways.ping()

    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()
    look(swanctl, [("--list-sas --raw", r"^list-sas reply \{\}")])
    traps(gateways, swanctl)
    refuse(swanctl, "--initiate --child nobody", r"CHILD_SA config 'nobody' not found")
    refuse(swanctl, "--terminate --ike gw", r"no matching SAs to terminate found")

    # A configuration without the connection unloads it; one with an error says which key.
    swanctl.configure("connections {\n}\n")
    look(swanctl, [("--load-all --noprompt", r""), ("--list-conns --raw", r"^list-conns reply \{\}")])
    swanctl.configure("connections {\n gw {\n  colour = blue\n }\n}\n")
    refuse(swanctl, "--load-conns", r"colour")


def traps(gateways, swanctl):
    """The first packet for a trap brings its child up, with strongSwan as responder, and is not lost."""
    look(swanctl, [
        ("--install --child net", r"install completed successfully"),
        ("--list-pols", r"gw/net, reqid \d+, TUNNEL\n +local: +10\.1\.0\.0/24\n +remote: +10\.2\.0\.0/24"),
        ("--list-pols --raw", r"list-policy event \{gw/net \{child=net reqid=\d+ ike=gw mode=TUNNEL"),
    ])
    first = ping(gateways.hosts["cygnet"], "10.2.0.1", source="10.1.0.1", count=1, timeout_s=10)
    if first.lost:
        raise Mismatch("the packet that brought the child up was lost")
    gateways.settle()
    look(swanctl, [("--uninstall --child net", r"uninstall completed successfully"), ("--list-pols --raw", r"^list-policies reply \{\}")])
    refuse(swanctl, "--uninstall --child net", r"no policy 'net' is installed")
    gateways.initiator.terminate(ike="gw")
    gateways.expect_nothing()


def look(swanctl, wanted):
    for command, pattern in wanted:
        demand(swanctl(*command.split()).stdout, pattern, command)


def refuse(swanctl, command, pattern):
    done = swanctl(*command.split(), check=False)
    if done.returncode == 0:
        raise Mismatch(f"swanctl {command} ended with status 0:\n{done.stdout}")
    demand(done.stdout + done.stderr, pattern, command)


def demand(text, pattern, command):
    if not re.search(pattern, text, re.MULTILINE):
        raise Mismatch(f"swanctl {command} lacks “{pattern}”:\n{text}")
