"""What must not come up: each refusal has a counter, a log line that says what to change, and disturbs nobody else."""

from lab.pki import Authority

from scenario import (Cygnet, certificate_files, configuration, connection, counter, established, ping, scenario, secret)


class Hub:
    """A gateway with two peers: `good`, whose tunnel is up and stays up, and `bad`, which the test defines."""

    def __init__(self, lab):
        self.lab = lab
        self.host, self.good_host, self.bad_host = lab.host("hub"), lab.host("good"), lab.host("bad")
        lab.connect(self.host, "192.0.2.1/24", self.good_host, "192.0.2.2/24")
        lab.connect(self.host, "198.51.100.1/24", self.bad_host, "198.51.100.2/24")
        for host, address in ((self.host, "10.0.0.1/24"), (self.good_host, "10.1.0.1/24"), (self.bad_host, "10.2.0.1/24")):
            host.add_address(address)

    def start(self, *, hub: list[dict], bad: list[dict], hub_files=None, bad_files=None, child="bad") -> "Hub":
        """Starts all three; `hub` and `bad` are the sections of the bad connection at either end."""
        good_secret = secret(name="ike-good", ids=("good.example",))
        self.daemon = Cygnet(self.lab, self.host, configuration(
            good_secret, connection("good", "192.0.2.1", "192.0.2.2", local_id="hub.example", remote_id="good.example",
                                    local_ts="10.0.0.0/24", remote_ts="10.1.0.0/24"), *hub), files=hub_files)
        self.good = Cygnet(self.lab, self.good_host, configuration(secret(), connection(
            "good", "192.0.2.2", "192.0.2.1", local_id="good.example", remote_id="hub.example", local_ts="10.1.0.0/24",
            remote_ts="10.0.0.0/24")))
        self.bad = Cygnet(self.lab, self.bad_host, configuration(*bad), files=bad_files)
        self.good.up("good")
        self.spi = established(self.daemon, "good")["child"]["spi-in"]
        outcome = self.bad.command("up", child, check=False)
        assert outcome.returncode != 0, "the bad tunnel came up"
        self.said = outcome.stdout + outcome.stderr
        return self

    def expect(self, daemon: Cygnet, counter_name: str, *words: str) -> None:
        """The counter went up at `daemon`, one line of its log holds all words; nothing is left of the bad SA, the good one lives."""
        assert counter(daemon, counter_name) >= 1, f"{counter_name} did not count"
        lines = [line for line in daemon.log().splitlines() if all(word in line for word in words)]
        assert lines, f"no line with {words} in the log of {daemon.name}:\n{daemon.log()}"
        assert not self.bad.sas() and [sa["name"] for sa in self.daemon.sas()] == ["good"]
        assert established(self.daemon, "good")["child"]["spi-in"] == self.spi
        assert ping(self.good_host, "10.0.0.1", source="10.1.0.1").lost == 0


def bad_connection(own: str, **keys) -> dict:
    """The connection `bad` as seen from the hub or from the bad peer."""
    ends = {"hub": ("198.51.100.1", "10.0.0.0/24"), "bad": ("198.51.100.2", "10.2.0.0/24")}
    other = "bad" if own == "hub" else "hub"
    ids = {"local_id": f"{own}.example", "remote_id": f"{other}.example"}
    selectors = {"local_ts": ends[own][1], "remote_ts": ends[other][1]}
    return connection("bad", ends[own][0], ends[other][0], **{**ids, **selectors, **keys})


@scenario
def wrong_psk(lab):
    hub = Hub(lab).start(hub=[bad_connection("hub"), secret("another secret", name="ike-bad", ids=("bad.example",))],
                         bad=[bad_connection("bad"), secret()])
    hub.expect(hub.daemon, "authentication-failed", "bad.example", "secret")
    hub.expect(hub.bad, "authentication-failed", "secret")


@scenario
def wrong_identity(lab):
    """The peer says it is somebody else than the connection expects."""
    hub = Hub(lab).start(hub=[bad_connection("hub"), secret(name="ike-bad", ids=("bad.example", "stranger.example"))],
                         bad=[bad_connection("bad", local_id="stranger.example"), secret()])
    hub.expect(hub.daemon, "authentication-failed", "stranger.example", "id")


@scenario
def no_common_proposal(lab):
    hub = Hub(lab).start(
        hub=[bad_connection("hub", proposals="aes256gcm16-prfsha384-ecp384"), secret(name="ike-bad", ids=("bad.example",))],
        bad=[bad_connection("bad", proposals="aes128-sha256-modp2048"), secret()])
    # Both lists are in the line, so that the operator sees which to change.
    hub.expect(hub.daemon, "no-proposal-chosen", "AES_GCM_16_256", "AES_CBC_128", "proposals")
    hub.expect(hub.bad, "no-proposal-chosen", "proposals")


@scenario
def no_common_selectors(lab):
    hub = Hub(lab).start(hub=[bad_connection("hub", local_ts="10.77.0.0/24"), secret(name="ike-bad", ids=("bad.example",))],
                         bad=[bad_connection("bad"), secret()])
    assert counter(hub.daemon, "ts-unacceptable") >= 1
    assert [line for line in hub.daemon.log().splitlines() if "10.77.0.0/24" in line and "10.0.0.0/24" in line], hub.daemon.log()


def with_certificates(lab, *, expired: bool, trusted: bool) -> Hub:
    authority = Authority(lab.folder)
    issuer = authority if trusted else Authority(lab.folder, name="Somebody Else's CA")
    bad_files = certificate_files(issuer, "bad", expired=expired)
    bad_files["x509ca/ca.pem"] = authority.certificate
    own = {"auth": "pubkey", "certificate": "own.pem"}
    return Hub(lab).start(hub=[bad_connection("hub", **own)], hub_files=certificate_files(authority, "hub"),
                          bad=[bad_connection("bad", **own)], bad_files=bad_files)


@scenario
def expired_certificate(lab):
    hub = with_certificates(lab, expired=True, trusted=True)
    hub.expect(hub.daemon, "authentication-failed", "CN=bad.example", "expired")


@scenario
def untrusted_certificate(lab):
    hub = with_certificates(lab, expired=False, trusted=False)
    hub.expect(hub.daemon, "authentication-failed", "CN=bad.example", "x509ca")


@scenario
def kernel_without_esp(lab):
    """`--esp kernel` ends with what to do about it, `--esp auto` goes on with Cygnet's own ESP, and says so."""
    host = lab.host("alone")
    state = "xfrm state add src 127.0.0.1 dst 127.0.0.1 proto esp spi 0x100 mode tunnel aead rfc4106(gcm(aes))".split()
    has_esp = host.run("ip", *state, "0x" + 20 * "01", "128", check=False).returncode == 0
    wanted = Cygnet(lab, host, options=("--esp", "kernel"), name="kernel", wait=has_esp)
    if has_esp:
        assert "ESP of the kernel" in wanted.command("status").stdout
        wanted.stop()
    else:
        assert wanted.process.wait_for_end() == 1
        assert "use Cygnet's own (--esp userspace)" in wanted.log()
    either = Cygnet(lab, host, options=("--esp", "auto"), name="either")
    assert ("ESP of the kernel" if has_esp else "TUN") in either.command("status").stdout
    assert has_esp or "using Cygnet's own ESP" in either.log()
