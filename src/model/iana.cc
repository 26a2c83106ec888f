#include "model/iana.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include "model/assigned_numbers.h"

namespace cygnet::model {
namespace {

template <class E>
struct Named {
    E value;
    std::string_view name;
};

template <class E, std::size_t size>
std::string look_up(const Named<E> (&names)[size], E value) {
    const auto row = std::ranges::find(names, value, &Named<E>::value);
    if (row != std::end(names)) return std::string(row->name);
    return "UNKNOWN_" + std::to_string(std::to_underlying(value));
}

constexpr Named<ExchangeType> exchange_type_names[] = {
    {ExchangeType::ike_sa_init, "IKE_SA_INIT"},
    {ExchangeType::ike_auth, "IKE_AUTH"},
    {ExchangeType::create_child_sa, "CREATE_CHILD_SA"},
    {ExchangeType::informational, "INFORMATIONAL"},
    {ExchangeType::ike_session_resume, "IKE_SESSION_RESUME"},
    {ExchangeType::gsa_auth, "GSA_AUTH"},
    {ExchangeType::gsa_registration, "GSA_REGISTRATION"},
    {ExchangeType::gsa_rekey, "GSA_REKEY"},
    {ExchangeType::gsa_inband_rekey, "GSA_INBAND_REKEY"},
    {ExchangeType::ike_intermediate, "IKE_INTERMEDIATE"},
    {ExchangeType::ike_followup_ke, "IKE_FOLLOWUP_KE"},
};

constexpr Named<PayloadType> payload_type_names[] = {
    {PayloadType::none, "NONE"},
    {PayloadType::sa, "SA"},
    {PayloadType::ke, "KE"},
    {PayloadType::id_i, "IDi"},
    {PayloadType::id_r, "IDr"},
    {PayloadType::cert, "CERT"},
    {PayloadType::certreq, "CERTREQ"},
    {PayloadType::auth, "AUTH"},
    {PayloadType::nonce, "No"},
    {PayloadType::notify, "N"},
    {PayloadType::delete_, "D"},
    {PayloadType::vendor_id, "V"},
    {PayloadType::ts_i, "TSi"},
    {PayloadType::ts_r, "TSr"},
    {PayloadType::sk, "SK"},
    {PayloadType::cp, "CP"},
    {PayloadType::eap, "EAP"},
    {PayloadType::gspm, "GSPM"},
    {PayloadType::id_g, "IDg"},
    {PayloadType::gsa, "GSA"},
    {PayloadType::kd, "KD"},
    {PayloadType::skf, "SKF"},
    {PayloadType::ps, "PS"},
};

constexpr Named<Protocol> protocol_names[] = {
    {Protocol::none, "NONE"},
    {Protocol::ike, "IKE"},
    {Protocol::ah, "AH"},
    {Protocol::esp, "ESP"},
    {Protocol::gike_update, "GIKE_UPDATE"},
};

constexpr Named<TransformType> transform_type_names[] = {
    {TransformType::encr, "ENCR"},
    {TransformType::prf, "PRF"},
    {TransformType::integ, "INTEG"},
    {TransformType::ke, "KE"},
    {TransformType::sn, "SN"},
    {TransformType::addke1, "ADDKE1"},
    {TransformType::addke2, "ADDKE2"},
    {TransformType::addke3, "ADDKE3"},
    {TransformType::addke4, "ADDKE4"},
    {TransformType::addke5, "ADDKE5"},
    {TransformType::addke6, "ADDKE6"},
    {TransformType::addke7, "ADDKE7"},
    {TransformType::kwa, "KWA"},
    {TransformType::gcauth, "GCAUTH"},
};

constexpr Named<AttributeType> attribute_type_names[] = {
    {AttributeType::key_length, "KEY_LENGTH"},
};

constexpr Named<Encr> encr_names[] = {
    {Encr::none, "NONE"},
    {Encr::triple_des, "3DES_CBC"},
    {Encr::null, "NULL"},
    {Encr::aes_cbc, "AES_CBC"},
    {Encr::aes_ctr, "AES_CTR"},
    {Encr::aes_ccm_8, "AES_CCM_8"},
    {Encr::aes_ccm_12, "AES_CCM_12"},
    {Encr::aes_ccm_16, "AES_CCM_16"},
    {Encr::aes_gcm_8, "AES_GCM_8"},
    {Encr::aes_gcm_12, "AES_GCM_12"},
    {Encr::aes_gcm_16, "AES_GCM_16"},
    {Encr::null_auth_aes_gmac, "NULL_AES_GMAC"},
    {Encr::camellia_cbc, "CAMELLIA_CBC"},
    {Encr::camellia_ctr, "CAMELLIA_CTR"},
    {Encr::camellia_ccm_8, "CAMELLIA_CCM_8"},
    {Encr::camellia_ccm_12, "CAMELLIA_CCM_12"},
    {Encr::camellia_ccm_16, "CAMELLIA_CCM_16"},
    {Encr::chacha20_poly1305, "CHACHA20_POLY1305"},
    {Encr::aes_ccm_8_iiv, "AES_CCM_8_IIV"},
    {Encr::aes_gcm_16_iiv, "AES_GCM_16_IIV"},
    {Encr::chacha20_poly1305_iiv, "CHACHA20_POLY1305_IIV"},
};

constexpr Named<Prf> prf_names[] = {
    {Prf::none, "NONE"},
    {Prf::hmac_md5, "PRF_HMAC_MD5"},
    {Prf::hmac_sha1, "PRF_HMAC_SHA1"},
    {Prf::aes128_xcbc, "PRF_AES128_XCBC"},
    {Prf::hmac_sha2_256, "PRF_HMAC_SHA2_256"},
    {Prf::hmac_sha2_384, "PRF_HMAC_SHA2_384"},
    {Prf::hmac_sha2_512, "PRF_HMAC_SHA2_512"},
    {Prf::aes128_cmac, "PRF_AES128_CMAC"},
};

constexpr Named<Integ> integ_names[] = {
    {Integ::none, "NONE"},
    {Integ::hmac_md5_96, "HMAC_MD5_96"},
    {Integ::hmac_sha1_96, "HMAC_SHA1_96"},
    {Integ::aes_xcbc_96, "AES_XCBC_96"},
    {Integ::aes_cmac_96, "AES_CMAC_96"},
    {Integ::aes_128_gmac, "AES_128_GMAC"},
    {Integ::aes_192_gmac, "AES_192_GMAC"},
    {Integ::aes_256_gmac, "AES_256_GMAC"},
    {Integ::hmac_sha2_256_128, "HMAC_SHA2_256_128"},
    {Integ::hmac_sha2_384_192, "HMAC_SHA2_384_192"},
    {Integ::hmac_sha2_512_256, "HMAC_SHA2_512_256"},
};

constexpr Named<Ke> ke_names[] = {
    {Ke::none, "KE_NONE"},
    {Ke::modp_768, "MODP_768"},
    {Ke::modp_1024, "MODP_1024"},
    {Ke::modp_1536, "MODP_1536"},
    {Ke::modp_2048, "MODP_2048"},
    {Ke::modp_3072, "MODP_3072"},
    {Ke::modp_4096, "MODP_4096"},
    {Ke::modp_6144, "MODP_6144"},
    {Ke::modp_8192, "MODP_8192"},
    {Ke::ecp_256, "ECP_256"},
    {Ke::ecp_384, "ECP_384"},
    {Ke::ecp_521, "ECP_521"},
    {Ke::ecp_224_bp, "ECP_224_BP"},
    {Ke::ecp_256_bp, "ECP_256_BP"},
    {Ke::ecp_384_bp, "ECP_384_BP"},
    {Ke::ecp_512_bp, "ECP_512_BP"},
    {Ke::curve25519, "CURVE_25519"},
    {Ke::curve448, "CURVE_448"},
    {Ke::ml_kem_512, "ML_KEM_512"},
    {Ke::ml_kem_768, "ML_KEM_768"},
    {Ke::ml_kem_1024, "ML_KEM_1024"},
    {Ke::frodokem_640_aes, "FRODOKEM_640_AES"},
    {Ke::frodokem_976_aes, "FRODOKEM_976_AES"},
    {Ke::frodokem_1344_aes, "FRODOKEM_1344_AES"},
    {Ke::frodokem_640_shake, "FRODOKEM_640_SHAKE"},
    {Ke::frodokem_976_shake, "FRODOKEM_976_SHAKE"},
    {Ke::frodokem_1344_shake, "FRODOKEM_1344_SHAKE"},
    {Ke::mceliece_348864, "MCELIECE_348864"},
    {Ke::mceliece_348864f, "MCELIECE_348864F"},
    {Ke::mceliece_460896, "MCELIECE_460896"},
    {Ke::mceliece_460896f, "MCELIECE_460896F"},
    {Ke::mceliece_6688128, "MCELIECE_6688128"},
    {Ke::mceliece_6688128f, "MCELIECE_6688128F"},
    {Ke::mceliece_6960119, "MCELIECE_6960119"},
    {Ke::mceliece_6960119f, "MCELIECE_6960119F"},
    {Ke::mceliece_8192128, "MCELIECE_8192128"},
    {Ke::mceliece_8192128f, "MCELIECE_8192128F"},
};

constexpr Named<Sn> sn_names[] = {
    {Sn::bits_32, "NO_EXT_SEQ"},
    {Sn::bits_64_partial, "EXT_SEQ"},
};

constexpr Named<IdType> id_type_names[] = {
    {IdType::any, "ID_ANY"},
    {IdType::ipv4_addr, "ID_IPV4_ADDR"},
    {IdType::fqdn, "ID_FQDN"},
    {IdType::rfc822_addr, "ID_RFC822_ADDR"},
    {IdType::ipv6_addr, "ID_IPV6_ADDR"},
    {IdType::ipv4_range, "ID_IPV4_ADDR_RANGE"},
    {IdType::ipv6_range, "ID_IPV6_ADDR_RANGE"},
    {IdType::der_asn1_dn, "ID_DER_ASN1_DN"},
    {IdType::der_asn1_gn, "ID_DER_ASN1_GN"},
    {IdType::key_id, "ID_KEY_ID"},
    {IdType::null, "ID_NULL"},
};

constexpr Named<CertEncoding> cert_encoding_names[] = {
    {CertEncoding::pkcs7, "PKCS7"},
    {CertEncoding::x509_signature, "X509_SIGNATURE"},
    {CertEncoding::crl, "CRL"},
    {CertEncoding::hash_and_url_cert, "HASH_AND_URL_CERT"},
    {CertEncoding::hash_and_url_bundle, "HASH_AND_URL_BUNDLE"},
    {CertEncoding::ocsp_content, "OCSP_CONTENT"},
    {CertEncoding::raw_public_key, "RAW_PUBLIC_KEY"},
};

constexpr Named<AuthMethod> auth_method_names[] = {
    {AuthMethod::rsa, "RSA"},
    {AuthMethod::shared_key, "SHARED_KEY"},
    {AuthMethod::dss, "DSS"},
    {AuthMethod::ecdsa_256, "ECDSA_256"},
    {AuthMethod::ecdsa_384, "ECDSA_384"},
    {AuthMethod::ecdsa_521, "ECDSA_521"},
    {AuthMethod::gspm, "GSPM"},
    {AuthMethod::null, "NULL"},
    {AuthMethod::digital_signature, "DIGITAL_SIGNATURE"},
};

constexpr Named<SignatureHash> signature_hash_names[] = {
    {SignatureHash::sha1, "SHA1"},
    {SignatureHash::sha2_256, "SHA2_256"},
    {SignatureHash::sha2_384, "SHA2_384"},
    {SignatureHash::sha2_512, "SHA2_512"},
    {SignatureHash::identity, "IDENTITY"},
};

constexpr Named<NotifyType> notify_type_names[] = {
    {NotifyType::none, "NONE"},
    {NotifyType::unsupported_critical_payload, "UNSUPPORTED_CRITICAL_PAYLOAD"},
    {NotifyType::invalid_ike_spi, "INVALID_IKE_SPI"},
    {NotifyType::invalid_major_version, "INVALID_MAJOR_VERSION"},
    {NotifyType::invalid_syntax, "INVALID_SYNTAX"},
    {NotifyType::invalid_message_id, "INVALID_MESSAGE_ID"},
    {NotifyType::invalid_spi, "INVALID_SPI"},
    {NotifyType::no_proposal_chosen, "NO_PROPOSAL_CHOSEN"},
    {NotifyType::invalid_ke_payload, "INVALID_KE_PAYLOAD"},
    {NotifyType::authentication_failed, "AUTHENTICATION_FAILED"},
    {NotifyType::single_pair_required, "SINGLE_PAIR_REQUIRED"},
    {NotifyType::no_additional_sas, "NO_ADDITIONAL_SAS"},
    {NotifyType::internal_address_failure, "INTERNAL_ADDRESS_FAILURE"},
    {NotifyType::failed_cp_required, "FAILED_CP_REQUIRED"},
    {NotifyType::ts_unacceptable, "TS_UNACCEPTABLE"},
    {NotifyType::invalid_selectors, "INVALID_SELECTORS"},
    {NotifyType::unacceptable_addresses, "UNACCEPTABLE_ADDRESSES"},
    {NotifyType::unexpected_nat_detected, "UNEXPECTED_NAT_DETECTED"},
    {NotifyType::use_assigned_hoa, "USE_ASSIGNED_HOA"},
    {NotifyType::temporary_failure, "TEMPORARY_FAILURE"},
    {NotifyType::child_sa_not_found, "CHILD_SA_NOT_FOUND"},
    {NotifyType::invalid_group_id, "INVALID_GROUP_ID"},
    {NotifyType::authorization_failed, "AUTHORIZATION_FAILED"},
    {NotifyType::state_not_found, "STATE_NOT_FOUND"},
    {NotifyType::ts_max_queue, "TS_MAX_QUEUE"},
    {NotifyType::registration_failed, "REGISTRATION_FAILED"},
    {NotifyType::initial_contact, "INITIAL_CONTACT"},
    {NotifyType::set_window_size, "SET_WINDOW_SIZE"},
    {NotifyType::additional_ts_possible, "ADDITIONAL_TS_POSSIBLE"},
    {NotifyType::ipcomp_supported, "IPCOMP_SUPPORTED"},
    {NotifyType::nat_detection_source_ip, "NAT_DETECTION_SOURCE_IP"},
    {NotifyType::nat_detection_destination_ip, "NAT_DETECTION_DESTINATION_IP"},
    {NotifyType::cookie, "COOKIE"},
    {NotifyType::use_transport_mode, "USE_TRANSPORT_MODE"},
    {NotifyType::http_cert_lookup_supported, "HTTP_CERT_LOOKUP_SUPPORTED"},
    {NotifyType::rekey_sa, "REKEY_SA"},
    {NotifyType::esp_tfc_padding_not_supported, "ESP_TFC_PADDING_NOT_SUPPORTED"},
    {NotifyType::non_first_fragments_also, "NON_FIRST_FRAGMENTS_ALSO"},
    {NotifyType::mobike_supported, "MOBIKE_SUPPORTED"},
    {NotifyType::additional_ip4_address, "ADDITIONAL_IP4_ADDRESS"},
    {NotifyType::additional_ip6_address, "ADDITIONAL_IP6_ADDRESS"},
    {NotifyType::no_additional_addresses, "NO_ADDITIONAL_ADDRESSES"},
    {NotifyType::update_sa_addresses, "UPDATE_SA_ADDRESSES"},
    {NotifyType::cookie2, "COOKIE2"},
    {NotifyType::no_nats_allowed, "NO_NATS_ALLOWED"},
    {NotifyType::auth_lifetime, "AUTH_LIFETIME"},
    {NotifyType::multiple_auth_supported, "MULTIPLE_AUTH_SUPPORTED"},
    {NotifyType::another_auth_follows, "ANOTHER_AUTH_FOLLOWS"},
    {NotifyType::redirect_supported, "REDIRECT_SUPPORTED"},
    {NotifyType::redirect, "REDIRECT"},
    {NotifyType::redirected_from, "REDIRECTED_FROM"},
    {NotifyType::ticket_lt_opaque, "TICKET_LT_OPAQUE"},
    {NotifyType::ticket_request, "TICKET_REQUEST"},
    {NotifyType::ticket_ack, "TICKET_ACK"},
    {NotifyType::ticket_nack, "TICKET_NACK"},
    {NotifyType::ticket_opaque, "TICKET_OPAQUE"},
    {NotifyType::link_id, "LINK_ID"},
    {NotifyType::use_wesp_mode, "USE_WESP_MODE"},
    {NotifyType::rohc_supported, "ROHC_SUPPORTED"},
    {NotifyType::eap_only_authentication, "EAP_ONLY_AUTHENTICATION"},
    {NotifyType::childless_ikev2_supported, "CHILDLESS_IKEV2_SUPPORTED"},
    {NotifyType::quick_crash_detection, "QUICK_CRASH_DETECTION"},
    {NotifyType::ikev2_message_id_sync_supported, "IKEV2_MESSAGE_ID_SYNC_SUPPORTED"},
    {NotifyType::ipsec_replay_counter_sync_supported, "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED"},
    {NotifyType::ikev2_message_id_sync, "IKEV2_MESSAGE_ID_SYNC"},
    {NotifyType::ipsec_replay_counter_sync, "IPSEC_REPLAY_COUNTER_SYNC"},
    {NotifyType::secure_password_methods, "SECURE_PASSWORD_METHODS"},
    {NotifyType::psk_persist, "PSK_PERSIST"},
    {NotifyType::psk_confirm, "PSK_CONFIRM"},
    {NotifyType::erx_supported, "ERX_SUPPORTED"},
    {NotifyType::ifom_capability, "IFOM_CAPABILITY"},
    {NotifyType::group_sender, "GROUP_SENDER"},
    {NotifyType::ikev2_fragmentation_supported, "IKEV2_FRAGMENTATION_SUPPORTED"},
    {NotifyType::signature_hash_algorithms, "SIGNATURE_HASH_ALGORITHMS"},
    {NotifyType::clone_ike_sa_supported, "CLONE_IKE_SA_SUPPORTED"},
    {NotifyType::clone_ike_sa, "CLONE_IKE_SA"},
    {NotifyType::puzzle, "PUZZLE"},
    {NotifyType::use_ppk, "USE_PPK"},
    {NotifyType::ppk_identity, "PPK_IDENTITY"},
    {NotifyType::no_ppk_auth, "NO_PPK_AUTH"},
    {NotifyType::intermediate_exchange_supported, "INTERMEDIATE_EXCHANGE_SUPPORTED"},
    {NotifyType::ip4_allowed, "IP4_ALLOWED"},
    {NotifyType::ip6_allowed, "IP6_ALLOWED"},
    {NotifyType::additional_key_exchange, "ADDITIONAL_KEY_EXCHANGE"},
    {NotifyType::use_aggfrag, "USE_AGGFRAG"},
    {NotifyType::supported_auth_methods, "SUPPORTED_AUTH_METHODS"},
    {NotifyType::sa_resource_info, "SA_RESOURCE_INFO"},
    {NotifyType::use_ppk_int, "USE_PPK_INT"},
    {NotifyType::ppk_identity_key, "PPK_IDENTITY_KEY"},
    {NotifyType::ike_sa_init_full_transcript_auth, "IKE_SA_INIT_FULL_TRANSCRIPT_AUTH"},
    {NotifyType::use_beet_mode, "USE_BEET_MODE"},
};

constexpr Named<TsType> ts_type_names[] = {
    {TsType::ipv4_addr_range, "TS_IPV4_ADDR_RANGE"},
    {TsType::ipv6_addr_range, "TS_IPV6_ADDR_RANGE"},
    {TsType::fc_addr_range, "TS_FC_ADDR_RANGE"},
    {TsType::seclabel, "TS_SECLABEL"},
};

constexpr Named<IpcompTransform> ipcomp_transform_names[] = {{IpcompTransform::oui, "IPCOMP_OUI"},
                                                             {IpcompTransform::deflate, "IPCOMP_DEFLATE"},
                                                             {IpcompTransform::lzs, "IPCOMP_LZS"},
                                                             {IpcompTransform::lzjh, "IPCOMP_LZJH"}};

constexpr Named<GatewayType> gateway_type_names[] = {
    {GatewayType::ipv4, "IPv4"}, {GatewayType::ipv6, "IPv6"}, {GatewayType::fqdn, "FQDN"}};

constexpr Named<CfgType> cfg_type_names[] = {
    {CfgType::request, "CFG_REQUEST"},
    {CfgType::reply, "CFG_REPLY"},
    {CfgType::set, "CFG_SET"},
    {CfgType::ack, "CFG_ACK"},
};

constexpr Named<CfgAttribute> cfg_attribute_names[] = {
    {CfgAttribute::internal_ip4_address, "INTERNAL_IP4_ADDRESS"},
    {CfgAttribute::internal_ip4_netmask, "INTERNAL_IP4_NETMASK"},
    {CfgAttribute::internal_ip4_dns, "INTERNAL_IP4_DNS"},
    {CfgAttribute::internal_ip4_nbns, "INTERNAL_IP4_NBNS"},
    {CfgAttribute::internal_ip4_dhcp, "INTERNAL_IP4_DHCP"},
    {CfgAttribute::application_version, "APPLICATION_VERSION"},
    {CfgAttribute::internal_ip6_address, "INTERNAL_IP6_ADDRESS"},
    {CfgAttribute::internal_ip6_dns, "INTERNAL_IP6_DNS"},
    {CfgAttribute::internal_ip6_dhcp, "INTERNAL_IP6_DHCP"},
    {CfgAttribute::internal_ip4_subnet, "INTERNAL_IP4_SUBNET"},
    {CfgAttribute::supported_attributes, "SUPPORTED_ATTRIBUTES"},
    {CfgAttribute::internal_ip6_subnet, "INTERNAL_IP6_SUBNET"},
    {CfgAttribute::mip6_home_prefix, "MIP6_HOME_PREFIX"},
    {CfgAttribute::internal_ip6_link, "INTERNAL_IP6_LINK"},
    {CfgAttribute::internal_ip6_prefix, "INTERNAL_IP6_PREFIX"},
    {CfgAttribute::p_cscf_ip4_address, "P_CSCF_IP4_ADDRESS"},
    {CfgAttribute::p_cscf_ip6_address, "P_CSCF_IP6_ADDRESS"},
    {CfgAttribute::internal_dns_domain, "INTERNAL_DNS_DOMAIN"},
    {CfgAttribute::internal_dnssec_ta, "INTERNAL_DNSSEC_TA"},
    {CfgAttribute::encdns_ip4, "ENCDNS_IP4"},
    {CfgAttribute::encdns_ip6, "ENCDNS_IP6"},
    {CfgAttribute::encdns_digest_info, "ENCDNS_DIGEST_INFO"},
};

}  // namespace

std::string name_of(ExchangeType value) { return look_up(exchange_type_names, value); }
std::string name_of(PayloadType value) { return look_up(payload_type_names, value); }
std::string name_of(Protocol value) { return look_up(protocol_names, value); }
std::string name_of(TransformType value) { return look_up(transform_type_names, value); }
std::string name_of(AttributeType value) { return look_up(attribute_type_names, value); }
std::string name_of(Encr value) { return look_up(encr_names, value); }
std::string name_of(Prf value) { return look_up(prf_names, value); }
std::string name_of(Integ value) { return look_up(integ_names, value); }
std::string name_of(Ke value) {
    const auto method = method_of(value);
    return method ? look_up(ke_names, *method) : "UNKNOWN_" + std::to_string(std::to_underlying(value));
}

std::span<const Ke> key_exchange_methods() {
    static constexpr auto methods = [] {
        std::array<Ke, std::size(ke_names) - 1> all{};
        std::ranges::transform(ke_names + 1, std::end(ke_names), all.begin(), &Named<Ke>::value);
        return all;
    }();
    static_assert(ke_names[0].value == Ke::none && std::ranges::is_sorted(methods));
    return methods;
}

bool is_post_quantum_kem(Ke number) {
    const Ke method = method_of(number).value_or(Ke::none);
    return (method >= Ke::ml_kem_512 && method <= Ke::ml_kem_1024) || is_frodokem(method) || is_mceliece(method);
}

std::string name_of(Sn value) { return look_up(sn_names, value); }
std::string name_of(IdType value) { return look_up(id_type_names, value); }
std::string name_of(CertEncoding value) { return look_up(cert_encoding_names, value); }
std::string name_of(AuthMethod value) { return look_up(auth_method_names, value); }
std::string name_of(SignatureHash value) { return look_up(signature_hash_names, value); }
std::string name_of(NotifyType value) { return look_up(notify_type_names, value); }
std::string name_of(TsType value) { return look_up(ts_type_names, value); }
std::string name_of(IpcompTransform value) { return look_up(ipcomp_transform_names, value); }
std::string name_of(GatewayType value) { return look_up(gateway_type_names, value); }
std::string name_of(CfgType value) { return look_up(cfg_type_names, value); }
std::string name_of(CfgAttribute value) { return look_up(cfg_attribute_names, value); }

}  // namespace cygnet::model
