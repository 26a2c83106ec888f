"""Start, stop, crash and restart of the daemon; configurations that it refuses."""

import os
import re
import signal

from lab.cygnet import program
from lab.traffic import NumberedStream

from scenario import PSK, Cygnet, Gateways, carries_traffic, configuration, connection, counter, established, ping, scenario, secret, wait_until

SIMPLE = {"local_id": "left.example", "remote_id": "right.example"}


def run_daemon(lab, host, *words: str, config: str | None = None):
    """Runs cygnetd to its end, which must come by itself."""
    if config is not None:
        path = lab.folder / "cygnet.conf"
        path.write_text(config)
        words = ("--config", str(path), *words)
    return host.run(program("cygnetd"), "--run-dir", str(lab.folder / "run"), *words, check=False, timeout_s=10)


@scenario
def broken_configuration(lab):
    """All errors at once, each with file, line, key and what is accepted; status 1 and no socket."""
    host = lab.host("left")
    text = """connections {
    net {
        remote_addr = 192.0.2.2
        version = 1
        dpd_delay = soon
        proposals = aes256gcm17-x25519
        local { auth = psk }
        children {
            net { mode = tunnle }
        }
    }
}
secrets { ike-1 { secret = "unfinished
"""
    lines = text.splitlines()
    good_syntax = text[:text.index("secrets")]
    refused = run_daemon(lab, host, config=good_syntax)
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1, (refused.returncode, said)
    for key in ("remote_addr", "version", "dpd_delay", "proposals", "mode"):
        number = next(number for number, line in enumerate(lines, 1) if f"{key} =" in line)
        assert [line for line in said.splitlines() if f"cygnet.conf:{number}" in line and key in line], f"no error for {key}:\n{said}"
    assert "tunnel" in said and "remote_addrs" in said, f"what is accepted is not said:\n{said}"
    assert not (lab.folder / "run" / "cygnet.vici").exists()

    refused = run_daemon(lab, host, config=text)
    assert refused.returncode == 1 and "cygnet.conf:13" in refused.stdout + refused.stderr, refused


@scenario
def check_configuration(lab):
    host = lab.host("left")
    good = configuration(secret(), connection("net", "192.0.2.1", "192.0.2.2", **SIMPLE))
    fine = run_daemon(lab, host, "--check", config=good)
    assert fine.returncode == 0 and "1 connection" in fine.stdout, fine
    broken = run_daemon(lab, host, "--check", config=good.replace("psk", "pks", 1))
    assert broken.returncode == 1 and "auth" in broken.stdout + broken.stderr, broken
    missing = run_daemon(lab, host, "--check", "--config", str(lab.folder / "none.conf"))
    assert missing.returncode == 1 and "none.conf" in missing.stdout + missing.stderr, missing


@scenario
def version_names_the_libraries(lab):
    said = run_daemon(lab, lab.host("left"), "--version").stdout
    for word in ("cygnetd 0.", "AES_GCM_16", "ML_KEM_768", "OpenSSL"):
        assert word in said, said


@scenario
def reload_by_signal(lab):
    gateways = Gateways(lab).up()
    left = gateways.left
    spi = established(left)["child"]["spi-in"]
    text = left.config_path.read_text()
    more = configuration(connection("other", "192.0.2.1", "192.0.2.9", **SIMPLE))
    left.configure(text + more)
    left.process.signal(signal.SIGHUP)

    def names():
        with left.vici() as session:
            return session.request("get-conns")["conns"]

    wait_until(lambda: sorted(names()) == ["net", "other"], "the new connection is known")
    left.configure(text.replace("dynamic", "dynamik") + "connections { third { wrong = yes } }")
    left.process.signal(signal.SIGHUP)
    left.process.wait_for_log("wrong")
    assert sorted(names()) == ["net", "other"], "a broken file changes nothing"
    assert established(left)["child"]["spi-in"] == spi
    carries_traffic(gateways)


