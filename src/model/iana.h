// The IANA registries of IKEv2 as far as we speak them. A number that is not named
// here is still a value of its enum: it is kept, printed as a number and never acted on.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/private_use.h"

namespace cygnet::model {

enum class ExchangeType : std::uint8_t {
    ike_sa_init = 34,
    ike_auth = 35,
    create_child_sa = 36,
    informational = 37,
    ike_session_resume = 38,
    gsa_auth = 39,
    gsa_registration = 40,
    gsa_rekey = 41,
    gsa_inband_rekey = 42,
    ike_intermediate = 43,
    ike_followup_ke = 44,
};

enum class PayloadType : std::uint8_t {
    none = 0,
    sa = 33,
    ke = 34,
    id_i = 35,
    id_r = 36,
    cert = 37,
    certreq = 38,
    auth = 39,
    nonce = 40,
    notify = 41,
    delete_ = 42,
    vendor_id = 43,
    ts_i = 44,
    ts_r = 45,
    sk = 46,
    cp = 47,
    eap = 48,
    gspm = 49,
    id_g = 50,
    gsa = 51,
    kd = 52,
    skf = 53,
    ps = 54,
};

enum class Protocol : std::uint8_t { none = 0, ike = 1, ah = 2, esp = 3, gike_update = 6 };

enum class TransformType : std::uint8_t {
    encr = 1,
    prf = 2,
    integ = 3,
    ke = 4,
    sn = 5,
    addke1 = 6,
    addke2 = 7,
    addke3 = 8,
    addke4 = 9,
    addke5 = 10,
    addke6 = 11,
    addke7 = 12,
    kwa = 13,
    gcauth = 14,
};

enum class AttributeType : std::uint16_t { key_length = 14 };

enum class Encr : std::uint16_t {
    none = 0,
    triple_des = 3,
    null = 11,
    aes_cbc = 12,
    aes_ctr = 13,
    aes_ccm_8 = 14,
    aes_ccm_12 = 15,
    aes_ccm_16 = 16,
    aes_gcm_8 = 18,
    aes_gcm_12 = 19,
    aes_gcm_16 = 20,
    null_auth_aes_gmac = 21,
    camellia_cbc = 23,
    camellia_ctr = 24,
    camellia_ccm_8 = 25,
    camellia_ccm_12 = 26,
    camellia_ccm_16 = 27,
    chacha20_poly1305 = 28,
    aes_ccm_8_iiv = 29,
    aes_gcm_16_iiv = 30,
    chacha20_poly1305_iiv = 31,
};

enum class Prf : std::uint16_t {
    none = 0,
    hmac_md5 = 1,
    hmac_sha1 = 2,
    aes128_xcbc = 4,
    hmac_sha2_256 = 5,
    hmac_sha2_384 = 6,
    hmac_sha2_512 = 7,
    aes128_cmac = 8,
};

enum class Integ : std::uint16_t {
    none = 0,
    hmac_md5_96 = 1,
    hmac_sha1_96 = 2,
    aes_xcbc_96 = 5,
    aes_cmac_96 = 8,
    aes_128_gmac = 9,
    aes_192_gmac = 10,
    aes_256_gmac = 11,
    hmac_sha2_256_128 = 12,
    hmac_sha2_384_192 = 13,
    hmac_sha2_512_256 = 14,
};

// Key Exchange Method, transform types 4 and 6 to 12.
enum class Ke : std::uint16_t {
    none = 0,
    modp_768 = 1,
    modp_1024 = 2,
    modp_1536 = 5,
    modp_2048 = 14,
    modp_3072 = 15,
    modp_4096 = 16,
    modp_6144 = 17,
    modp_8192 = 18,
    ecp_256 = 19,
    ecp_384 = 20,
    ecp_521 = 21,
    ecp_224_bp = 27,
    ecp_256_bp = 28,
    ecp_384_bp = 29,
    ecp_512_bp = 30,
    curve25519 = 31,
    curve448 = 32,
    ml_kem_512 = 35,
    ml_kem_768 = 36,
    ml_kem_1024 = 37,
    // With AES; as a secondary source gives the numbers, no RFC does.
    frodokem_640_aes = 38,
    frodokem_976_aes = 39,
    frodokem_1344_aes = 40,
    frodokem_640_shake = private_use::frodokem_640_shake,
    frodokem_976_shake = private_use::frodokem_976_shake,
    frodokem_1344_shake = private_use::frodokem_1344_shake,
    mceliece_348864 = private_use::mceliece_348864,
    mceliece_348864f = private_use::mceliece_348864f,
    mceliece_460896 = private_use::mceliece_460896,
    mceliece_460896f = private_use::mceliece_460896f,
    mceliece_6688128 = private_use::mceliece_6688128,
    mceliece_6688128f = private_use::mceliece_6688128f,
    mceliece_6960119 = private_use::mceliece_6960119,
    mceliece_6960119f = private_use::mceliece_6960119f,
    mceliece_8192128 = private_use::mceliece_8192128,
    mceliece_8192128f = private_use::mceliece_8192128f,
};
// Every method above but NONE, in the order of the numbers.
std::span<const Ke> key_exchange_methods();
// RFC 7296 §3.3.2: 1024 to 65535 mean what two peers agreed on.
constexpr bool is_private_use(Ke method) { return static_cast<std::uint16_t>(method) >= 1024; }
// A KEM for which no attack of a quantum computer is known.
bool is_post_quantum_kem(Ke method);
constexpr bool is_frodokem(Ke method) {
    const auto number = static_cast<std::uint16_t>(method);
    return (number >= 38 && number <= 40) || (number >= private_use::frodokem_640_shake && number <= private_use::frodokem_1344_shake);
}
constexpr bool is_mceliece(Ke method) {
    const auto number = static_cast<std::uint16_t>(method);
    return number >= private_use::mceliece_348864 && number <= private_use::mceliece_8192128f;
}

// Sequence Numbers (was Extended Sequence Numbers), RFC 9827.
enum class Sn : std::uint16_t { bits_32 = 0, bits_64_partial = 1 };

enum class IdType : std::uint8_t {
    any = 0,  // never on the wire: matches every identity
    ipv4_addr = 1,
    fqdn = 2,
    rfc822_addr = 3,
    ipv6_addr = 5,
    ipv4_range = 7,  // 7 and 8 as in IKEv1; never on the wire: they match the addresses between
    ipv6_range = 8,
    der_asn1_dn = 9,
    der_asn1_gn = 10,
    key_id = 11,
    null = 13,
};

enum class CertEncoding : std::uint8_t {
    pkcs7 = 1,
    x509_signature = 4,
    crl = 7,
    hash_and_url_cert = 12,
    hash_and_url_bundle = 13,
    ocsp_content = 14,
    raw_public_key = 15,
};

enum class AuthMethod : std::uint8_t {
    rsa = 1,
    shared_key = 2,
    dss = 3,
    ecdsa_256 = 9,
    ecdsa_384 = 10,
    ecdsa_521 = 11,
    gspm = 12,
    null = 13,
    digital_signature = 14,
};

// SIGNATURE_HASH_ALGORITHMS, RFC 7427 §7 and RFC 8420.
enum class SignatureHash : std::uint16_t {
    sha1 = 1,
    sha2_256 = 2,
    sha2_384 = 3,
    sha2_512 = 4,
    identity = 5,
};

enum class NotifyType : std::uint16_t {
    none = 0,
    unsupported_critical_payload = 1,
    invalid_ike_spi = 4,
    invalid_major_version = 5,
    invalid_syntax = 7,
    invalid_message_id = 9,
    invalid_spi = 11,
    no_proposal_chosen = 14,
    invalid_ke_payload = 17,
    authentication_failed = 24,
    single_pair_required = 34,
    no_additional_sas = 35,
    internal_address_failure = 36,
    failed_cp_required = 37,
    ts_unacceptable = 38,
    invalid_selectors = 39,
    unacceptable_addresses = 40,
    unexpected_nat_detected = 41,
    use_assigned_hoa = 42,
    temporary_failure = 43,
    child_sa_not_found = 44,
    invalid_group_id = 45,
    authorization_failed = 46,
    state_not_found = 47,
    ts_max_queue = 48,
    registration_failed = 49,
    initial_contact = 16384,
    set_window_size = 16385,
    additional_ts_possible = 16386,
    ipcomp_supported = 16387,
    nat_detection_source_ip = 16388,
    nat_detection_destination_ip = 16389,
    cookie = 16390,
    use_transport_mode = 16391,
    http_cert_lookup_supported = 16392,
    rekey_sa = 16393,
    esp_tfc_padding_not_supported = 16394,
    non_first_fragments_also = 16395,
    mobike_supported = 16396,
    additional_ip4_address = 16397,
    additional_ip6_address = 16398,
    no_additional_addresses = 16399,
    update_sa_addresses = 16400,
    cookie2 = 16401,
    no_nats_allowed = 16402,
    auth_lifetime = 16403,
    multiple_auth_supported = 16404,
    another_auth_follows = 16405,
    redirect_supported = 16406,
    redirect = 16407,
    redirected_from = 16408,
    ticket_lt_opaque = 16409,
    ticket_request = 16410,
    ticket_ack = 16411,
    ticket_nack = 16412,
    ticket_opaque = 16413,
    link_id = 16414,
    use_wesp_mode = 16415,
    rohc_supported = 16416,
    eap_only_authentication = 16417,
    childless_ikev2_supported = 16418,
    quick_crash_detection = 16419,
    ikev2_message_id_sync_supported = 16420,
    ipsec_replay_counter_sync_supported = 16421,
    ikev2_message_id_sync = 16422,
    ipsec_replay_counter_sync = 16423,
    secure_password_methods = 16424,
    psk_persist = 16425,
    psk_confirm = 16426,
    erx_supported = 16427,
    ifom_capability = 16428,
    group_sender = 16429,
    ikev2_fragmentation_supported = 16430,
    signature_hash_algorithms = 16431,
    clone_ike_sa_supported = 16432,
    clone_ike_sa = 16433,
    puzzle = 16434,
    use_ppk = 16435,
    ppk_identity = 16436,
    no_ppk_auth = 16437,
    intermediate_exchange_supported = 16438,
    ip4_allowed = 16439,
    ip6_allowed = 16440,
    additional_key_exchange = 16441,
    use_aggfrag = 16442,
    supported_auth_methods = 16443,
    sa_resource_info = 16444,
    use_ppk_int = 16445,
    ppk_identity_key = 16446,
    ike_sa_init_full_transcript_auth = 16447,  // draft-ietf-ipsecme-ikev2-downgrade-prevention
    // Private use (RFC 7296 §3.10.1): they mean this to peers whose Vendor ID is strongSwan's, nothing to others.
    use_beet_mode = 40961,
};
// RFC 7296 §3.10.1: types below 16384 report errors, the others status.
constexpr bool is_error(NotifyType type) { return static_cast<std::uint16_t>(type) < 16384; }

// IPComp Transform IDs, RFC 7296 §2.22.
enum class IpcompTransform : std::uint8_t { oui = 1, deflate = 2, lzs = 3, lzjh = 4 };

// PPK_ID types, RFC 8784 §7.
enum class PpkIdType : std::uint8_t { opaque = 1, fixed = 2 };

// Gateway Identity Types, RFC 5685 §9.2.
enum class GatewayType : std::uint8_t { ipv4 = 1, ipv6 = 2, fqdn = 3 };

enum class TsType : std::uint8_t { ipv4_addr_range = 7, ipv6_addr_range = 8, fc_addr_range = 9, seclabel = 10 };

enum class CfgType : std::uint8_t { request = 1, reply = 2, set = 3, ack = 4 };

enum class CfgAttribute : std::uint16_t {
    internal_ip4_address = 1,
    internal_ip4_netmask = 2,
    internal_ip4_dns = 3,
    internal_ip4_nbns = 4,
    internal_ip4_dhcp = 6,
    application_version = 7,
    internal_ip6_address = 8,
    internal_ip6_dns = 10,
    internal_ip6_dhcp = 12,
    internal_ip4_subnet = 13,
    supported_attributes = 14,
    internal_ip6_subnet = 15,
    mip6_home_prefix = 16,
    internal_ip6_link = 17,
    internal_ip6_prefix = 18,
    p_cscf_ip4_address = 20,
    p_cscf_ip6_address = 21,
    internal_dns_domain = 25,
    internal_dnssec_ta = 26,
    encdns_ip4 = 27,
    encdns_ip6 = 28,
    encdns_digest_info = 29,
};

// The registry's name ("IKE_SA_INIT", "AES_GCM_16", "ML_KEM_768" …), spelled as
// strongSwan prints it where the two differ; "UNKNOWN_1234" for a number we do not name.
std::string name_of(ExchangeType value);
std::string name_of(PayloadType value);   // the RFC's notation: "SA", "KE", "IDi", "N" …
std::string name_of(Protocol value);
std::string name_of(TransformType value);
std::string name_of(AttributeType value);
std::string name_of(Encr value);
std::string name_of(Prf value);           // "PRF_HMAC_SHA2_256"
std::string name_of(Integ value);
std::string name_of(Ke value);            // "CURVE_25519", "ML_KEM_768"
std::string name_of(Sn value);            // "NO_EXT_SEQ", "EXT_SEQ"
std::string name_of(IdType value);
std::string name_of(CertEncoding value);
std::string name_of(AuthMethod value);
std::string name_of(SignatureHash value);
std::string name_of(NotifyType value);
std::string name_of(TsType value);
std::string name_of(CfgType value);
std::string name_of(IpcompTransform value);
std::string name_of(GatewayType value);
std::string name_of(CfgAttribute value);

}  // namespace cygnet::model
