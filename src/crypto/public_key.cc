#include "crypto/public_key.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "crypto/der.h"

namespace cygnet::crypto {
namespace {

using Kind = SignatureScheme::Kind;

constexpr const char* rsa_oid = "1.2.840.113549.1.1.1";
constexpr const char* ec_oid = "1.2.840.10045.2.1";

struct NamedCurve {
    const char* oid;
    KeyType type;
    unsigned bits;
};
constexpr NamedCurve named_curves[] = {
    {"1.2.840.10045.3.1.7", KeyType::ecdsa_256, 256},
    {"1.3.132.0.34", KeyType::ecdsa_384, 384},
    {"1.3.132.0.35", KeyType::ecdsa_521, 521},
};

// RFC 8410 §3; RFC 9881 §2; RFC 9909 §3. Sizes: RFC 8032 §5, FIPS 204 table 2, FIPS 205 table 2.
constexpr OneWay one_way[] = {
    {KeyType::ed25519, Kind::ed25519, "1.3.101.112", "Ed25519", 256, 32, 64},
    {KeyType::ed448, Kind::ed448, "1.3.101.113", "Ed448", 456, 57, 114},
    {KeyType::ml_dsa_44, Kind::ml_dsa_44, "2.16.840.1.101.3.4.3.17", "ML-DSA-44", 10496, 1312, 2420},
    {KeyType::ml_dsa_65, Kind::ml_dsa_65, "2.16.840.1.101.3.4.3.18", "ML-DSA-65", 15616, 1952, 3309},
    {KeyType::ml_dsa_87, Kind::ml_dsa_87, "2.16.840.1.101.3.4.3.19", "ML-DSA-87", 20736, 2592, 4627},
    {KeyType::slh_dsa_sha2_128s, Kind::slh_dsa_sha2_128s, "2.16.840.1.101.3.4.3.20", "SLH-DSA-SHA2-128s", 256, 32, 7856},
    {KeyType::slh_dsa_sha2_128f, Kind::slh_dsa_sha2_128f, "2.16.840.1.101.3.4.3.21", "SLH-DSA-SHA2-128f", 256, 32, 17088},
    {KeyType::slh_dsa_sha2_192s, Kind::slh_dsa_sha2_192s, "2.16.840.1.101.3.4.3.22", "SLH-DSA-SHA2-192s", 384, 48, 16224},
    {KeyType::slh_dsa_sha2_192f, Kind::slh_dsa_sha2_192f, "2.16.840.1.101.3.4.3.23", "SLH-DSA-SHA2-192f", 384, 48, 35664},
    {KeyType::slh_dsa_sha2_256s, Kind::slh_dsa_sha2_256s, "2.16.840.1.101.3.4.3.24", "SLH-DSA-SHA2-256s", 512, 64, 29792},
    {KeyType::slh_dsa_sha2_256f, Kind::slh_dsa_sha2_256f, "2.16.840.1.101.3.4.3.25", "SLH-DSA-SHA2-256f", 512, 64, 49856},
    {KeyType::slh_dsa_shake_128s, Kind::slh_dsa_shake_128s, "2.16.840.1.101.3.4.3.26", "SLH-DSA-SHAKE-128s", 256, 32, 7856},
    {KeyType::slh_dsa_shake_128f, Kind::slh_dsa_shake_128f, "2.16.840.1.101.3.4.3.27", "SLH-DSA-SHAKE-128f", 256, 32, 17088},
    {KeyType::slh_dsa_shake_192s, Kind::slh_dsa_shake_192s, "2.16.840.1.101.3.4.3.28", "SLH-DSA-SHAKE-192s", 384, 48, 16224},
    {KeyType::slh_dsa_shake_192f, Kind::slh_dsa_shake_192f, "2.16.840.1.101.3.4.3.29", "SLH-DSA-SHAKE-192f", 384, 48, 35664},
    {KeyType::slh_dsa_shake_256s, Kind::slh_dsa_shake_256s, "2.16.840.1.101.3.4.3.30", "SLH-DSA-SHAKE-256s", 512, 64, 29792},
    {KeyType::slh_dsa_shake_256f, Kind::slh_dsa_shake_256f, "2.16.840.1.101.3.4.3.31", "SLH-DSA-SHAKE-256f", 512, 64, 49856},
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

std::span<const OneWay> one_way_keys() { return one_way; }

const OneWay* one_way_of(KeyType type) {
    const auto* found = std::ranges::find(one_way, type, &OneWay::type);
    return found == std::end(one_way) ? nullptr : found;
}

const OneWay* one_way_of(SignatureScheme::Kind kind) {
    const auto* found = std::ranges::find(one_way, kind, &OneWay::kind);
    return found == std::end(one_way) ? nullptr : found;
}

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
    for (const OneWay& each : one_way) {
        if (oid != each.oid) continue;
        // The same sections: no parameters, and keys of one size.
        if (!algorithm.empty()) return fail(Errc::bad_value, "public key", fmt::format("{} has no parameters", each.name));
        if (facts.key_bits.size() != each.public_octets)
            return fail(Errc::bad_length, "public key",
                        fmt::format("{} octets, {} has {}", facts.key_bits.size(), each.name, each.public_octets));
        facts.type = each.type;
        facts.bits = each.bits;
        return facts;
    }
    std::string curve;
    if (oid == ec_oid) curve = der::oid_text(TRY(der::expect_only(algorithm, der::object_identifier)));
    for (const NamedCurve& named : named_curves) {
        if (curve != named.oid) continue;
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
