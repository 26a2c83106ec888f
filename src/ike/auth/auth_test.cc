#include "ike/auth/auth.h"

#include <gtest/gtest.h>

namespace cygnet::ike {
namespace {

model::Identity fqdn(std::string_view name) { return {.type = model::IdType::fqdn, .data = keep(bytes_of(name))}; }

std::shared_ptr<const model::SharedSecret> secret(std::string name, std::vector<model::Identity> owners,
                                                  std::string_view value) {
    auto made = std::make_shared<model::SharedSecret>();
    made->name = std::move(name);
    made->owners = std::move(owners);
    made->secret = SecretBytes::copy_of(bytes_of(value));
    return made;
}

model::Config config_with(std::initializer_list<std::shared_ptr<const model::SharedSecret>> secrets) {
    model::Config config;
    for (const auto& one : secrets) config.secrets[one->name] = one;
    return config;
}

model::AuthConfig psk_round(model::Identity id) {
    return {.name = "remote", .auth = model::AuthClass::psk, .auth_text = "psk", .id = std::move(id)};
}

TEST(SharedSecrets, OfThePairWinOverThoseOfOneSideAndOfEverybody) {
    const auto config =
        config_with({secret("any", {}, "1"), secret("own", {fqdn("moon")}, "2"), secret("peer", {fqdn("sun")}, "3"),
                     secret("pair", {fqdn("moon"), fqdn("sun")}, "4"), secret("other", {fqdn("mars")}, "5")});
    EXPECT_EQ(find_shared_secret(config, fqdn("moon"), fqdn("sun"))->name, "pair");
    EXPECT_EQ(find_shared_secret(config, fqdn("earth"), fqdn("sun"))->name, "pair");
    EXPECT_EQ(find_shared_secret(config, fqdn("earth"), fqdn("io"))->name, "any");
    EXPECT_EQ(find_shared_secret(config_with({secret("other", {fqdn("mars")}, "5")}), fqdn("moon"), fqdn("sun")),
              nullptr);
}

class SharedKeyAuth : public testing::Test {
protected:
    model::Config config = config_with({secret("k", {fqdn("moon"), fqdn("sun")}, "correct horse")});
    Bytes octets = Bytes(100, 9);

    KeyPads pads;

