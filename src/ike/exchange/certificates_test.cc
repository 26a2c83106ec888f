// IKE_AUTH with certificates, between two engines.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "ike/exchange/ike_auth.h"
#include "ike/test_certificates.h"
#include "ike/test_peer.h"
#include "model/config_index.h"

namespace cygnet::ike::test {
namespace {

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

// RFC 7296 §3.6 [61], RFC 7427 §4 [70]: the first CERT holds the key that signed.
TEST_F(Certificates, BringUpATunnelWithEveryKindOfKey) {
    for (const auto type :
         {crypto::KeyType::ecdsa_256, crypto::KeyType::ecdsa_384, crypto::KeyType::rsa, crypto::KeyType::ed25519}) {
        Pair fresh(settings(), settings());
        fresh.step(fresh.a,
                   Configure{config_of(with_certificates(true)), credentials(authority, authority, {"a.example", type})});
        fresh.step(fresh.b, Configure{config_of(with_certificates(false)),
                                      credentials(authority, authority, {"b.example", crypto::KeyType::ecdsa_256})});
        EXPECT_TRUE(fresh.initiate(fresh.a).result) << fresh.a.log() << "---\n" << fresh.b.log();
        EXPECT_TRUE(fresh.up());
        EXPECT_TRUE(fresh.children_agree());
    }
}

TEST_F(Certificates, OfAnUntrustedAuthorityAreRefusedByTheResponder) {
    configure(credentials(stranger, authority, {"a.example", crypto::KeyType::ecdsa_256}),
              credentials(authority, authority, {"b.example", crypto::KeyType::ecdsa_256}));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::authentication_failed], 1u) << logs();
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
}

TEST_F(Certificates, OfAnUntrustedAuthorityAreRefusedByTheInitiator) {
    configure(credentials(authority, authority, {"a.example", crypto::KeyType::ecdsa_256}),
              credentials(stranger, authority, {"b.example", crypto::KeyType::ecdsa_256}));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.a.engine.counters()[model::Counter::authentication_failed], 1u) << logs();
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
}

TEST_F(Certificates, ThatExpiredAreRefusedWithTheirDate) {
    configure(credentials(authority, authority, {"a.example", crypto::KeyType::ecdsa_256, crypto::test_now - 86400}),
              credentials(authority, authority, {"b.example", crypto::KeyType::ecdsa_256}));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_NE(pair.b.log().find("expired"), std::string::npos) << logs();
}

// RFC 4301 §4.4.3.2 [64]: the ID must be the certificate's.
TEST_F(Certificates, OfAnotherIdentityAreRefused) {
    const auto mars = credentials(authority, authority, {"mars.example", crypto::KeyType::ecdsa_256});
    model::Connection impostor = with_certificates(true);
    impostor.local.front().certificates = {mars->certificates.front().der()};
    pair.step(pair.a, Configure{config_of(impostor), mars});
    pair.step(pair.b, Configure{config_of(with_certificates(false)),
                                credentials(authority, authority, {"b.example", crypto::KeyType::ecdsa_256})});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::authentication_failed], 1u) << logs();
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
}

TEST_F(Certificates, DoNotLetAPeerInThatOnlyHasTheSharedKey) {
    pair.step(pair.a, Configure{config_of(connection(true)), nullptr});
    pair.step(pair.b, Configure{config_of(with_certificates(false)),
                                credentials(authority, authority, {"b.example", crypto::KeyType::ecdsa_256})});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_NE(pair.b.log().find("remote.auth"), std::string::npos) << logs();
}

// ---- which certificate goes out, RFC 7296 §3.6, §3.7 ------------------------------------------------

// A host that has a certificate of each of several CAs.
struct Wallet {
    std::shared_ptr<Credentials> credentials = std::make_shared<Credentials>();
    std::vector<Bytes> leaves{};

    const Bytes& add(const Authority& issuer, const std::string& name, crypto::KeyType type) {
        const std::string key = crypto::make_test_key(type);
        leaves.push_back(crypto::make_test_certificate({.subject = "CN=" + name,
                                                        .alternative_names = "DNS:" + name,
                                                        .key_usage = "digitalSignature"},
                                                       key, issuer.certificate, issuer.key));
        credentials->certificates.push_back(parsed(leaves.back()));
        const auto private_key = *crypto::PrivateKey::parse(bytes_of(key));
        credentials->private_keys.emplace(private_key.public_key().key_id(), private_key);
        return leaves.back();
    }
    const Bytes& trust(const Authority& authority) {
        credentials->authorities.push_back(parsed(authority.certificate));
        return authority.certificate;
    }
};

