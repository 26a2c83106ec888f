#include "crypto/catalogue.h"

#include <algorithm>

#include "crypto/prf.h"
#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

// The order is the choice: ipsec-mb is the fastest for packets, AWS-LC for single messages and public
// keys, OpenSSL has everything.
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
                    .cbcs = openssl_cbcs(),
                    .key_exchanges = openssl_key_exchanges(),
                    .signatures = openssl_signatures()});
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
constexpr model::Encr encryption_algorithms[] = {model::Encr::aes_gcm_16, model::Encr::aes_gcm_12,
                                                 model::Encr::aes_gcm_8, model::Encr::aes_cbc,
                                                 model::Encr::chacha20_poly1305};
constexpr model::Integ integrity_algorithms[] = {model::Integ::hmac_sha2_256_128, model::Integ::hmac_sha2_384_192,
                                                 model::Integ::hmac_sha2_512_256, model::Integ::hmac_sha1_96};
constexpr model::Prf prfs[] = {model::Prf::hmac_sha2_256, model::Prf::hmac_sha2_384, model::Prf::hmac_sha2_512,
                               model::Prf::hmac_sha1};
constexpr KeyType key_types[] = {KeyType::rsa,       KeyType::ecdsa_256, KeyType::ecdsa_384,
                                 KeyType::ecdsa_521, KeyType::ed25519,   KeyType::ed448};

Hash hash_of(model::Prf prf) {
    switch (prf) {
        case model::Prf::hmac_sha1: return Hash::sha1;
        case model::Prf::hmac_sha2_384: return Hash::sha2_384;
        case model::Prf::hmac_sha2_512: return Hash::sha2_512;
        default: return Hash::sha2_256;
    }
}

