#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "tests/vectors/json_file.h"

namespace cygnet::vectors {
namespace {

struct Unused {
    std::string_view prefix;
    std::string_view reason;
};
// What the catalogue does not have (yet).
constexpr Unused unused[] = {
    {"aes_cmac", "AES-CMAC is not in the catalogue"},
    {"aes_kwp", "key wrapping is for group keys"},
    {"aes_wrap", "key wrapping is for group keys"},
    {"ecdh_brainpool", "Brainpool groups are not in the catalogue"},
    {"ecdsa_brainpool", "Brainpool keys are not in the catalogue"},
    {"hkdf", "IKEv2 uses prf+ instead"},
    {"x448", "Curve448 is not in the catalogue"},
    {"xchacha20", "not an IKEv2 or ESP cipher"},
};
constexpr std::string_view used[] = {
    "aes_ccm",
    "aes_gcm",
    "aes_gmac",
    "chacha20_poly1305",
    "hmac_sha1",
    "hmac_sha256",
    "hmac_sha384",
    "hmac_sha512",
    "x25519",
    "ecdh_secp256r1_ecpoint",
    "ecdh_secp384r1_ecpoint",
    "ecdh_secp521r1_ecpoint",
    "ecdsa_secp256r1_sha256",
    "ecdsa_secp384r1_sha384",
    "ecdsa_secp521r1_sha512",
    "ecdsa_secp256r1_sha256_p1363",
    "ecdsa_secp384r1_sha384_p1363",
    "ecdsa_secp521r1_sha512_p1363",
    "ed25519",
    "ed448",
    "rsa_pss_2048_sha256_mgf1_32",
    "rsa_pss_3072_sha256_mgf1_32",
    "rsa_pss_4096_sha512_mgf1_64",
    "rsa_signature_2048_sha256",
    "rsa_signature_3072_sha256",
    "rsa_signature_4096_sha512",
    "mldsa_44_verify",
    "mldsa_65_verify",
    "mldsa_87_verify",
    "mlkem_512_keygen_seed",
    "mlkem_768_keygen_seed",
    "mlkem_1024_keygen_seed",
    "mlkem_512_encaps",
    "mlkem_768_encaps",
    "mlkem_1024_encaps",
    "mlkem_512",
    "mlkem_768",
    "mlkem_1024",
};

TEST(Wycheproof, EveryFileIsUsedOrNamedWithItsReason) {
    const auto folder = shared_folder() / "wycheproof";
    NEED_FILE(folder, "the folder of shared vectors");
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::string name = entry.path().filename().string();
        constexpr std::string_view ending = "_test.json";
        if (!name.ends_with(ending)) continue;
        name.resize(name.size() - ending.size());
        if (std::ranges::find(used, name) != std::end(used)) continue;
        const auto row =
            std::ranges::find_if(unused, [&](const Unused& each) { return name.starts_with(each.prefix); });
        ASSERT_NE(row, std::end(unused)) << name << " is neither used nor listed";
        std::cout << "not applicable: " << name << ": " << row->reason << '\n';
    }
}

}  // namespace
}  // namespace cygnet::vectors
