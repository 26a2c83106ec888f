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
    "aes128gcm16-prfsha256-x25519-ke1_mlkem512": ("AES_GCM_16", "128", None, "PRF_HMAC_SHA2_256", "CURVE_25519", "ML_KEM_512"),
    "aes256-sha384-x25519-ke1_mlkem768": ("AES_CBC", "256", "HMAC_SHA2_384_192", "PRF_HMAC_SHA2_384", "CURVE_25519", "ML_KEM_768"),
    "chacha20poly1305-prfsha512-x25519-ke1_mlkem768":
        ("CHACHA20_POLY1305", None, None, "PRF_HMAC_SHA2_512", "CURVE_25519", "ML_KEM_768"),
}
ESP = {
    "aes128gcm16-ecp256": ("AES_GCM_16", "128", "ECP_256", None),
    "aes256gcm16-modp2048": ("AES_GCM_16", "256", "MODP_2048", None),
    "chacha20poly1305-x25519": ("CHACHA20_POLY1305", None, "CURVE_25519", None),
    "chacha20poly1305-ecp384-ke1_mlkem1024": ("CHACHA20_POLY1305", None, "ECP_384", "ML_KEM_1024"),
    "aes256gcm16-ke1_mlkem768-ecp521": ("AES_GCM_16", "256", "ECP_521", "ML_KEM_768"),
    "aes256gcm16": ("AES_GCM_16", "256", None, None),
}


def case(ike, esp, initiator):
    words = {
        "cygnet_ike": f"proposals = {ike}",
        "cygnet_child": f"esp_proposals = {esp}",
        "strongswan_proposals": ike,
        "strongswan_esp_proposals": esp,
    }
    return Case(initiator, words=words, options={"ike": ike, "esp": esp})


_DEFAULT_IKE, _DEFAULT_ESP = "aes128gcm16-prfsha256-x25519", "aes256gcm16"
CASES = {f"ike-{ike}": case(ike, _DEFAULT_ESP, CYGNET) for ike in IKE}
CASES |= {f"esp-{esp}": case(_DEFAULT_IKE, esp, STRONGSWAN) for esp in ESP}


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    encr, keysize, integ, prf, group, ake1 = IKE[case.options["ike"]]
    child_encr, child_keysize, child_group, child_ake1 = ESP[case.options["esp"]]
    words = {
        "encr": encr, "keysize": keysize, "integ": integ, "prf": prf, "group": group, "ake1": ake1,
        "child_encr": child_encr, "child_keysize": child_keysize,
    }
    gateways.up()
    gateways.expect(**words)
    gateways.ping()
    gateways.rekey(case.initiator, ike="gw")
    gateways.rekey(case.initiator, child="net")
    gateways.expect(**words, child_group=child_group, child_ake1=child_ake1)
    gateways.ping()