Hash hash_of(model::Integ integ) {
    switch (integ) {
        case model::Integ::hmac_sha1_96: return Hash::sha1;
        case model::Integ::hmac_sha2_384_192: return Hash::sha2_384;
        case model::Integ::hmac_sha2_512_256: return Hash::sha2_512;
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

void add_ciphers(std::vector<CatalogueRow>& rows) {
    for (const std::uint16_t bits : aes_key_bits) {
        const AeadRow* packets = first_row(&Library::aeads, [&](const AeadRow& row) {
            return row.kind == AeadKind::aes_gcm && row.key_size == bits / 8U && row.make_packet_cipher;
        });
        const std::string name = model::Transform::of(model::Encr::aes_gcm_16, bits).text();
        if (packets) rows.push_back({"ESP packets", name, owner_of(&Library::aeads, packets)});
        if (const AeadRow* row = best_aead(AeadKind::aes_gcm, bits / 8))
            rows.push_back({"aead", name, owner_of(&Library::aeads, row)});
        if (const CbcRow* row = best_cbc(bits / 8))
            rows.push_back(
                {"encryption", model::Transform::of(model::Encr::aes_cbc, bits).text(), owner_of(&Library::cbcs, row)});
    }
    const AeadRow* packets = first_row(&Library::aeads, [](const AeadRow& row) {
        return row.kind == AeadKind::chacha20_poly1305 && row.make_packet_cipher;
    });
    const std::string name = name_of(model::Encr::chacha20_poly1305);
    if (packets) rows.push_back({"ESP packets", name, owner_of(&Library::aeads, packets)});
    if (const AeadRow* row = best_aead(AeadKind::chacha20_poly1305, 32))
        rows.push_back({"aead", name, owner_of(&Library::aeads, row)});
}

std::vector<CatalogueRow> make_catalogue() {
    std::vector<CatalogueRow> rows;
    add_ciphers(rows);
    for (const model::Integ integ : integrity_algorithms)
        rows.push_back({"integrity", name_of(integ), owner_of(&Library::hashes, &best_hash(hash_of(integ)))});
    for (const model::Prf prf : prfs)
        rows.push_back({"prf", name_of(prf), owner_of(&Library::hashes, &best_hash(hash_of(prf)))});
    for (unsigned id = 1; id < 64; ++id) {
        const auto method = static_cast<model::Ke>(id);
        if (const KeRow* row = best_key_exchange(method))
            rows.push_back({"ke", name_of(method), owner_of(&Library::key_exchanges, row)});
    }
    for (const KeyType type : key_types)
        rows.push_back(
            {"signature", std::string(name_of(type)), owner_of(&Library::signatures, &best_signature(type))});
    rows.push_back({"X.509", "path validation", openssl_version()});
    return rows;
}

bool supports_encryption(model::Protocol protocol, const model::Transform& transform) {
    const auto encr = static_cast<model::Encr>(transform.id);
    if (std::ranges::find(encryption_algorithms, encr) == std::end(encryption_algorithms)) return false;
    if (encr == model::Encr::chacha20_poly1305) {
        if (transform.key_bits) return false;  // RFC 7634 §4: no Key Length attribute
    } else if (!transform.key_bits) {
        return false;  // RFC 3602 §3, RFC 4106 §8.4: the attribute is required
    }
    const std::uint16_t bits = transform.key_bits.value_or(0);
    if (bits % 8 != 0) return false;
    // A cipher without its integrity algorithm: any one shows whether the key size is known.
    const auto integ = encr == model::Encr::aes_cbc ? model::Integ::hmac_sha2_256_128 : model::Integ::none;
    // ESP packets are sealed in batches, which are combined-mode ciphers with 16-octet ICVs only.
    if (protocol == model::Protocol::esp)
        return !packet_cipher_implementations(encr, encr == model::Encr::chacha20_poly1305 ? 32 : bits / 8).empty();
    return shape_of(CipherSuite{encr, bits, integ}).has_value();
}

}  // namespace

std::span<const Library> libraries() {
    static const std::vector<Library> list = make_libraries();
    return list;
}

const HashRow& best_hash(Hash hash) {
    const HashRow* row = first_row(&Library::hashes, [&](const HashRow& each) { return each.hash == hash; });
    ASSERT(row);
    return *row;
}

const AeadRow* best_aead(AeadKind kind, std::size_t key_size) {
    return first_row(&Library::aeads,
                     [&](const AeadRow& row) { return row.kind == kind && row.key_size == key_size && row.make; });
}

const CbcRow* best_cbc(std::size_t key_size) {
    return first_row(&Library::cbcs, [&](const CbcRow& row) { return row.key_size == key_size; });
}

const KeRow* best_key_exchange(model::Ke method) {
    return first_row(&Library::key_exchanges, [&](const KeRow& row) { return row.method == method; });
}

const SignatureRow& best_signature(KeyType type) {
    const SignatureRow* row =
        first_row(&Library::signatures, [&](const SignatureRow& each) { return each.type == type; });
    ASSERT(row);
    return *row;
}

const std::vector<CatalogueRow>& catalogue() {
    static const std::vector<CatalogueRow> rows = make_catalogue();
    return rows;
}

bool supports(model::Protocol protocol, const model::Transform& transform) {
    if (!transform.other_attributes.empty()) return false;
    if (transform.type == model::TransformType::encr) return supports_encryption(protocol, transform);
    if (transform.key_bits) return false;
    switch (transform.type) {
        case model::TransformType::prf: return prf_size(static_cast<model::Prf>(transform.id)) != 0;
        case model::TransformType::integ: {
            const auto integ = static_cast<model::Integ>(transform.id);
            return integ == model::Integ::none ||
                   std::ranges::find(integrity_algorithms, integ) != std::end(integrity_algorithms);
        }
        case model::TransformType::sn: return transform.id <= 1;
        default: break;
    }
    if (transform.type != model::TransformType::ke && !is_additional_ke(transform.type)) return false;
    const auto method = static_cast<model::Ke>(transform.id);
    return method == model::Ke::none || best_key_exchange(method) != nullptr;
}

}  // namespace cygnet::crypto
