#include <gtest/gtest.h>

#include "crypto/public_key.h"
#include "crypto/rows.h"
#include "tests/vectors/json_file.h"

namespace cygnet::vectors {
namespace {

using namespace crypto;
using model::AuthMethod;
using model::SignatureHash;
using Kind = SignatureScheme::Kind;

// A group's key in each library's form, read once.
struct GroupKeys {
    std::vector<std::pair<const SignatureRow*, KeyObject>> keys;

    GroupKeys(KeyType type, const Bytes& spki) {
        for (const Library& library : libraries())
            for (const SignatureRow& row : library.signatures)
                if (row.type == type) {
                    auto key = row.read_public(spki);
                    EXPECT_TRUE(key) << library.name;
                    if (key) keys.emplace_back(&row, *key);
                }
    }
};

// Verification over every row. Signatures that are "acceptable" may go either way.
void run_verify(const std::string& name, const SignatureScheme& scheme) {
    NEED_WYCHEPROOF(name);
    int run = 0;
    const Json file = read_json(wycheproof_file(name));
    for (const Json& group : file.at("testGroups")) {
        const Bytes spki = octets(group.at("publicKeyDer").get<std::string>());
        const auto facts = read_public_key_facts(spki);
        ASSERT_TRUE(facts);
        const GroupKeys keys(facts->type, spki);
        for (const Json& test : group.at("tests")) {
            const WycheproofTest each{group, test};
            SCOPED_TRACE(each.name());
            for (const auto& [row, key] : keys.keys) {
                const bool good = row->verify(key.get(), scheme, each.octets("msg"), each.octets("sig"));
                if (each.valid()) {
                    EXPECT_TRUE(good);
                }
                if (each.invalid()) {
                    EXPECT_FALSE(good);
                }
                ++run;
            }
        }
    }
    EXPECT_GT(run, 40);
}

TEST(Wycheproof, EcdsaP256) { run_verify("ecdsa_secp256r1_sha256", {Kind::ecdsa, SignatureHash::sha2_256}); }
TEST(Wycheproof, EcdsaP384) { run_verify("ecdsa_secp384r1_sha384", {Kind::ecdsa, SignatureHash::sha2_384}); }
TEST(Wycheproof, EcdsaP521) { run_verify("ecdsa_secp521r1_sha512", {Kind::ecdsa, SignatureHash::sha2_512}); }
TEST(Wycheproof, Ed25519) { run_verify("ed25519", {Kind::ed25519, SignatureHash::identity}); }
TEST(Wycheproof, Ed448) { run_verify("ed448", {Kind::ed448, SignatureHash::identity}); }
TEST(Wycheproof, RsaPss2048) { run_verify("rsa_pss_2048_sha256_mgf1_32", {Kind::rsa_pss, SignatureHash::sha2_256}); }
TEST(Wycheproof, RsaPss3072) { run_verify("rsa_pss_3072_sha256_mgf1_32", {Kind::rsa_pss, SignatureHash::sha2_256}); }
TEST(Wycheproof, RsaPss4096) { run_verify("rsa_pss_4096_sha512_mgf1_64", {Kind::rsa_pss, SignatureHash::sha2_512}); }
TEST(Wycheproof, Rsa2048) { run_verify("rsa_signature_2048_sha256", {Kind::rsa_pkcs1, SignatureHash::sha2_256}); }
TEST(Wycheproof, Rsa3072) { run_verify("rsa_signature_3072_sha256", {Kind::rsa_pkcs1, SignatureHash::sha2_256}); }
TEST(Wycheproof, Rsa4096) { run_verify("rsa_signature_4096_sha512", {Kind::rsa_pkcs1, SignatureHash::sha2_512}); }

// Over every row. IKE's context is empty (pqc-auth §3.2): what was signed with another one must not verify.
void run_ml_dsa(const std::string& name, Kind kind) {
    NEED_WYCHEPROOF(name);
    int verified = 0, refused = 0;
    const Json file = read_json(wycheproof_file(name));
    for (const Json& group : file.at("testGroups")) {
        const Json& der = group.at("publicKeyDer");
        const Bytes spki = der.is_null() ? Bytes{} : octets(der.get<std::string>());
        const auto facts = read_public_key_facts(spki);
        for (const Json& test : group.at("tests")) {
            const WycheproofTest each{group, test};
            SCOPED_TRACE(each.name());
            const bool own_context = !test.contains("ctx") || test.at("ctx").get<std::string>().empty();
            if (!facts) {
                EXPECT_FALSE(each.valid());  // a public key of another length
                ++refused;
                continue;
            }
            for (const auto& [row, key] : GroupKeys(facts->type, spki).keys) {
                const SignatureScheme scheme{kind, SignatureHash::identity};
                const bool good = row->verify(key.get(), scheme, each.octets("msg"), each.octets("sig"));
                EXPECT_EQ(good, each.valid() && own_context);
                ++(good ? verified : refused);
            }
        }
    }
    EXPECT_GT(verified, 10);
    EXPECT_GT(refused, 30);
}
TEST(Wycheproof, MlDsa44) { run_ml_dsa("mldsa_44_verify", Kind::ml_dsa_44); }
TEST(Wycheproof, MlDsa65) { run_ml_dsa("mldsa_65_verify", Kind::ml_dsa_65); }
TEST(Wycheproof, MlDsa87) { run_ml_dsa("mldsa_87_verify", Kind::ml_dsa_87); }

// r | s of fixed size, as the old AUTH methods carry it (RFC 4754 §7).
void run_old_method(const std::string& name, AuthMethod method) {
    NEED_WYCHEPROOF(name);
    int run = 0;
    for_each_test(read_json(wycheproof_file(name)), [&](const WycheproofTest& each) {
        const auto key = PublicKey::from_spki(octets(each.group.at("publicKeyDer").get<std::string>()));
        ASSERT_TRUE(key);
        const bool good = verify_old_method(*key, method, each.octets("msg"), each.octets("sig")).has_value();
        EXPECT_EQ(good, each.valid());
        ++run;
    });
    EXPECT_GT(run, 100);
}

TEST(Wycheproof, OldMethodP256) { run_old_method("ecdsa_secp256r1_sha256_p1363", AuthMethod::ecdsa_256); }
TEST(Wycheproof, OldMethodP384) { run_old_method("ecdsa_secp384r1_sha384_p1363", AuthMethod::ecdsa_384); }
TEST(Wycheproof, OldMethodP521) { run_old_method("ecdsa_secp521r1_sha512_p1363", AuthMethod::ecdsa_521); }

}  // namespace
}  // namespace cygnet::vectors
