// IKE_AUTH with certificates, between two engines.
#include <gtest/gtest.h>

#include "crypto/test_pki.h"
#include "ike/exchange/ike_auth.h"
#include "ike/test_pair.h"

namespace cygnet::ike::test {
namespace {

struct Authority {
    std::string key = crypto::make_test_key(crypto::KeyType::ecdsa_256);
    Bytes certificate = crypto::make_test_certificate(
        {.subject = "CN=CA", .basic_constraints = "critical,CA:TRUE", .key_usage = "critical,keyCertSign"}, key, {},
        key);
};

crypto::Certificate parsed(const Bytes& der) { return *crypto::Certificate::parse(der); }

// Credentials of one host whose certificate names `dns`.
std::shared_ptr<Credentials> credentials(const Authority& issuer, const Authority& trusted, const char* dns,
                                         crypto::KeyType type, std::int64_t not_after = crypto::test_not_after) {
    const std::string key = crypto::make_test_key(type);
    const Bytes leaf = crypto::make_test_certificate({.subject = std::string("CN=") + dns,
                                                      .alternative_names = std::string("DNS:") + dns,
                                                      .key_usage = "digitalSignature",
                                                      .not_after = not_after},
                                                     key, issuer.certificate, issuer.key);
    auto made = std::make_shared<Credentials>();
    made->certificates.push_back(parsed(leaf));
    made->authorities.push_back(parsed(trusted.certificate));
    auto private_key = *crypto::PrivateKey::parse(bytes_of(key));
    made->private_keys.emplace(private_key.public_key().key_id(), private_key);
    return made;
}

model::Connection with_certificates(bool at_a) {
    model::Connection made = connection(at_a);
    for (model::AuthConfig* round : {&made.local.front(), &made.remote.front()}) {
        round->auth = model::AuthClass::pubkey;
        round->auth_text = "pubkey";
    }
    return made;
}

class Certificates : public testing::Test {
protected:
    static EngineSettings settings() { return {.unix_seconds_at_start = crypto::test_now}; }
    void configure(std::shared_ptr<Credentials> at_a, std::shared_ptr<Credentials> at_b) {
        pair.step(pair.a, Configure{config_of(with_certificates(true)), std::move(at_a)});
        pair.step(pair.b, Configure{config_of(with_certificates(false)), std::move(at_b)});
    }
    std::string logs() const { return pair.a.log() + "---\n" + pair.b.log(); }

    Authority authority, stranger;
    Pair pair{settings(), settings()};
};

TEST_F(Certificates, BringUpATunnelWithEveryKindOfKey) {
    for (const auto type :
         {crypto::KeyType::ecdsa_256, crypto::KeyType::ecdsa_384, crypto::KeyType::rsa, crypto::KeyType::ed25519}) {
        Pair fresh(settings(), settings());
        fresh.step(fresh.a,
                   Configure{config_of(with_certificates(true)), credentials(authority, authority, "a.example", type)});
        fresh.step(fresh.b, Configure{config_of(with_certificates(false)),
                                      credentials(authority, authority, "b.example", crypto::KeyType::ecdsa_256)});
        EXPECT_TRUE(fresh.initiate(fresh.a).result) << fresh.a.log() << "---\n" << fresh.b.log();
        EXPECT_TRUE(fresh.up());
        EXPECT_TRUE(fresh.children_agree());
    }
}

TEST_F(Certificates, OfAnUntrustedAuthorityAreRefusedByTheResponder) {
    configure(credentials(stranger, authority, "a.example", crypto::KeyType::ecdsa_256),
              credentials(authority, authority, "b.example", crypto::KeyType::ecdsa_256));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::authentication_failed], 1u) << logs();
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
}

TEST_F(Certificates, OfAnUntrustedAuthorityAreRefusedByTheInitiator) {
    configure(credentials(authority, authority, "a.example", crypto::KeyType::ecdsa_256),
              credentials(stranger, authority, "b.example", crypto::KeyType::ecdsa_256));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.a.engine.counters()[model::Counter::authentication_failed], 1u) << logs();
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
}

TEST_F(Certificates, ThatExpiredAreRefusedWithTheirDate) {
    configure(credentials(authority, authority, "a.example", crypto::KeyType::ecdsa_256, crypto::test_now - 86400),
              credentials(authority, authority, "b.example", crypto::KeyType::ecdsa_256));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_NE(pair.b.log().find("expired"), std::string::npos) << logs();
}

TEST_F(Certificates, OfAnotherIdentityAreRefused) {
    const auto mars = credentials(authority, authority, "mars.example", crypto::KeyType::ecdsa_256);
    model::Connection impostor = with_certificates(true);
    impostor.local.front().certificates = {mars->certificates.front().der()};
    pair.step(pair.a, Configure{config_of(impostor), mars});
    pair.step(pair.b, Configure{config_of(with_certificates(false)),
                                credentials(authority, authority, "b.example", crypto::KeyType::ecdsa_256)});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::authentication_failed], 1u) << logs();
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
}

TEST_F(Certificates, DoNotLetAPeerInThatOnlyHasTheSharedKey) {
    pair.step(pair.a, Configure{config_of(connection(true)), nullptr});
    pair.step(pair.b, Configure{config_of(with_certificates(false)),
                                credentials(authority, authority, "b.example", crypto::KeyType::ecdsa_256)});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_NE(pair.b.log().find("remote.auth"), std::string::npos) << logs();
}

}  // namespace
}  // namespace cygnet::ike::test
