// Keys and certificates for tests, made when they run: src/crypto's own, the simulator's and fuzz seeds.
// Not part of the daemon: the library is called crypto_test_pki.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
    // Others by OpenSSL's names: {"certificatePolicies", "1.2.3.4"}, {"crlDistributionPoints", "URI:http://…"}
    std::vector<std::pair<std::string, std::string>> extensions{};
    std::int64_t not_before = test_not_before;
    std::int64_t not_after = test_not_after;
    const char* hash = "SHA256";
};

// A private key in PEM. ML-DSA: from a seed; SLH-DSA: always the same one of its type.
std::string make_test_key(KeyType type, unsigned rsa_bits = 2048);

// The certificate in DER, signed by `issuer_key` in the name of `issuer` (DER; empty: self-signed).
Bytes make_test_certificate(const TestCertificate& wanted, const std::string& key, ByteView issuer,
                            const std::string& issuer_key);

// A CRL in DER of the certificate `issuer`, signed by its key, that revokes the certificates in `revoked` (DER).
struct TestCrl {
    std::vector<Bytes> revoked{};
    std::int64_t this_update = test_now - 60;
    std::int64_t next_update = test_now + 3600;  // 0: not said
    long number = 1;
    std::string distribution_point{};  // OpenSSL's notation of issuingDistributionPoint: "onlyuser:TRUE"
};
Bytes make_test_crl(const TestCrl& wanted, ByteView issuer, const std::string& issuer_key);

// An OCSP response in DER about `certificate` of `issuer`, signed by `responder` with its key.
struct TestOcsp {
    enum class Status { good, revoked, unknown } status = Status::good;
    std::int64_t this_update = test_now - 60;
    std::int64_t next_update = test_now + 3600;  // 0: not said
};
Bytes make_test_ocsp(const TestOcsp& wanted, ByteView certificate, ByteView issuer, ByteView responder,
                     const std::string& responder_key);

}  // namespace cygnet::crypto