class Choice : public testing::Test {
protected:
    Authority first, second;
    Wallet wallet;
    model::AuthConfig local{.name = "local", .auth = model::AuthClass::pubkey, .auth_text = "pubkey"};
    PeerHints hints{.signature_hashes = crypto::supported_signature_hashes()};

    // The subject of the certificate that is chosen, or the reason why none is.
    std::string chosen() {
        const auto plan = plan_local_proof(local, local.id, {}, {}, *wallet.credentials, hints);
        if (!plan) return plan.error().detail;
        const auto& signature = std::get<SignaturePlan>(*plan);
        return signature.chain.empty() ? "raw" : signature.chain.front().subject_text();
    }
    static Bytes hash_of(const Authority& authority) { return parsed(authority.certificate).public_key()->spki_hash(); }
};

TEST_F(Choice, FollowsTheAuthoritiesThatThePeerNames) {
    local.certificates = {wallet.add(first, "a.example", crypto::KeyType::ecdsa_256),
                          wallet.add(second, "b.example", crypto::KeyType::ecdsa_256)};
    wallet.trust(first);
    wallet.trust(second);
    EXPECT_EQ(chosen(), "CN=a.example") << "the first, where the peer says nothing";
    // Both CAs have the same name here: the key decides, not the name.
    hints.authorities = {Bytes(20, 0)};
    EXPECT_EQ(chosen(), "CN=a.example") << "RFC 7296 §3.7: CERTREQ is a hint";
}

TEST_F(Choice, FollowsTheHashesAndKeysThatBothAllow) {
    local.certificates = {wallet.add(first, "ed.example", crypto::KeyType::ed25519),
                          wallet.add(first, "ec.example", crypto::KeyType::ecdsa_256)};
    EXPECT_EQ(chosen(), "CN=ed.example");
    hints.signature_hashes = std::vector{model::SignatureHash::sha2_256};  // RFC 8420 §2: Ed25519 needs Identity
    EXPECT_EQ(chosen(), "CN=ec.example");
    hints.signature_hashes = crypto::supported_signature_hashes();
    local.key_kinds = {model::KeyKind::ecdsa};
    EXPECT_EQ(chosen(), "CN=ec.example");
    local.key_kinds = {model::KeyKind::rsa};
    EXPECT_NE(chosen().find("signature hash"), std::string::npos);
}

TEST_F(Choice, FollowsTheIdentity) {
    wallet.add(first, "a.example", crypto::KeyType::ecdsa_256);
    wallet.add(first, "b.example", crypto::KeyType::ecdsa_256);
    local.id = model::Identity::parse("b.example");
    EXPECT_EQ(chosen(), "CN=b.example");
    local.certificates = wallet.leaves;
    EXPECT_EQ(chosen(), "CN=b.example");
    local.id = {};
    hints.wanted = model::Identity::parse("b.example");
    EXPECT_EQ(chosen(), "CN=b.example") << "RFC 7296 §3.5: IDr says who is wanted";
}

TEST_F(Choice, PrefersARawKeyOnlyWhereThePeerTakesIt) {
    local.certificates = {wallet.add(first, "a.example", crypto::KeyType::ecdsa_256)};
    wallet.trust(first);
    local.public_keys = {parsed(local.certificates.front()).public_key()->spki()};
    hints.authorities = {hash_of(first)};
    EXPECT_EQ(chosen(), "CN=a.example");
    hints.authorities = {Bytes(20, 0)};
    hints.raw_keys = true;
    EXPECT_EQ(chosen(), "raw");
    local.certificates.clear();
    hints.raw_keys = false;
    EXPECT_EQ(chosen(), "raw") << "the only one that is configured";
}

TEST_F(Choice, MakesTheSubjectTheIdentityWhereNoneIsConfigured) {
    local.certificates = {wallet.add(first, "a.example", crypto::KeyType::ecdsa_256)};
    const auto plan = *plan_local_proof(local, local.id, {}, {}, *wallet.credentials, hints);
    const auto address = model::Identity::parse("192.0.2.1");
    EXPECT_EQ(text_of(identity_with(plan, local, hints, address)), "CN=a.example");
    hints.wanted = model::Identity::parse("a.example");
    EXPECT_EQ(identity_with(plan, local, hints, address), *hints.wanted);
    hints.wanted = model::Identity::parse("other.example");
    EXPECT_EQ(text_of(identity_with(plan, local, hints, address)), "CN=a.example") << "not what it cannot show";
    local.id = model::Identity::parse("x.example");
    EXPECT_EQ(identity_with(plan, local, hints, local.id), local.id);
}

