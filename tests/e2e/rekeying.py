"""Rekeying under traffic: not one packet may be lost."""

from lab.traffic import NumberedStream

from scenario import Gateways, established, scenario, settled, wait_until


def rekey_under_traffic(lab, what: dict, from_left: bool):
    gateways = Gateways(lab).up()
    daemon = gateways.left if from_left else gateways.right
    before = established(daemon)
    changed = (lambda sa: sa["child"]["spi-in"]) if "child" in what else (lambda sa: sa["initiator-spi"])
    streams = [NumberedStream(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1", packets_per_s=500),
               NumberedStream(lab, gateways.right_host, gateways.left_host, "10.1.0.1", source="10.2.0.1", packets_per_s=500)]
    with streams[0], streams[1]:
        streams[0].wait_for_packets(100)
        with daemon.vici() as session:
            session.request("rekey", what)
        wait_until(lambda: (now := settled(daemon)) and changed(now) != changed(before), "the new SA replaced the old one")
        streams[0].wait_for_packets(200)
    for stream in streams:
        assert stream.sent > 200 and not stream.lost and not stream.doubled, stream.summary()
    for each in (gateways.left, gateways.right):
        wait_until(lambda each=each: settled(each), "the old SA is gone")
    assert changed(established(daemon)) != changed(before)
    return gateways, before


@scenario
def child_rekey_by_initiator(lab):
    rekey_under_traffic(lab, {"child": "net"}, from_left=True)


@scenario
def child_rekey_by_responder(lab):
    rekey_under_traffic(lab, {"child": "net"}, from_left=False)


@scenario
def ike_rekey_by_initiator(lab):
    gateways, before = rekey_under_traffic(lab, {"ike": "net"}, from_left=True)
    after = established(gateways.left)
    assert after["ake1"] == "ML_KEM_768", "the new IKE SA is as hybrid as the old one"
    assert after["child"]["spi-in"] == before["child"]["spi-in"], "the children moved over"


@scenario
def ike_rekey_by_responder(lab):
    rekey_under_traffic(lab, {"ike": "net"}, from_left=False)


@scenario
def rekey_by_lifetime(lab):
    """The daemon rekeys by itself when the time has come."""
    gateways = Gateways(lab, child={"rekey_time": "2s", "life_time": "20s", "rand_time": "0s"}).up()
    before = established(gateways.left)["child"]["spi-in"]
    with NumberedStream(lab, gateways.left_host, gateways.right_host, "10.2.0.1", source="10.1.0.1") as stream:
        wait_until(lambda: (now := settled(gateways.left)) and now["child"]["spi-in"] != before, "a new child SA")
        stream.wait_for_packets(50)
    assert not stream.lost, stream.summary()
