// Private key files of ML-DSA (RFC 9881 §6) and SLH-DSA (RFC 9909 §5): PKCS#8, which no OpenSSL before 3.5 reads.
//
//   OneAsymmetricKey ::= SEQUENCE { version, AlgorithmIdentifier, privateKey OCTET STRING, [0] attributes, [1] publicKey }
//   ML-DSA, in privateKey: CHOICE { seed [0] OCTET STRING, expandedKey OCTET STRING, both SEQUENCE { seed, expandedKey } }
//   SLH-DSA, in privateKey: SK.seed | SK.prf | PK.seed | PK.root
#include <algorithm>

#include <fmt/format.h>

#include "crypto/der.h"
#include "crypto/public_key.h"

namespace cygnet::crypto {
namespace {

constexpr std::uint8_t seed_tag = 0x80;         // [0] IMPLICIT
constexpr std::uint8_t public_key_tag = 0x81;   // [1] IMPLICIT BIT STRING
constexpr std::size_t seed_octets = 32;         // FIPS 204 §5.1: xi

std::unexpected<Error> bad_length(const OneWay& key, std::string_view part, std::size_t octets) {
    return fail(Errc::bad_length, "private key", fmt::format("{} of {} octets is none of {}", part, octets, key.name));
}

// FIPS 204 table 2.
std::size_t expanded_octets(KeyType type) {
    return type == KeyType::ml_dsa_44 ? 2560 : type == KeyType::ml_dsa_65 ? 4032 : 4896;
}

bool is_ml_dsa(KeyType type) {
    return type == KeyType::ml_dsa_44 || type == KeyType::ml_dsa_65 || type == KeyType::ml_dsa_87;
}

Result<> read_ml_dsa(ByteView content, const OneWay& key, PostQuantumKey& into) {
    der::Element choice = TRY(der::read(content));
    if (!content.empty()) return fail(Errc::trailing, "private key");
    ByteView seed, expanded;
    switch (choice.tag) {
        case seed_tag: seed = choice.content; break;
        case der::octet_string: expanded = choice.content; break;
        case der::sequence:
            seed = TRY(der::expect(choice.content, der::octet_string));
            expanded = TRY(der::expect_only(choice.content, der::octet_string));
            break;
        default: return fail(Errc::bad_syntax, "private key", "neither seed nor expanded key nor both (RFC 9881 §6)");
    }
    const bool has_seed = choice.tag != der::octet_string, has_expanded = choice.tag != seed_tag;
    if (has_seed && seed.size() != seed_octets) return bad_length(key, "a seed", seed.size());
    if (has_expanded && expanded.size() != expanded_octets(key.type)) return bad_length(key, "an expanded key", expanded.size());
    into.seed = SecretBytes::copy_of(seed);
    into.expanded = SecretBytes::copy_of(expanded);
    return {};
}

Result<> read_slh_dsa(ByteView content, const OneWay& key, PostQuantumKey& into) {
    if (content.size() != 2 * key.public_octets) return bad_length(key, "a key", content.size());
    into.expanded = SecretBytes::copy_of(content);
    return {};
}

const OneWay* find_post_quantum(std::string_view oid) {
    const auto keys = one_way_keys();
    const auto found = std::ranges::find_if(keys, [&](const OneWay& each) { return each.oid == oid && is_post_quantum(each.type); });
    return found == keys.end() ? nullptr : &*found;
}

// The front of a PKCS#8 key whose algorithm is one of ours here.
struct Kind {
    const OneWay* key = nullptr;
    ByteView parameters, rest;
};
Result<Kind> kind_of(ByteView pkcs8) {
    ByteView content = TRY(der::expect_only(pkcs8, der::sequence));
    TRY(der::expect(content, der::integer));
    ByteView algorithm = TRY(der::expect(content, der::sequence));
    const OneWay* key = find_post_quantum(der::oid_text(TRY(der::expect(algorithm, der::object_identifier))));
    if (key == nullptr) return fail(Errc::unsupported, "private key");
    return Kind{key, algorithm, content};
}

Result<SecretBytes> octets_of_file(ByteView pem_or_der) {
    constexpr std::string_view begin = "-----BEGIN PRIVATE KEY-----", end = "-----END PRIVATE KEY-----";
    if (!pem_or_der.empty() && pem_or_der.front() == der::sequence) return SecretBytes::copy_of(pem_or_der);
    const std::string_view text = text_of(pem_or_der);
    const std::size_t from = text.find(begin), to = text.find(end);
    if (from == text.npos || to == text.npos || to < from + begin.size()) return fail(Errc::bad_syntax, "private key");
    auto octets = from_base64(text.substr(from + begin.size(), to - from - begin.size()));
    if (!octets) return fail(Errc::bad_syntax, "private key", "PEM that is not base64");
    return SecretBytes::take(*std::move(octets));
}

}  // namespace

std::optional<SecretBytes> post_quantum_pkcs8(ByteView pem_or_der) {
    auto pkcs8 = octets_of_file(pem_or_der);
    if (!pkcs8 || !kind_of(pkcs8->reveal())) return std::nullopt;
    return *std::move(pkcs8);
}

Result<PostQuantumKey> read_post_quantum_key(ByteView pkcs8) {
    Kind kind = TRY(kind_of(pkcs8));
    if (!kind.parameters.empty())
        return fail(Errc::bad_value, "private key", fmt::format("{} has no parameters", kind.key->name));
    const ByteView content = TRY(der::expect(kind.rest, der::octet_string));
    PostQuantumKey key{.type = kind.key->type};
    TRY(is_ml_dsa(key.type) ? read_ml_dsa(content, *kind.key, key) : read_slh_dsa(content, *kind.key, key));
    while (!kind.rest.empty()) {
        const der::Element field = TRY(der::read(kind.rest));
        if (field.tag == public_key_tag && !field.content.empty()) key.public_key = keep(field.content.subspan(1));
    }
    return key;
}

Bytes post_quantum_spki(KeyType type, ByteView public_key) {
    const Bytes oid = der::element(der::object_identifier, {der::oid_content(one_way_of(type)->oid)});
    static constexpr std::uint8_t no_unused_bits[] = {0};
    return der::element(der::sequence, {der::element(der::sequence, {oid}), der::element(der::bit_string, {no_unused_bits, public_key})});
}

}  // namespace cygnet::crypto
