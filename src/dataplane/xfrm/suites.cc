#include "dataplane/xfrm/suites.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "model/proposal.h"

namespace cygnet::dataplane::xfrm {
namespace {

using model::Encr;
using model::Integ;

struct CipherRow {
    Encr encr;
    const char* name;
    std::uint16_t default_key_bits;
    std::size_t salt_octets;
    std::uint32_t icv_bits;  // 0: no AEAD
};
constexpr CipherRow ciphers[] = {
    {Encr::aes_gcm_16, "rfc4106(gcm(aes))", 128, 4, 128},
    {Encr::aes_gcm_12, "rfc4106(gcm(aes))", 128, 4, 96},
    {Encr::aes_gcm_8, "rfc4106(gcm(aes))", 128, 4, 64},
    {Encr::aes_ccm_16, "rfc4309(ccm(aes))", 128, 3, 128},
    {Encr::aes_ccm_12, "rfc4309(ccm(aes))", 128, 3, 96},
    {Encr::aes_ccm_8, "rfc4309(ccm(aes))", 128, 3, 64},
    {Encr::chacha20_poly1305, "rfc7539esp(chacha20,poly1305)", 256, 4, 128},
    {Encr::null_auth_aes_gmac, "rfc4543(gcm(aes))", 128, 4, 128},
    {Encr::camellia_ccm_16, "rfc4309(ccm(camellia))", 128, 3, 128},
    {Encr::camellia_ccm_12, "rfc4309(ccm(camellia))", 128, 3, 96},
    {Encr::camellia_ccm_8, "rfc4309(ccm(camellia))", 128, 3, 64},
    {Encr::aes_cbc, "cbc(aes)", 128, 0, 0},
    {Encr::aes_ctr, "rfc3686(ctr(aes))", 128, 4, 0},
    {Encr::camellia_cbc, "cbc(camellia)", 128, 0, 0},
    {Encr::camellia_ctr, "rfc3686(ctr(camellia))", 128, 4, 0},
    {Encr::triple_des, "cbc(des3_ede)", 192, 0, 0},
    {Encr::null, "ecb(cipher_null)", 0, 0, 0},
};

struct IntegrityRow {
    Integ integ;
    const char* name;
    std::size_t key_octets;
    std::uint32_t icv_bits;
};
constexpr IntegrityRow integrities[] = {
    {Integ::hmac_sha2_256_128, "hmac(sha256)", 32, 128}, {Integ::hmac_sha2_384_192, "hmac(sha384)", 48, 192},
    {Integ::hmac_sha2_512_256, "hmac(sha512)", 64, 256}, {Integ::hmac_sha1_96, "hmac(sha1)", 20, 96},
    {Integ::hmac_md5_96, "hmac(md5)", 16, 96},           {Integ::aes_xcbc_96, "xcbc(aes)", 16, 96},
    {Integ::aes_cmac_96, "cmac(aes)", 16, 96},
};

const CipherRow* row_of(Encr encr) {
    const auto row = std::ranges::find(ciphers, encr, &CipherRow::encr);
    return row != std::end(ciphers) ? &*row : nullptr;
}
const IntegrityRow* row_of(Integ integ) {
    const auto row = std::ranges::find(integrities, integ, &IntegrityRow::integ);
    return row != std::end(integrities) ? &*row : nullptr;
}

}  // namespace

Result<Suite> suite_of(Encr encr, Integ integ, const model::DirectionKeys& keys) {
    const CipherRow* cipher = row_of(encr);
    if (cipher == nullptr)
        return fail(Errc::unsupported, "encryption",
                    fmt::format("the kernel's ESP has no {}: use another, or Cygnet's own ESP (--esp userspace)", model::name_of(encr)));
    Suite suite;
    Algorithm named{.name = cipher->name, .key = keys.encr.clone(), .icv_bits = cipher->icv_bits};
    (cipher->icv_bits != 0 ? suite.aead : suite.cipher) = std::move(named);
    if (suite.aead) return suite;
    const IntegrityRow* integrity = row_of(integ);
    if (integrity == nullptr)
        return fail(Errc::unsupported, "integrity",
                    fmt::format("the kernel's ESP has no {}: use another, or Cygnet's own ESP (--esp userspace)", model::name_of(integ)));
    suite.integrity = Algorithm{.name = integrity->name, .key = keys.integ.clone(), .icv_bits = integrity->icv_bits};
    return suite;
}

Result<Suite> ah_suite_of(Integ integ, const model::DirectionKeys& keys) {
    const IntegrityRow* integrity = row_of(integ);
    if (integrity == nullptr)
        return fail(Errc::unsupported, "integrity",
                    fmt::format("the kernel's AH has no {}: use another, or Cygnet's own (--esp userspace)", model::name_of(integ)));
    Suite suite;
    suite.integrity = Algorithm{.name = integrity->name, .key = keys.integ.clone(), .icv_bits = integrity->icv_bits};
    return suite;
}

std::optional<std::size_t> key_octets(Encr encr, std::uint16_t key_bits) {
    const CipherRow* cipher = row_of(encr);
    if (cipher == nullptr) return std::nullopt;
    return (key_bits != 0 ? key_bits : cipher->default_key_bits) / 8U + cipher->salt_octets;
}

std::optional<std::size_t> key_octets(Integ integ) {
    const IntegrityRow* integrity = row_of(integ);
    if (integrity == nullptr) return std::nullopt;
    return integrity->key_octets;
}

}  // namespace cygnet::dataplane::xfrm