@scenario
def reloads_under_traffic(lab):
    """Of three tunnels one is changed, again and again: the traffic of another does not notice."""
    gateways = Gateways(lab)
    for daemon, own, other, net, far in ((gateways.left, "192.0.2.1", "192.0.2.2", 1, 2), (gateways.right, "192.0.2.2", "192.0.2.1", 2, 1)):
        more = [connection(name, own, other, local_id=f"{name}{net}.example", remote_id=f"{name}{far}.example",
                           local_ts=f"10.{net}.{third}.0/24", remote_ts=f"10.{far}.{third}.0/24", rekey_time="1h")
                for name, third in (("second", 2), ("third", 3))]
        daemon.configure(daemon.config_path.read_text() + configuration(*more))
        daemon.command("reload")
    gateways.up()
    for name in ("second", "third"):
        gateways.left.up(name)
    before = {name: established(gateways.left, name)["child"]["spi-in"] for name in ("net", "second")}
    with NumberedStream(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1", packets_per_s=500) as stream:
        stream.wait_for_packets(100)
        for rekey_time in ("2h", "3h", "4h"):
            for daemon in (gateways.left, gateways.right):
                text, mark, third = daemon.config_path.read_text().partition("third {")
                daemon.configure(text + mark + re.sub(r"rekey_time = \w+", f"rekey_time = {rekey_time}", third))
                daemon.command("reload")
            stream.wait_for_packets(100)
    assert stream.sent > 300 and not stream.lost and not stream.doubled, stream.summary()
    assert before == {name: established(gateways.left, name)["child"]["spi-in"] for name in before}
    for daemon in (gateways.left, gateways.right):
        assert len([sa for sa in daemon.sas() if sa["name"] != "third"]) == 2, daemon.sas()


@scenario
def killed_and_restarted(lab):
    """After kill -9 the daemon starts over what it left behind, and the tunnel comes back; the other end recovers, too."""
    gateways = Gateways(lab).up()
    gateways.left.process.signal(signal.SIGKILL)
    assert gateways.left.process.wait_for_end() == -signal.SIGKILL
    again = Cygnet(lab, gateways.left_host, gateways.left.config_path.read_text(), name="cygnetd-left-again")
    again.up("net")
    carries_traffic(gateways)
    established(again)


@scenario
def stops_without_leftovers(lab):
    gateways = Gateways(lab)

    def state(host):
        return [host.ip(*words).stdout for words in (
            ("-o", "link"), ("-4", "address"), ("rule",), ("route", "show", "table", "all"), ("-6", "rule"))]

    gateways.up()
    assert gateways.left.stop() == 0
    wait_until(lambda: not gateways.right.sas(), "the peer was told (Delete)")
    assert "cygnet0" not in gateways.left_host.devices()
    left, clean = state(gateways.left_host), lab.host("clean")
    rules = [line for text in (left[2], left[4]) for line in text.splitlines()]
    assert not [line for line in rules if "4500" in line], rules
    assert "table 4500" not in left[3], left[3]
    assert state(clean)[2] == left[2]
    assert not gateways.left.socket.exists() and not os.listdir(gateways.left.run_folder), os.listdir(gateways.left.run_folder)
    again = Cygnet(lab, gateways.left_host, gateways.left.config_path.read_text(), name="cygnetd-left-again")
    again.up("net")
    carries_traffic(gateways)


@scenario
def stops_although_the_peer_is_gone(lab):
    """Nobody answers the Delete: the daemon waits two seconds, not the retransmissions."""
    gateways = Gateways(lab).up()
    gateways.right.process.signal(signal.SIGKILL)
    assert gateways.left.process.stop(timeout_s=4) == 0
    assert "cygnet0" not in gateways.left_host.devices()


@scenario
def stops_while_connecting(lab):
    """SIGTERM during a handshake with nobody: the daemon does not wait for the retransmissions."""
    left, _ = lab.pair()
    daemon = Cygnet(lab, left, configuration(secret(PSK), connection("net", "192.0.2.1", "192.0.2.77", **SIMPLE,
                                                                     child={"start_action": "start"})))
    wait_until(lambda: daemon.sas(), "the handshake has begun")
    assert daemon.process.stop(timeout_s=4) == 0


@scenario
def a_second_daemon_is_told_why_not(lab):
    left, _ = lab.pair()
    first = Cygnet(lab, left, "")
    same_folder = left.run(program("cygnetd"), "--config", str(first.config_path), "--run-dir", str(first.run_folder), check=False,
                           timeout_s=10)
    assert same_folder.returncode == 1 and str(first.run_folder) in same_folder.stderr, same_folder
    same_ports = run_daemon(lab, left, config="")
    assert same_ports.returncode == 1 and "port 500" in same_ports.stderr and "charon" in same_ports.stderr, same_ports
    assert first.process.status is None


@scenario
def two_daemons_side_by_side(lab):
    """A second instance on each host, with ports, a device, routing and folders of its own, comes and goes beside a tunnel."""
    first = Gateways(lab).up()
    others = ("--port", "1500", "--nat-port", "14500", "--tun", "cygnet1", "--routing", "4600")
    second = []
    for own, host in enumerate(first.hosts):
        side, other, number = ("left", "right")[own], ("left", "right")[1 - own], own + 1
        host.add_address(f"10.{number + 2}.0.1/24")
        config = configuration(secret(), connection(
            "net", f"192.0.2.{number}", f"192.0.2.{3 - number}", local_id=f"{side}.example", remote_id=f"{other}.example",
            local_ts=f"10.{number + 2}.0.0/24", remote_ts=f"10.{5 - number}.0.0/24", remote_port="14500"))
        second.append(Cygnet(lab, host, config, name=f"second-{side}", options=others))
    second[0].up("net")
    assert ping(first.left_host, "10.4.0.1", source="10.3.0.1", count=3).lost == 0
    carries_traffic(first)
    assert all(daemon.stop() == 0 for daemon in second)
    for host in first.hosts:
        assert "cygnet0" in host.devices() and "cygnet1" not in host.devices()
        rules = host.ip("rule").stdout
        assert "lookup 4500" in rules and "lookup 4600" not in rules and "4601:" not in rules, rules
    carries_traffic(first)


@scenario
def needs_the_right_to_administer_the_network(lab):
    refused = lab.host("left").run("setpriv", "--bounding-set", "-all", "--inh-caps", "-all", program("cygnetd"), "--run-dir",
                                   str(lab.folder / "run"), check=False, timeout_s=10)
    assert refused.returncode == 1, refused
    assert "CAP_NET_ADMIN" in refused.stderr and len(refused.stderr.splitlines()) == 1, refused.stderr


@scenario
def restart_with_tickets_and_crash_tokens(lab):
    """The right daemon is killed and started again: it tells the left one at once, which comes back with its ticket."""
    gateways = Gateways(lab, resumption="ticket", dpd_delay="2s", child={"dpd_action": "start"}).up()
    left, right = gateways.left, gateways.right
    secrets = right.state_folder / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o600, oct(secrets.stat().st_mode)
    before = established(left)["initiator-spi"]
    right.process.signal(signal.SIGKILL)
    right.process.wait_for_end()
    Cygnet(lab, gateways.right_host, right.config_path.read_text(), name="cygnetd-right-again", state_folder=right.state_folder)
    wait_until(lambda: counter(left, "ike-resumed") == 1, "the left gateway resumes")
    assert counter(left, "peer-crashed") == 1
    assert established(left)["initiator-spi"] != before
    carries_traffic(gateways)
