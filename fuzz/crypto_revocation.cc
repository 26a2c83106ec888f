// Any octets as a CRL and as an OCSP response about one certificate: what is not signed by its issuer decides nothing, and what
// decides holds at that time.
#include "crypto/revocation.h"

namespace {

using namespace cygnet;

// A CA and a certificate of it, valid until 2125; the seeds are about them.
constexpr const char* ca_base64 =
    "MIIBYDCCAQagAwIBAgIUBvcS3glrqvwE2nNCS/7iTWR01mQwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EwIBcNMjYxMTI2MTI1MzM0WhgPMj"
    "EyNjExMDIxMjUzMzRaMA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUXF0VwX7RqYaz1iUySfuIaF2JX24o/pYNCVN"
    "vU4PzcGA3JQTWrGYqUK4D6XQo/2lXCaCLQnINM12t6VRFPMaEaNCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBB"
    "YEFEqLvNAERhxWwEy3g9WVmRytKlbqMAoGCCqGSM49BAMCA0gAMEUCIQCTseOOo/wrbm+4AO88QseDKz9C4ttkeeGOLAFtROXmLgIgF/osAKEg"
    "UQtBxxywsscG30sKxR3WAMmQreU+5UMOtC8=";
constexpr const char* leaf_base64 =
    "MIIByDCCAW6gAwIBAgIBATAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAgFw0yNjExMjYxMjUzMzRaGA8yMTI1MDYyMDEyNTMzNFowDzENMA"
    "sGA1UEAwwEbW9vbjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCakjXtAxHKKGyGjCZGmQBfA5680cE+11LIBOJdnjJSg++CwXUtS9XY/ZzCz"
    "uj32RL9VK8T5MhPaReJFeTwLRXijgbowgbcwKgYDVR0fBCMwITAfoB2gG4YZaHR0cDovL3BraS5leGFtcGxlL2NhLmNybDAwBggrBgEFBQcBAQ"
    "QkMCIwIAYIKwYBBQUHMAGGFGh0dHA6Ly9vY3NwLmV4YW1wbGUvMBcGA1UdEQQQMA6CDG1vb24uZXhhbXBsZTAfBgNVHSMEGDAWgBRKi7zQBEYc"
    "VsBMt4PVlZkcrSpW6jAdBgNVHQ4EFgQUQWnb/cTzJQrY47m/aeZW22MjdyswCgYIKoZIzj0EAwIDSAAwRQIhALHZSUqh9ueKbTW3e4Rz3rtasQ"
    "YbyLF+WrhBQqyCjC5zAiBm5sQtchLUMum29F7lS1Mu8oGSHhOTeE7+STzftHHtMg==";
constexpr std::int64_t now = 1795697700;  // a minute or two after the seeds were made

crypto::Certificate certificate(const char* base64) { return crypto::Certificate::parse(from_base64(base64).value()).value(); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const crypto::Certificate ca = certificate(ca_base64), leaf = certificate(leaf_base64);
    static const std::vector<crypto::Certificate> path{leaf, ca};
    const ByteView octets(data, size);
    if (const auto crl = crypto::Crl::parse(octets)) {
        ASSERT(crypto::Crl::parse(crl->der()).value() == *crl);
        ASSERT(crl->issuer_text().find('\0') == std::string::npos);
        const crypto::Verdict verdict = crypto::judge_by_crls(path, 0, {}, {&*crl, 1}, now);
        ASSERT(!verdict.decided() || crl->is_signed_by(ca));
        ASSERT(verdict.standing != crypto::Verdict::Standing::good || verdict.until >= now);
    }
    const crypto::Verdict verdict = crypto::judge_by_ocsp(octets, leaf, ca, {}, now);
    ASSERT(verdict.decided() ? verdict.until >= now : !verdict.detail.empty());
    return 0;
}