// Two connections with the same identities, and a CA for each.
TEST_F(Certificates, LeadToTheConnectionThatTrustsTheirAuthority) {
    const auto at_a = credentials(stranger, authority, {"a.example", crypto::KeyType::ecdsa_256});
    const auto at_b = credentials(authority, authority, {"b.example", crypto::KeyType::ecdsa_256});
    const Bytes named = crypto::make_test_certificate(
        {.subject = "CN=Other CA", .basic_constraints = "critical,CA:TRUE", .key_usage = "critical,keyCertSign"},
        stranger.key, {}, stranger.key);
    at_b->authorities.push_back(parsed(named));
    model::Connection before = with_certificates(false), right = with_certificates(false);
    before.name = "before";
    before.remote.front().ca_certificates = {authority.certificate};
    right.remote.front().ca_certificates = {named};
    auto config = config_of(right);
    config->connections["before"] = std::make_shared<const model::Connection>(before);
    // The leaf of a names that CA as its issuer.
    const std::string key = crypto::make_test_key(crypto::KeyType::ecdsa_256);
    const Bytes leaf = crypto::make_test_certificate(
        {.subject = "CN=a.example", .alternative_names = "DNS:a.example", .key_usage = "digitalSignature"}, key, named,
        stranger.key);
    at_a->certificates = {parsed(leaf)};
    at_a->private_keys.clear();
    const auto private_key = *crypto::PrivateKey::parse(bytes_of(key));
    at_a->private_keys.emplace(private_key.public_key().key_id(), private_key);
    pair.step(pair.a, Configure{config_of(with_certificates(true)), at_a});
    pair.step(pair.b, Configure{config, at_b});
    EXPECT_TRUE(pair.initiate(pair.a).result) << logs();
    EXPECT_EQ(pair.b.only_sa(pair.now).name, "gw") << logs();
}

// RFC 7296 §3.7: who answers a first request does not know yet which connection the peer means, and asks for the CAs of all.
TEST_F(Certificates, AreAskedForOfTheAuthoritiesOfEveryConnectionThatMayBeMeant) {
    const Bytes other = crypto::make_test_certificate(
        {.subject = "CN=Other CA", .basic_constraints = "critical,CA:TRUE", .key_usage = "critical,keyCertSign"},
        stranger.key, {}, stranger.key);
    model::Connection first = with_certificates(false), second = with_certificates(false), third = connection(false);
    first.name = "first";
    second.name = "second";
    third.name = "third";  // wants no certificate
    first.remote.front().ca_certificates = {authority.certificate};
    second.remote.front().ca_certificates = {other, authority.certificate};
    for (const bool with_index : {false, true}) {
        auto config = config_of(first);
        config->connections["second"] = std::make_shared<const model::Connection>(second);
        config->connections["third"] = std::make_shared<const model::Connection>(third);
        std::shared_ptr<const model::Config> whole = config;
        if (with_index) whole = model::with_index(*config);
        Node victim{7};
        ScriptedPeer peer{victim};
        peer.step(Configure{whole, credentials(authority, authority, {"b.example", crypto::KeyType::ecdsa_256})});
        peer.init();
        const auto answer = *wire::parse_message(peer.init_response);
        const auto requests = answer.all<wire::CertreqPayload>();
        ASSERT_EQ(requests.size(), 1u);
        EXPECT_EQ(requests.front()->authorities.size(), 2u * 20);
        for (const Bytes& each : {authority.certificate, other}) {
            const Bytes hash = parsed(each).public_key()->spki_hash();
            EXPECT_FALSE(std::ranges::search(requests.front()->authorities, hash).empty());
        }
    }
}

