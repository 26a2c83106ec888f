#include "crypto/public_key.h"

#include <algorithm>
#include <bit>

#include "crypto/der.h"

namespace cygnet::crypto {
namespace {

constexpr const char* rsa_oid = "1.2.840.113549.1.1.1";
constexpr const char* ec_oid = "1.2.840.10045.2.1";

struct NamedKey {
    const char* algorithm;
    const char* curve;  // the parameters' OID, or none
    KeyType type;
    unsigned bits;
};
constexpr NamedKey named_keys[] = {
    {ec_oid, "1.2.840.10045.3.1.7", KeyType::ecdsa_256, 256},
    {ec_oid, "1.3.132.0.34", KeyType::ecdsa_384, 384},
    {ec_oid, "1.3.132.0.35", KeyType::ecdsa_521, 521},
    {"1.3.101.112", nullptr, KeyType::ed25519, 256},
    {"1.3.101.113", nullptr, KeyType::ed448, 456},
};

// An INTEGER's octets without leading zeros.
ByteView magnitude(ByteView integer) {
    while (!integer.empty() && integer.front() == 0) integer = integer.subspan(1);
    return integer;
}

// The size of the modulus, RFC 8017 appendix A.1.1.
Result<unsigned> rsa_bits(ByteView key) {
    ByteView numbers = TRY(der::expect_only(key, der::sequence));
    const ByteView modulus = magnitude(TRY(der::expect(numbers, der::integer)));
    if (modulus.empty()) return fail(Errc::bad_value, "RSA modulus");
    return static_cast<unsigned>(modulus.size() * 8) - static_cast<unsigned>(std::countl_zero(modulus.front()));
}

Bytes der_integer(ByteView number) {
    number = magnitude(number);
    static constexpr std::uint8_t zero[] = {0};
    // X.690 §8.3: a set high bit would be a sign.
    const bool needs_zero = number.empty() || number.front() & 0x80;
    return der::element(der::integer, {needs_zero ? ByteView(zero) : ByteView{}, number});
}

}  // namespace

Result<PublicKeyFacts> read_public_key_facts(ByteView spki) {
    ByteView content = TRY(der::expect_only(spki, der::sequence));
    ByteView algorithm = TRY(der::expect(content, der::sequence));
    const ByteView bits = TRY(der::expect_only(content, der::bit_string));
    if (bits.empty() || bits.front() != 0) return fail(Errc::bad_value, "subjectPublicKey");

    const std::string oid = der::oid_text(TRY(der::expect(algorithm, der::object_identifier)));
    PublicKeyFacts facts{.key_bits = bits.subspan(1)};
    if (oid == rsa_oid) {
        facts.type = KeyType::rsa;
        facts.bits = TRY(rsa_bits(facts.key_bits));
        return facts;
    }
    std::string curve;
    if (oid == ec_oid) curve = der::oid_text(TRY(der::expect_only(algorithm, der::object_identifier)));
    for (const NamedKey& named : named_keys) {
        if (oid != named.algorithm || (named.curve && curve != named.curve)) continue;
        facts.type = named.type;
        facts.bits = named.bits;
        return facts;
    }
    return fail(Errc::unsupported, "public key", "keys of the kind " + oid + ' ' + curve + " are not supported");
}

Result<Bytes> raw_from_ecdsa_der(ByteView der, std::size_t number_size) {
    ByteView numbers = TRY(der::expect_only(der, der::sequence));
    Bytes raw(2 * number_size);
    for (std::size_t i = 0; i < 2; ++i) {
        const ByteView number = magnitude(TRY(der::expect(numbers, der::integer)));
        if (number.size() > number_size) return fail(Errc::bad_length, "ECDSA signature");
        std::ranges::copy(number, raw.begin() + static_cast<std::ptrdiff_t>((i + 1) * number_size - number.size()));
    }
    return raw;
}

Bytes ecdsa_der_from_raw(ByteView raw) {
    const std::size_t half = raw.size() / 2;
    return der::element(der::sequence, {der_integer(raw.first(half)), der_integer(raw.subspan(half))});
}

}  // namespace cygnet::crypto
