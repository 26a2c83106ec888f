// The example keys and certificates of RFC 9881 and RFC 9909, and some of OpenSSL 3.5, which are part of this repository.
#include <gtest/gtest.h>

#include <iostream>

#include "crypto/der.h"
#include "crypto/x509.h"
#include "tests/vectors/vector_files.h"

namespace cygnet::vectors {
namespace {

using namespace crypto;
using model::SignatureHash;

Bytes file(const std::string& name) { return keep(bytes_of(read_text(own_folder() / "lamps" / name))); }

// The public key is in PEM, of which the octets are all there is.
Bytes spki_of(const std::string& name) {
    const Bytes pem = file(name);
    const std::string_view text = text_of(pem);
    const std::size_t from = text.find('\n');
    return *from_base64(text.substr(from, text.find("-----END") - from));
}

void expect_own_signatures(const PrivateKey& key) {
    const auto schemes = schemes_for(key.public_key().type(), supported_signature_hashes());
    ASSERT_EQ(schemes.size(), 1u);
    const auto signature = sign(key, schemes.front(), bytes_of("octets"));
    ASSERT_TRUE(signature);
    EXPECT_TRUE(verify(key.public_key(), schemes.front(), bytes_of("octets"), *signature));
}

// RFC 9881 §6: seed, expanded key, or both.
TEST(Rfc9881, AKeyIsTheSameInItsThreeForms) {
    for (const std::string set : {"ML-DSA-44", "ML-DSA-65", "ML-DSA-87"}) {
        const Bytes spki = spki_of(set + ".pub");
        for (const char* form : {"-seed.priv", "-expanded.priv", "-both.priv"}) {
            SCOPED_TRACE(set + form);
            const auto key = PrivateKey::parse(file(set + form));
            ASSERT_TRUE(key) << key.error().text();
            EXPECT_EQ(key->public_key().spki(), spki);
            EXPECT_EQ(name_of(key->public_key().type()), set);
            expect_own_signatures(*key);
        }
    }
}

TEST(Rfc9881, TheBadKeysAreRefused) {
    for (const char* name : {"bad-ML-DSA-44-1.priv", "bad-ML-DSA-44-2.priv", "bad-ML-DSA-44-3.priv"}) {
        const auto key = PrivateKey::parse(file(name));
        ASSERT_FALSE(key) << name;
        EXPECT_EQ(key.error().code, Errc::bad_value) << name;
    }
}

// By itself, since nobody looks at the signature of a trust anchor.
void expect_self_signed(const Certificate& certificate) {
    ByteView parts = *der::expect_only(certificate.der(), der::sequence);
    const der::Element content = *der::read(parts), algorithm = *der::read(parts);
    const ByteView signature = *der::expect_only(parts, der::bit_string);
    const auto scheme = parse_algorithm_identifier(algorithm.whole);
    ASSERT_TRUE(scheme && certificate.public_key());
    EXPECT_TRUE(certificate.is_issued_by(certificate));
    EXPECT_TRUE(verify(*certificate.public_key(), *scheme, content.whole, signature.subspan(1)));
    EXPECT_FALSE(verify(*certificate.public_key(), *scheme, algorithm.whole, signature.subspan(1)));
}

TEST(Rfc9881, TheCertificatesAreSignedByTheirKeys) {
    for (const std::string set : {"ML-DSA-44", "ML-DSA-65", "ML-DSA-87"}) {
        const auto certificate = Certificate::parse(file(set + ".crt"));
        ASSERT_TRUE(certificate && certificate->public_key()) << set;
        EXPECT_EQ(certificate->public_key()->spki(), spki_of(set + ".pub"));
        expect_self_signed(*certificate);
    }
}

// RFC 9909 appendix C.
TEST(Rfc9909, TheKeyAndItsCertificateBelongTogether) {
    if (!supports(KeyType::slh_dsa_sha2_128s)) GTEST_SKIP() << "no library of this build computes SLH-DSA (Botan 3 or OpenSSL 3.5)";
    const auto key = PrivateKey::parse(file("id-slh-dsa-sha2-128s.priv"));
    ASSERT_TRUE(key) << key.error().text();
    EXPECT_EQ(key->public_key().spki(), spki_of("id-slh-dsa-sha2-128s.pub"));
    const auto certificate = Certificate::parse(file("id-slh-dsa-sha2-128s.pem"));
    ASSERT_TRUE(certificate && certificate->public_key());
    EXPECT_EQ(certificate->public_key()->spki(), key->public_key().spki());
    expect_self_signed(*certificate);
}

// Made with `openssl genpkey`, `req` and `x509` 3.5.9; the root's key is ML-DSA-87.
TEST(OpenSsl35, ItsKeysAndCertificatesAreTaken) {
    const auto read = [](const std::string& name) { return keep(bytes_of(read_text(own_folder() / "openssl_3_5" / name))); };
    constexpr std::int64_t now = 1'800'000'000;
    const auto root = Certificate::parse(read("root.pem"));
    ASSERT_TRUE(root);
    for (const auto& [name, type] : {std::pair{"ml-dsa-65", KeyType::ml_dsa_65},
                                     std::pair{"slh-dsa-sha2-192f", KeyType::slh_dsa_sha2_192f},
                                     std::pair{"slh-dsa-shake-256f", KeyType::slh_dsa_shake_256f}}) {
        SCOPED_TRACE(name);
        if (!supports(type)) {
            std::cout << "skipped: no library of this build computes " << name_of(type) << '\n';
            continue;
        }
        const auto key = PrivateKey::parse(read(std::string(name) + ".key"));
        ASSERT_TRUE(key) << key.error().text();
        const auto certificate = Certificate::parse(read(std::string(name) + ".pem"));
        ASSERT_TRUE(certificate && certificate->public_key());
        EXPECT_EQ(certificate->public_key()->spki(), key->public_key().spki());
        EXPECT_EQ(key->public_key().type(), type);
        expect_own_signatures(*key);
        const auto path = validate_path(*certificate, {}, {&*root, 1}, {.now = now, .signers = PathRules::Signers::post_quantum});
        EXPECT_TRUE(path) << path.error().detail;
        EXPECT_FALSE(validate_path(*certificate, {}, {&*root, 1}, {.now = now, .signers = PathRules::Signers::classic}));
    }
}

}  // namespace
}  // namespace cygnet::vectors