    AuthData proof_with(std::string_view key) {
        const SharedKeyPlan plan{secret("x", {}, key)};
        return shared_key_auth(plan, pads, model::Prf::hmac_sha2_256, octets);
    }
    auto check(const model::AuthConfig& round, const AuthData& auth, std::string_view id = "sun") {
        const PeerProof proof{
            .id = fqdn(id), .method = auth.method, .auth_data = auth.data, .certificates = {}, .octets = octets};
        return check_peer(round, fqdn("moon"), proof, model::Prf::hmac_sha2_256, pads, config, {});
    }
};

TEST_F(SharedKeyAuth, AcceptsTheRightKey) {
    const auto result = check(psk_round(fqdn("sun")), proof_with("correct horse"));
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_TRUE(std::holds_alternative<Verified>(*result));
}

TEST_F(SharedKeyAuth, RefusesAWrongKeyAndSaysWhichSecret) {
    const auto result = check(psk_round(fqdn("sun")), proof_with("incorrect horse"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::authentication);
    EXPECT_NE(result.error().detail.find("secrets.k"), std::string::npos);
}

TEST_F(SharedKeyAuth, RefusesAnIdentityThatTheConnectionDoesNotExpect) {
    const auto result = check(psk_round(fqdn("venus")), proof_with("correct horse"));
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().detail.find("sun"), std::string::npos);
    EXPECT_NE(result.error().detail.find("venus"), std::string::npos);
}

TEST_F(SharedKeyAuth, IsNotEnoughWhereACertificateIsExpected) {
    model::AuthConfig round = psk_round(fqdn("sun"));
    round.auth = model::AuthClass::pubkey;
    EXPECT_FALSE(check(round, proof_with("correct horse")));
}

// RFC 8247 §3 [73]: PKCS#1 only where policy allows it.
TEST_F(SharedKeyAuth, HoldsThePeersSignatureToTheConfiguredScheme) {
    using Kind = crypto::SignatureScheme::Kind;
    const auto signed_with = [&](Kind kind, model::SignatureHash hash, const model::AuthConfig& round) {
        const Bytes algorithm = crypto::algorithm_identifier({kind, hash});
        const std::uint8_t length[] = {static_cast<std::uint8_t>(algorithm.size())};
        const AuthData auth{.method = model::AuthMethod::digital_signature,
                            .data = concat({length, algorithm, Bytes(64)})};
        const auto result = check(round, auth);
        return result ? std::string("accepted") : result.error().detail;
    };
    const auto sha256 = model::SignatureHash::sha2_256;
    const model::AuthConfig pss{.name = "remote",
                                .auth_text = "rsa/pss-sha256",
                                .key_kinds = {model::KeyKind::rsa},
                                .rsa_pss = true,
                                .hashes = {sha256},
                                .id = {}};
    const model::AuthConfig any{.name = "remote", .id = {}};
    const auto refused = [](const std::string& text) { return text.find("a signature with") != std::string::npos; };
    EXPECT_TRUE(refused(signed_with(Kind::rsa_pkcs1, sha256, pss)));
    EXPECT_TRUE(refused(signed_with(Kind::ecdsa, sha256, pss)));
    EXPECT_TRUE(refused(signed_with(Kind::rsa_pss, model::SignatureHash::sha2_512, pss)));
    EXPECT_FALSE(refused(signed_with(Kind::rsa_pss, sha256, pss)));
    EXPECT_FALSE(refused(signed_with(Kind::rsa_pkcs1, sha256, any)));
}

TEST_F(SharedKeyAuth, RefusesMethodsThatWeDoNotSpeak) {
    AuthData auth = proof_with("correct horse");
    auth.method = model::AuthMethod::null;
    EXPECT_FALSE(check(psk_round({}), auth));
}

TEST(OwnProof, NeedsASecretAndSaysHowToAddOne) {
    const auto plan = plan_local_proof(psk_round({}), fqdn("moon"), fqdn("sun"), config_with({}), {}, {});
    ASSERT_FALSE(plan);
    EXPECT_NE(plan.error().detail.find("secrets.ike"), std::string::npos);
}

TEST(OwnProof, NeedsACertificateForAPublicKeyRound) {
    model::AuthConfig round = psk_round(fqdn("moon"));
    round.auth = model::AuthClass::pubkey;
    EXPECT_FALSE(plan_local_proof(round, fqdn("moon"), fqdn("sun"), config_with({}), {}, {}));
}

TEST(DistinguishedNames, AreTheSameWhateverTheirStringTypes) {
    const auto name = [](std::string_view value_type_and_text) {
        return model::Identity{.type = model::IdType::der_asn1_dn,
                               .data = from_hex("300f310d300b06035504030c" + std::string(value_type_and_text)).value()};
    };
    const model::Identity utf8 = name("046d6f6f6e");
    model::Identity printable = utf8;
    printable.data[11] = 0x13;  // PrintableString instead of UTF8String
    EXPECT_TRUE(accepts(utf8, printable));
    EXPECT_TRUE(accepts(printable, utf8));
    EXPECT_FALSE(accepts(utf8, name("046d6f6f6d")));
}

TEST(Certreq, HoldsWholeHashesOnly) {
    EXPECT_EQ(parse_authorities(Bytes(60, 1)).value().size(), 3U);
    EXPECT_FALSE(parse_authorities(Bytes(59, 1)));
    EXPECT_FALSE(parse_authorities(Bytes(20 * 513, 1)));
}

}  // namespace
}  // namespace cygnet::ike
