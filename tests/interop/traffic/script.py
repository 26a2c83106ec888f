"""What travels through the tunnel: TCP both ways at full speed, packets of every size, inner fragments, several flows."""

from lab.traffic import NumberedStream, ping, tcp_transfer
from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

_CIPHERS = ("aes128gcm16", "aes256gcm16", "chacha20poly1305")
CASES = {
    cipher: Case(words={"cygnet_child": f"esp_proposals = {cipher}", "strongswan_esp_proposals": cipher})
    for cipher in _CIPHERS
}
INNER = {CYGNET: "10.1.0.1", STRONGSWAN: "10.2.0.1"}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    gateways.up()
    for sender, receiver in (ENDS, ENDS[::-1]):
        ways = dict(source=INNER[sender], destination=INNER[receiver])
        from_host, to_host = gateways.hosts[sender], gateways.hosts[receiver]
        for size in (0, 1, 13, 56, 500, 1300, 1372, 1373, 3000, 9000):
            if lost := ping(from_host, size=size, count=2, **ways).lost:
                raise Mismatch(f"{lost} of 2 pings with {size} octets from {sender} were lost")
        transfer = tcp_transfer(lab, from_host, to_host, seconds=2, **ways)
        if transfer.mbit_per_s < 10:
            raise Mismatch(f"TCP from {sender} reached only {transfer.mbit_per_s:.1f} Mbit/s")
        print(f"TCP from {sender}: {transfer.mbit_per_s:.0f} Mbit/s")
        flows = [NumberedStream(lab, from_host, to_host, packets_per_s=100, port=7100 + flow, size=100 + 400 * flow, **ways)
                 for flow in range(3)]
        for flow in flows:
            flow.__enter__()
        for flow in flows:
            flow.wait_for_packets(30)
        for flow in flows:
            flow.__exit__(None, None, None)
            if flow.lost or flow.doubled:
                raise Mismatch(f"from {sender}: {flow.summary()}, doubled {flow.doubled}")
    for end in ENDS:
        child = gateways.sas(end)[0]["child-sas"][0]
        if not (int(child["packets-in"]) > 100 and int(child["bytes-out"]) > 100_000):
            raise Mismatch(f"{end} counts too little: {child}")
