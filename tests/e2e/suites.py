"""Every suite of ESP between two daemons: negotiated, carrying traffic, and of the size on the wire that its RFC gives."""

from lab.traffic import ping

from scenario import Gateways, established, scenario, settled, wait_until
from tunnels import ipv4_packets

# What to write into esp_proposals; what list-sas then says; the octets of IV, alignment and ICV.
SUITES = {
    "aes128gcm16": (("AES_GCM_16", "128", None), (8, 4, 16)),
    "aes256gcm12-esn": (("AES_GCM_12", "256", None), (8, 4, 12)),
    "aes192gcm8": (("AES_GCM_8", "192", None), (8, 4, 8)),
    "aes256ccm16-esn": (("AES_CCM_16", "256", None), (8, 4, 16)),
    "aes192ccm12": (("AES_CCM_12", "192", None), (8, 4, 12)),
    "aes128ccm8-esn": (("AES_CCM_8", "128", None), (8, 4, 8)),
    "chacha20poly1305-esn": (("CHACHA20_POLY1305", None, None), (8, 4, 16)),
    "aes256gmac-esn": (("NULL_AES_GMAC", "256", None), (8, 4, 16)),
    "aes128-sha256": (("AES_CBC", "128", "HMAC_SHA2_256_128"), (16, 16, 16)),
    "aes256-sha512-esn": (("AES_CBC", "256", "HMAC_SHA2_512_256"), (16, 16, 32)),
    "aes192ctr-sha384-esn": (("AES_CTR", "192", "HMAC_SHA2_384_192"), (8, 4, 24)),
    "null-sha256-esn": (("NULL", None, "HMAC_SHA2_256_128"), (0, 4, 16)),
    "aes256gcm16iiv-aes256gcm16-esn": (("AES_GCM_16_IIV", "256", None), (0, 4, 16)),
    "aes128ccm8iiv": (("AES_CCM_8_IIV", "128", None), (0, 4, 8)),
    "chacha20poly1305iiv-esn": (("CHACHA20_POLY1305_IIV", None, None), (0, 4, 16)),
}
PING_OCTETS = 84  # an echo request with its IPv4 header


def size_on_the_wire(iv, alignment, icv, inner=PING_OCTETS):
    """RFC 4303 §2: IPv4 header, SPI and sequence number, IV, what is padded with its two octets of trailer, ICV."""
    text = -(-(inner + 2) // alignment) * alignment
    return 20 + 8 + iv + text + icv


def children(side):
    own, other = ("1", "2") if side == "left" else ("2", "1")
    return {f"suite{number}": {"local_ts": f"10.{own}.{number + 10}.0/24", "remote_ts": f"10.{other}.{number + 10}.0/24",
                               "esp_proposals": words} for number, words in enumerate(SUITES)}


@scenario
def every_esp_suite(lab):
    gateways = Gateways(lab, left_keys={"more_children": children("left")}, right_keys={"more_children": children("right")})
    wire = lab.capture(gateways.left_host, "to-right")
    sizes = {}
    for number, (words, (names, octets)) in enumerate(SUITES.items()):
        for host, side in ((gateways.left_host, 1), (gateways.right_host, 2)):
            host.add_address(f"10.{side}.{number + 10}.1/24")
        initiator = gateways.left if number % 2 == 0 else gateways.right
        initiator.up(f"suite{number}")
        result = ping(gateways.left_host, f"10.2.{number + 10}.1", source=f"10.1.{number + 10}.1", count=3)
        assert result.lost == 0, (words, result)
        for daemon in (gateways.left, gateways.right):
            child = next(child for sa in daemon.sas() for child in sa["child-sas"].values() if child["name"] == f"suite{number}")
            assert (child["encr-alg"], child.get("encr-keysize"), child.get("integ-alg")) == names, (words, child)
            assert child.get("esn") == ("1" if "esn" in words else None), (words, child)
            sizes[int(child["spi-in"], 16)] = (words, size_on_the_wire(*octets))

    def seen():
        return {int.from_bytes(packet[20:24], "big"): len(packet) for packet in ipv4_packets(wire) if packet[9] == 50}

    wait_until(lambda: set(seen()) >= set(sizes), "every SA's packets are in the capture")
    for spi, size in seen().items():
        assert size == sizes[spi][1], (sizes[spi], size)


@scenario
def implicit_iv(lab):
    """RFC 8750 §5: between two that know it, packets are eight octets shorter; a peer that does not takes the explicit IV."""
    gateways = Gateways(lab, child={"esp_proposals": "aes256gcm16iiv-aes256gcm16-esn"}).up()
    assert established(gateways.left)["child"]["encr-alg"] == "AES_GCM_16_IIV"
    gateways.left.terminate(ike="net")
    gateways.right.configure(gateways.right.config_path.read_text().replace("aes256gcm16iiv-", ""))
    gateways.right.command("reload")
    gateways.up()
    for daemon in (gateways.left, gateways.right):
        wait_until(lambda: (now := settled(daemon)) and now["child"]["encr-alg"] == "AES_GCM_16", "the SA with an explicit IV")
