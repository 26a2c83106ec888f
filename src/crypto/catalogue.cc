#include "crypto/catalogue.h"

#include <algorithm>

#include "crypto/key_exchange.h"
#include "crypto/prf.h"
#include "crypto/packet_mac.h"
#include "crypto/rows.h"
#include "model/assigned_numbers.h"
#include "model/limits.h"

namespace cygnet::crypto {
namespace {

// The order is the choice: ipsec-mb is the fastest for packets, AWS-LC for single messages and public
// keys, OpenSSL has everything classic. libmceliece decapsulates in a thousandth of Botan's time.
std::vector<Library> make_libraries() {
    std::vector<Library> list;
#ifdef CYGNET_HAVE_IPSEC_MB
    list.push_back(ipsec_mb());
#endif
#ifdef CYGNET_HAVE_AWS_LC
    list.push_back(aws_lc());
#endif
    list.push_back({.name = "OpenSSL",
                    .version = openssl_version,
                    .hashes = openssl_hashes(),
                    .aeads = openssl_aeads(),
                    .packets = openssl_packets(),
                    .cbcs = openssl_cbcs(),
                    .key_exchanges = openssl_key_exchanges(),
                    .signatures = openssl_signatures()});
#ifdef CYGNET_HAVE_MCELIECE
    list.push_back(mceliece());
#endif
#ifdef CYGNET_HAVE_BOTAN
    list.push_back(botan());
#endif
    return list;
}

// The first row, over all libraries in order, that `wanted` accepts.
template <class Row, class Wanted>
const Row* first_row(std::span<const Row> Library::* table, Wanted wanted) {
    for (const Library& library : libraries())
        for (const Row& row : library.*table)
            if (wanted(row)) return &row;
    return nullptr;
}

constexpr std::uint16_t aes_key_bits[] = {128, 192, 256};
constexpr model::Encr encryption_of_messages[] = {
    model::Encr::aes_gcm_16, model::Encr::aes_gcm_12, model::Encr::aes_gcm_8, model::Encr::aes_ccm_16,
    model::Encr::aes_ccm_12, model::Encr::aes_ccm_8,  model::Encr::aes_cbc,   model::Encr::chacha20_poly1305};
constexpr model::Encr encryption_of_packets[] = {
    model::Encr::aes_gcm_16,    model::Encr::aes_gcm_12,     model::Encr::aes_gcm_8,
    model::Encr::aes_ccm_16,    model::Encr::aes_ccm_12,     model::Encr::aes_ccm_8,
    model::Encr::aes_cbc,       model::Encr::aes_ctr,        model::Encr::null_auth_aes_gmac,
    model::Encr::aes_ccm_8_iiv, model::Encr::aes_gcm_16_iiv, model::Encr::chacha20_poly1305,
    model::Encr::null,          model::Encr::chacha20_poly1305_iiv};
constexpr model::Integ integrity_algorithms[] = {model::Integ::hmac_sha2_256_128, model::Integ::hmac_sha2_384_192,
                                                 model::Integ::hmac_sha2_512_256, model::Integ::hmac_sha1_96};
constexpr model::Prf prfs[] = {model::Prf::hmac_sha2_256, model::Prf::hmac_sha2_384, model::Prf::hmac_sha2_512,
                               model::Prf::hmac_sha1};

Hash hash_of(model::Prf prf) {
    switch (prf) {
        case model::Prf::hmac_sha1: return Hash::sha1;
        case model::Prf::hmac_sha2_384: return Hash::sha2_384;
        case model::Prf::hmac_sha2_512: return Hash::sha2_512;
        default: return Hash::sha2_256;
    }
}

// The library whose table holds this row.
template <class Row>
std::string owner_of(std::span<const Row> Library::* table, const Row* row) {
    for (const Library& library : libraries()) {
        const auto& rows = library.*table;
        if (!rows.empty() && row >= rows.data() && row < rows.data() + rows.size()) return library.version();
    }
    return "";
}

// RFC 7296 §3.2, §3.4: a payload's length has 16 bits, and its header and that of KE take eight octets.
constexpr std::size_t ke_payload_value_octets = 65'535 - 8;

bool has_key_sizes(model::Encr encr) {
    return encr != model::Encr::chacha20_poly1305 && encr != model::Encr::chacha20_poly1305_iiv &&
           encr != model::Encr::null;
}

std::vector<std::uint16_t> key_bits_of(model::Encr encr) {
    if (!has_key_sizes(encr)) return {0};
    return {std::begin(aes_key_bits), std::end(aes_key_bits)};
}

std::string text_of(model::Encr encr, std::uint16_t bits) {
    return model::Transform::of(encr, bits == 0 ? std::nullopt : std::optional(bits)).text();
}

// A cipher that is no AEAD is asked for with any integrity algorithm: all go with all.
CipherSuite suite_of(model::Encr encr, std::uint16_t bits) {
    return {encr, bits, model::is_aead(encr) ? model::Integ::none : model::Integ::hmac_sha2_256_128};
}

std::string version_of(std::string_view library_name) {
    for (const Library& library : libraries())
        if (library_name == library.name) return library.version();
    return "";
}

void add_ciphers(std::vector<CatalogueRow>& rows) {
    for (const model::Encr encr : encryption_of_packets)
        for (const std::uint16_t bits : key_bits_of(encr)) {
            const auto names = packet_cipher_implementations(suite_of(encr, bits));
            if (!names.empty()) rows.push_back({"ESP packets", text_of(encr, bits), version_of(names.front())});
        }
    for (const std::uint16_t bits : aes_key_bits) {
        if (const AeadRow* row = best_aead(AeadKind::aes_gcm, bits / 8))
            rows.push_back({"aead", text_of(model::Encr::aes_gcm_16, bits), owner_of(&Library::aeads, row)});
        if (const AeadRow* row = best_aead(AeadKind::aes_ccm, bits / 8))
            rows.push_back({"aead", text_of(model::Encr::aes_ccm_16, bits), owner_of(&Library::aeads, row)});
        if (const CbcRow* row = best_cbc(bits / 8))
            rows.push_back({"encryption", text_of(model::Encr::aes_cbc, bits), owner_of(&Library::cbcs, row)});
    }
    if (const AeadRow* row = best_aead(AeadKind::chacha20_poly1305, 32))
        rows.push_back({"aead", name_of(model::Encr::chacha20_poly1305), owner_of(&Library::aeads, row)});
}

std::vector<CatalogueRow> make_catalogue() {
    std::vector<CatalogueRow> rows;
    add_ciphers(rows);
    for (const model::Integ integ : integrity_algorithms)
        rows.push_back({"integrity", name_of(integ), owner_of(&Library::hashes, &best_hash(integ_of(integ)->hash))});
    for (const model::Prf prf : prfs)
        rows.push_back({"prf", name_of(prf), owner_of(&Library::hashes, &best_hash(hash_of(prf)))});
    for (const model::Ke method : model::key_exchange_methods()) {
        if (const KeRow* row = best_key_exchange(model::on_the_wire(method)))
            rows.push_back({"ke", name_of(model::on_the_wire(method)), owner_of(&Library::key_exchanges, row)});
    }
    for (std::size_t i = 0; i < key_type_count; ++i) {
        const auto type = static_cast<KeyType>(i);
        if (const SignatureRow* row = best_signature(type))
            rows.push_back({"signature", std::string(name_of(type)), owner_of(&Library::signatures, row)});
    }
    rows.push_back({"X.509", "path validation", openssl_version()});
    return rows;
}

bool supports_encryption(model::Protocol protocol, const model::Transform& transform) {
    const auto encr = static_cast<model::Encr>(transform.id);
    // RFC 3602 §3, RFC 4106 §8.4, RFC 7634 §4: the Key Length attribute is required or must not be there.
    if (has_key_sizes(encr) != transform.key_bits.has_value()) return false;
    const CipherSuite suite = suite_of(encr, transform.key_bits.value_or(0));
    if (protocol == model::Protocol::esp) return packet_shape_of(suite).has_value();
    return std::ranges::find(encryption_of_messages, encr) != std::end(encryption_of_messages) &&
           shape_of(suite).has_value();
}

}  // namespace

std::span<const Library> libraries() {
    static const std::vector<Library> list = make_libraries();
    return list;
}

std::optional<IntegFacts> integ_of(model::Integ integ) {
    switch (integ) {
        case model::Integ::hmac_sha1_96: return IntegFacts{Hash::sha1, 20, 12};
        case model::Integ::hmac_sha2_256_128: return IntegFacts{Hash::sha2_256, 32, 16};
        case model::Integ::hmac_sha2_384_192: return IntegFacts{Hash::sha2_384, 48, 24};
        case model::Integ::hmac_sha2_512_256: return IntegFacts{Hash::sha2_512, 64, 32};
        default: return std::nullopt;
    }
}

const HashRow& best_hash(Hash hash) {
    const HashRow* row = first_row(&Library::hashes, [&](const HashRow& each) { return each.hash == hash; });
    ASSERT(row);
    return *row;
}

const AeadRow* best_aead(AeadKind kind, std::size_t key_size) {
    return first_row(&Library::aeads,
                     [&](const AeadRow& row) { return row.kind == kind && row.key_size == key_size && row.for_messages; });
}

const CbcRow* best_cbc(std::size_t key_size) {
    return first_row(&Library::cbcs, [&](const CbcRow& row) { return row.key_size == key_size; });
}

const KeRow* best_key_exchange(model::Ke number) {
    const auto method = model::method_of(number);
    if (!method) return nullptr;
    return first_row(&Library::key_exchanges, [&](const KeRow& row) { return row.method == *method; });
}

const SignatureRow* best_signature(KeyType type) {
    return first_row(&Library::signatures, [&](const SignatureRow& each) { return each.type == type; });
}

const std::vector<CatalogueRow>& catalogue() {
    static const std::vector<CatalogueRow> rows = make_catalogue();
    return rows;
}

void prepare() {
    for (const Library& library : libraries())
        if (library.prepare != nullptr) library.prepare();
}

bool fits_first_message(model::Ke method) {
    const auto shape = shape_of(method);
    return !shape || std::max(shape->initiator_size, shape->responder_size) <= model::limits::first_message_key_octets;
}

bool supports(model::Protocol protocol, const model::Transform& transform) {
    if (!transform.other_attributes.empty()) return false;
    if (transform.type == model::TransformType::encr) return supports_encryption(protocol, transform);
    if (transform.key_bits) return false;
    switch (transform.type) {
        case model::TransformType::prf: return prf_size(static_cast<model::Prf>(transform.id)) != 0;
        case model::TransformType::integ: {
            const auto integ = static_cast<model::Integ>(transform.id);
            if (protocol == model::Protocol::ah) return mac_shape_of(integ).has_value();
            return integ == model::Integ::none ||
                   std::ranges::find(integrity_algorithms, integ) != std::end(integrity_algorithms);
        }
        case model::TransformType::sn: return transform.id <= 1;
        default: break;
    }
    if (transform.type != model::TransformType::ke && !is_additional_ke(transform.type)) return false;
    const auto method = static_cast<model::Ke>(transform.id);
    if (method == model::Ke::none) return true;
    const auto shape = shape_of(method);
    // docs/protocol/large-key-exchange.md: larger ones come in pieces, which the first exchange has no place for.
    return shape && (is_additional_ke(transform.type) || shape->initiator_size <= ke_payload_value_octets);
}

}  // namespace cygnet::crypto