// RFC 4301 §4.4.3.2 [64]: the identity must be what the certificate says, whatever its type.
TEST_F(Certificates, BindIdentitiesOfEveryType) {
    const std::string key = crypto::make_test_key(crypto::KeyType::ecdsa_256);
    const Bytes leaf = crypto::make_test_certificate(
        {.subject = "C=CH, CN=a",
         .alternative_names = "DNS:a.example,email:a@example,IP:192.0.2.1,IP:2001:db8::1,URI:urn:a",
         .key_usage = "digitalSignature"},
        key, authority.certificate, authority.key);
    auto at_a = std::make_shared<Credentials>();
    at_a->certificates = {parsed(leaf)};
    at_a->authorities = {parsed(authority.certificate)};
    const auto private_key = *crypto::PrivateKey::parse(bytes_of(key));
    at_a->private_keys.emplace(private_key.public_key().key_id(), private_key);
    const auto at_b = credentials(authority, authority, {"b.example", crypto::KeyType::ecdsa_256});
    Bytes uri = {0x86, 5};  // GeneralName [6] "urn:a"
    append(uri, bytes_of("urn:a"));
    const auto tries = [&](const model::Identity& id) {
        Pair fresh(settings(), settings());
        model::Connection mine = with_certificates(true), theirs = with_certificates(false);
        mine.local.front().id = id;
        mine.local.front().certificates = {leaf};
        theirs.remote.front().id = {};
        fresh.step(fresh.a, Configure{config_of(mine), at_a});
        fresh.step(fresh.b, Configure{config_of(theirs), at_b});
        return fresh.initiate(fresh.a).result.has_value();
    };
    const auto id = [](const char* text) { return model::Identity::parse(text, crypto::parse_distinguished_name); };
    for (const char* good : {"a.example", "a@example", "192.0.2.1", "2001:db8::1", "C=CH, CN=a"})
        EXPECT_TRUE(tries(id(good))) << good;
    EXPECT_TRUE(tries({.type = model::IdType::der_asn1_gn, .data = uri}));
    for (const char* bad : {"b.example", "b@example", "192.0.2.7", "2001:db8::7", "C=CH, CN=b", "*.example", "@#6162"})
        EXPECT_FALSE(tries(id(bad))) << bad;
    uri.back() = 'b';
    EXPECT_FALSE(tries({.type = model::IdType::der_asn1_gn, .data = uri}));
}

// ---- raw public keys, RFC 7670 ----------------------------------------------------------------------

class RawKeys : public testing::Test {
protected:
    struct Host {
        std::shared_ptr<Credentials> credentials = std::make_shared<Credentials>();
        Bytes spki;
    };
    static Host host(crypto::KeyType type) {
        const auto key = *crypto::PrivateKey::parse(bytes_of(crypto::make_test_key(type)));
        Host made{.spki = key.public_key().spki()};
        made.credentials->private_keys.emplace(key.public_key().key_id(), key);
        return made;
    }
    void configure(const std::vector<Bytes>& trusted_by_b, model::SendCert send = model::SendCert::if_asked) {
        model::Connection at_a = with_certificates(true), at_b = with_certificates(false);
        at_a.local.front().public_keys = {a.spki};
        at_a.remote.front().public_keys = {b.spki};
        at_b.local.front().public_keys = {b.spki};
        at_b.remote.front().public_keys = trusted_by_b;
        at_a.send_cert = at_b.send_cert = send;
        pair.step(pair.a, Configure{config_of(at_a), a.credentials});
        pair.step(pair.b, Configure{config_of(at_b), b.credentials});
    }
    Host a = host(crypto::KeyType::ecdsa_256), b = host(crypto::KeyType::ed25519), c = host(crypto::KeyType::ecdsa_256);
    Pair pair;
};

TEST_F(RawKeys, BringUpATunnel) {
    for (const auto send : {model::SendCert::always, model::SendCert::if_asked, model::SendCert::never}) {
        configure({c.spki, a.spki}, send);
        EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
        EXPECT_TRUE(pair.up());
        EXPECT_NE(pair.b.log().find("raw public key"), std::string::npos);
        pair.terminate(pair.a, {.ike = "gw"});
    }
}

// RFC 7670 §4: nobody vouches for a key but the configuration.
TEST_F(RawKeys, ThatAreNotNamedAreRefused) {
    for (const auto send : {model::SendCert::always, model::SendCert::never}) {
        configure({c.spki}, send);
        EXPECT_FALSE(pair.initiate(pair.a).result);
        EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u) << pair.b.log();
    }
    configure({}, model::SendCert::always);
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u);
}

// RFC 7670 §3: CERTREQ with encoding 15 has an empty Certification Authority field.
TEST_F(RawKeys, AreAskedForWithoutAuthorities) {
    wire::MessageBuilder message;
    model::Connection wants = with_certificates(true);
    wants.remote.front().public_keys = {b.spki};
    add_certificate_requests(std::array{std::make_shared<const model::Connection>(wants)}, Credentials{}, message);
    const Bytes datagram = message.finish({.exchange = model::ExchangeType::ike_sa_init});
    const auto parsed_message = *wire::parse_message(datagram);
    ASSERT_EQ(parsed_message.all<wire::CertreqPayload>().size(), 1u);
    const auto* request = parsed_message.find<wire::CertreqPayload>();
    EXPECT_EQ(request->encoding, model::CertEncoding::raw_public_key);
    EXPECT_TRUE(request->authorities.empty());
}

}  // namespace
}  // namespace cygnet::ike::test
