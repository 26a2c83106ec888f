"""Every algorithm that both ends know, in the IKE SA and, by a rekey with its own key exchange, in the child SA."""

from scenario import CYGNET, STRONGSWAN, Case, Gateways

# A proposal for IKE, and the names under which both ends then report it.
IKE = {
    "aes128gcm16-prfsha256-x25519": ("AES_GCM_16", "128", None, "PRF_HMAC_SHA2_256", "CURVE_25519", None),
    "aes256gcm16-prfsha512-ecp384": ("AES_GCM_16", "256", None, "PRF_HMAC_SHA2_512", "ECP_384", None),
    "chacha20poly1305-prfsha256-ecp256": ("CHACHA20_POLY1305", None, None, "PRF_HMAC_SHA2_256", "ECP_256", None),
    "aes128-sha256-modp2048": ("AES_CBC", "128", "HMAC_SHA2_256_128", "PRF_HMAC_SHA2_256", "MODP_2048", None),
    "aes192-sha384-modp3072": ("AES_CBC", "192", "HMAC_SHA2_384_192", "PRF_HMAC_SHA2_384", "MODP_3072", None),
    "aes256-sha512-modp4096": ("AES_CBC", "256", "HMAC_SHA2_512_256", "PRF_HMAC_SHA2_512", "MODP_4096", None),
    "aes256gcm16-prfsha384-ecp521": ("AES_GCM_16", "256", None, "PRF_HMAC_SHA2_384", "ECP_521", None),
    "aes256gcm16-prfsha384-ecp384-ke1_mlkem1024": ("AES_GCM_16", "256", None, "PRF_HMAC_SHA2_384", "ECP_384", "ML_KEM_1024"),
    "aes256gcm16-prfsha384-mlkem768": ("AES_GCM_16", "256", None, "PRF_HMAC_SHA2_384", "ML_KEM_768", None),
    "aes128gcm16-prfsha256-x25519-ke1_mlkem512": ("AES_GCM_16", "128", None, "PRF_HMAC_SHA2_256", "CURVE_25519", "ML_KEM_512"),
    "aes256-sha384-x25519-ke1_mlkem768": ("AES_CBC", "256", "HMAC_SHA2_384_192", "PRF_HMAC_SHA2_384", "CURVE_25519", "ML_KEM_768"),
    "chacha20poly1305-prfsha512-x25519-ke1_mlkem768":
        ("CHACHA20_POLY1305", None, None, "PRF_HMAC_SHA2_512", "CURVE_25519", "ML_KEM_768"),
}
# A proposal for ESP, and the names: cipher, key size, integrity, and of the rekey's own key exchange. An encryption
# without a word of strongSwan's is offered beside one that it has.
ESP = {
    "aes128gcm16-ecp256": ("AES_GCM_16", "128", None, "ECP_256", None),
    "aes256gcm16-modp2048": ("AES_GCM_16", "256", None, "MODP_2048", None),
    "chacha20poly1305-x25519": ("CHACHA20_POLY1305", None, None, "CURVE_25519", None),
    "chacha20poly1305-ecp384-ke1_mlkem1024": ("CHACHA20_POLY1305", None, None, "ECP_384", "ML_KEM_1024"),
    "aes128gcm16-mlkem512": ("AES_GCM_16", "128", None, "ML_KEM_512", None),
    "aes256gcm16-ke1_mlkem768-ecp521": ("AES_GCM_16", "256", None, "ECP_521", "ML_KEM_768"),
    "aes256gcm16": ("AES_GCM_16", "256", None, None, None),
    "aes128gcm12": ("AES_GCM_12", "128", None, None, None),
    "aes256gcm8": ("AES_GCM_8", "256", None, None, None),
    "aes256ccm16": ("AES_CCM_16", "256", None, None, None),
    "aes192ccm12": ("AES_CCM_12", "192", None, None, None),
    "aes128ccm8": ("AES_CCM_8", "128", None, None, None),
    "aes128-sha256": ("AES_CBC", "128", "HMAC_SHA2_256_128", None, None),
    "aes192-sha384": ("AES_CBC", "192", "HMAC_SHA2_384_192", None, None),
    "aes256-sha512-ecp256": ("AES_CBC", "256", "HMAC_SHA2_512_256", "ECP_256", None),
    "aes256-sha1": ("AES_CBC", "256", "HMAC_SHA1_96", None, None),
    "aes128ctr-sha256": ("AES_CTR", "128", "HMAC_SHA2_256_128", None, None),
    "aes256ctr-sha384": ("AES_CTR", "256", "HMAC_SHA2_384_192", None, None),
    "null-sha256": ("NULL", None, "HMAC_SHA2_256_128", None, None),
    "aes256gcm16iiv-aes256gcm16": ("AES_GCM_16", "256", None, None, None),
    "chacha20poly1305iiv-chacha20poly1305": ("CHACHA20_POLY1305", None, None, None, None),
}


def of_strongswan(esp):
    """RFC 8750 §5: the words with an explicit IV, which is all that a peer without the extension understands."""
    return "-".join(word for word in esp.split("-") if not word.endswith("iiv"))


def case(ike, esp, initiator):
    words = {
        "cygnet_ike": f"proposals = {ike}",
        "cygnet_child": f"esp_proposals = {esp}",
        "strongswan_proposals": ike,
        "strongswan_esp_proposals": of_strongswan(esp),
    }
    return Case(initiator, words=words, options={"ike": ike, "esp": esp})


_DEFAULT_IKE, _DEFAULT_ESP = "aes128gcm16-prfsha256-x25519", "aes256gcm16"
CASES = {f"ike-{ike}": case(ike, _DEFAULT_ESP, CYGNET) for ike in IKE}
CASES |= {f"esp-{esp}": case(_DEFAULT_IKE, esp, STRONGSWAN) for esp in ESP}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    encr, keysize, integ, prf, group, ake1 = IKE[case.options["ike"]]
    child_encr, child_keysize, child_integ, child_group, child_ake1 = ESP[case.options["esp"]]
    words = {
        "encr": encr, "keysize": keysize, "integ": integ, "prf": prf, "group": group, "ake1": ake1,
        "child_encr": child_encr, "child_keysize": child_keysize, "child_integ": child_integ,
    }
    gateways.up()
    gateways.expect(**words)
    gateways.ping()
    gateways.rekey(case.initiator, ike="gw")
    # By the other end: each is once the initiator of this suite.
    gateways.rekey(CYGNET if case.initiator == STRONGSWAN else STRONGSWAN, child="net")
    gateways.expect(**words, child_group=child_group, child_ake1=child_ake1)
    gateways.ping()
