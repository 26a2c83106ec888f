"""Hosts that move (RFC 4555), and gateways that send their peers elsewhere (RFC 5685)."""

from lab.traffic import NumberedStream, ping
from lab.uplinks import FIRST, FIXED, SECOND, set_uplink, two_uplinks
from lab.vici import Failed

from scenario import Cygnet, configuration, connection, established, scenario, secret, wait_until


def client_and_gateway(lab, *, client_keys: dict | None = None, gateway_keys: dict | None = None):
    client_host, gateway_host = two_uplinks(lab, "client", "gateway")
    client_host.add_address("10.1.0.1/24")
    gateway_host.add_address("10.2.0.1/24")
    ends = (("client", "%any", FIXED, "gateway", "10.1.0.0/24", "10.2.0.0/24", client_host, client_keys),
            ("gateway", FIXED, "%any", "client", "10.2.0.0/24", "10.1.0.0/24", gateway_host, gateway_keys))
    daemons = []
    for own, local, remote, peer, local_ts, remote_ts, host, keys in ends:
        config = configuration(secret(), connection("net", local, remote, local_id=f"{own}.example", remote_id=f"{peer}.example",
                                                    local_ts=local_ts, remote_ts=remote_ts, **(keys or {})))
        daemons.append(Cygnet(lab, host, config))
    return *daemons, client_host, gateway_host


def peer_address(daemon) -> str:
    return established(daemon)["remote-host"]


@scenario
def an_uplink_goes_down_during_a_download(lab):
    """The transfer goes on through the other uplink, and comes back when the first one does and the second one fails."""
    client, gateway, client_host, gateway_host = client_and_gateway(lab)
    client.up("net")
    assert established(client)["mobike"] == "yes" and peer_address(gateway) == FIRST
    before = established(gateway)["child"]["spi-in"]
    with NumberedStream(lab, gateway_host, client_host, "10.1.0.1", source="10.2.0.1") as download:
        download.wait_for_packets(100)
        set_uplink(client_host, first=False)
        wait_until(lambda: peer_address(gateway) == SECOND, "the gateway's view of the second uplink", timeout_s=10)
        download.wait_for_packets(300)
        set_uplink(client_host, first=True)
        client_host.set_link("to-second", up=False)
        wait_until(lambda: peer_address(gateway) == FIRST, "the gateway's view of the first uplink", timeout_s=10)
        download.wait_for_packets(300)
    assert established(gateway)["child"]["spi-in"] == before, "the same SA all the time"
    # What is lost is lost between the end of a link and the answer from the new one: far less than a second of 300 packets.
    assert len(download.lost) < 150, download.summary()
    assert established(client)["local-host"] == FIRST
    lost = ping(gateway_host, "10.1.0.1", source="10.2.0.1", count=5).lost
    assert lost == 0, lost


@scenario
def a_better_route_moves_the_tunnel(lab):
    """With both uplinks alive no packet is lost, whichever of them the routing table prefers."""
    client, gateway, client_host, gateway_host = client_and_gateway(lab)
    client.up("net")
    with NumberedStream(lab, gateway_host, client_host, "10.1.0.1", source="10.2.0.1") as download:
        with NumberedStream(lab, client_host, gateway_host, "10.2.0.1", source="10.1.0.1") as upload:
            for metric, worse, expected in (("50", "200", SECOND), ("200", "50", FIRST), ("50", "200", SECOND)):
                client_host.ip("route", "add", "default", "via", "203.0.113.1", "metric", metric)
                client_host.ip("route", "del", "default", "via", "203.0.113.1", "metric", worse)
                wait_until(lambda: peer_address(gateway) == expected, f"the tunnel by {expected}", timeout_s=10)
                download.wait_for_packets(50)
                upload.wait_for_packets(50)
    assert not download.lost and not upload.lost, (download.summary(), upload.summary())


@scenario
def a_redirected_client(lab):
    """The first gateway sends the client to the second one, once it knows who it is; the client says so in its log."""
    client_host, first_host, second_host = lab.host("client"), lab.host("first"), lab.host("second")
    middle = lab.router("middle")
    for number, host in enumerate((client_host, first_host, second_host), 1):
        lab.connect(host, f"192.0.{number}.2/24", middle, f"192.0.{number}.1/24")
        host.default_route(f"192.0.{number}.1")
    client_host.add_address("10.1.0.1/24")
    config = configuration(secret(), connection("net", "%any", "192.0.2.2", local_id="client.example", remote_id="gateway.example",
                                                local_ts="10.1.0.0/24", remote_ts="10.2.0.0/24"))
    gateways = []
    for host, address, keys in ((first_host, "192.0.2.2", {"redirect_to": "192.0.3.2"}), (second_host, "192.0.3.2", {})):
        host.add_address("10.2.0.1/24")
        gateways.append(Cygnet(lab, host, configuration(secret(), connection(
            "net", address, "%any", local_id="gateway.example", remote_id="client.example", local_ts="10.2.0.0/24",
            remote_ts="10.1.0.0/24", **keys))))
    client = Cygnet(lab, client_host, config)
    client.up("net")
    assert established(client)["remote-host"] == "192.0.3.2"
    wait_until(lambda: not gateways[0].sas(), "no SA at the first gateway")
    assert "redirected by 192.0.2.2 to 192.0.3.2" in client.log()
    # And back, while the tunnel is up.
    with gateways[1].vici() as session:
        answer = session.request("redirect", {"peer-ip": "192.0.1.0/24", "gateway": "192.0.2.2"})
        assert answer["success"] == "yes" and answer["matches"] == "1", answer
        try:
            session.request("redirect", {"peer-ip": "198.51.100.1", "gateway": "192.0.2.2"})
        except Failed as refusal:
            assert "no matching SAs" in str(refusal), refusal
        else:
            raise AssertionError("a redirect of nobody succeeded")
    # The first one sends it to the second again: the tunnel ends up there.
    wait_until(lambda: "redirected by 192.0.2.2 to 192.0.3.2" in client.log().split("redirected by 192.0.3.2 to 192.0.2.2")[-1],
               "the way back", timeout_s=10)
    # One IKE SA is left, with the second gateway.
    wait_until(lambda: [(sa["state"], sa["remote-host"]) for sa in client.sas() if sa["child-sas"]] == [("ESTABLISHED", "192.0.3.2")],
               "a tunnel with the second gateway", timeout_s=10)
    wait_until(lambda: len(client.sas()) == 1, "the end of the others", timeout_s=10)
