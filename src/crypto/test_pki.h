// Keys and certificates for tests, made when they run: src/crypto's own, the simulator's and fuzz seeds.
// Not part of the daemon: the library is called crypto_test_pki.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "crypto/signature.h"

namespace cygnet::crypto {

// 2026-01-01 and 2036-01-01: the default validity of a test certificate.
inline constexpr std::int64_t test_not_before = 1767225600;
inline constexpr std::int64_t test_not_after = 2082758400;
inline constexpr std::int64_t test_now = 1800000000;

struct TestCertificate {
    std::string subject;              // "C=CH, CN=moon"
    std::string alternative_names{};  // OpenSSL's notation: "DNS:moon.example,IP:192.0.2.1"
    std::string basic_constraints{};  // "critical,CA:TRUE,pathlen:0"; empty: no extension
    std::string key_usage{};          // "critical,keyCertSign"
    std::string name_constraints{};   // "permitted;DNS:example"
    std::int64_t not_before = test_not_before;
    std::int64_t not_after = test_not_after;
    const char* hash = "SHA256";
};

// A private key in PEM.
std::string make_test_key(KeyType type, unsigned rsa_bits = 2048);

// The certificate in DER, signed by `issuer_key` in the name of `issuer` (DER; empty: self-signed).
Bytes make_test_certificate(const TestCertificate& wanted, const std::string& key, ByteView issuer,
                            const std::string& issuer_key);

}  // namespace cygnet::crypto
