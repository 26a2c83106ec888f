// ML-DSA in IKE_AUTH, alone and beside a classic signature (RFC 4739, docs/decisions/0027), between two engines and with
// somebody between them. draft-ietf-ipsecme-ikev2-pqc-auth.
#include <gtest/gtest.h>

#include <algorithm>

#include "ike/auth/auth.h"
#include "ike/exchange/ike_auth.h"
#include "ike/test_certificates.h"
#include "ike/test_pair.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using crypto::KeyType;
using model::Counter;
using model::KeyKind;

EngineSettings settings() { return {.unix_seconds_at_start = crypto::test_now}; }

// What one host has and trusts: a certificate of each authority, on its own name.
struct Wallet {
    std::shared_ptr<Credentials> credentials = std::make_shared<Credentials>();

    void trust(const Authority& authority) { credentials->authorities.push_back(parsed(authority.certificate)); }
    void add(const Authority& issuer, KeyType type, const char* dns) {
        const std::string key = crypto::make_test_key(type);
        const Bytes leaf = crypto::make_test_certificate({.subject = std::string("CN=") + dns,
                                                          .alternative_names = std::string("DNS:") + dns,
                                                          .key_usage = "digitalSignature"},
                                                         key, issuer.certificate, issuer.key);
        credentials->certificates.push_back(parsed(leaf));
        const auto private_key = *crypto::PrivateKey::parse(bytes_of(key));
        credentials->private_keys.emplace(private_key.public_key().key_id(), private_key);
    }
};

model::AuthConfig round_of(const model::AuthConfig& like, std::string name, const char* text, std::vector<KeyKind> kinds) {
    model::AuthConfig made = like;
    made.name = std::move(name);
    made.auth_text = text;
    made.key_kinds = std::move(kinds);
    return made;
}

// Both rounds of both sides are on the same name: an ECDSA signature, and one of ML-DSA-65.
model::Connection hybrid(bool at_a) {
    model::Connection made = with_certificates(at_a);
    for (auto* rounds : {&made.local, &made.remote}) {
        const model::AuthConfig like = rounds->front();
        *rounds = {round_of(like, like.name, "ecdsa", {KeyKind::ecdsa}),
                   round_of(like, like.name + "-2", "mldsa65", {KeyKind::ml_dsa_65})};
    }
    return made;
}

class PostQuantumAuth : public testing::Test {
protected:
    void configure(model::Connection at_a, model::Connection at_b) {
        pair.step(pair.a, Configure{config_of(std::move(at_a)), a.credentials});
        pair.step(pair.b, Configure{config_of(std::move(at_b)), b.credentials});
    }
    // Both sides have and trust both kinds of certificates.
    void give_both() {
        for (Wallet* each : {&a, &b}) {
            each->trust(classic);
            each->trust(lattice);
            each->add(classic, KeyType::ecdsa_256, each == &a ? "a.example" : "b.example");
            each->add(lattice, KeyType::ml_dsa_65, each == &a ? "a.example" : "b.example");
        }
    }
    std::size_t population() const { return pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas; }
    std::string logs() const { return pair.a.log() + "---\n" + pair.b.log(); }
    std::uint64_t counted(const Node& node, Counter counter) const { return node.engine.counters()[counter]; }

    Authority classic{KeyType::ecdsa_256}, lattice{KeyType::ml_dsa_65}, stranger{KeyType::ml_dsa_65};
    Wallet a, b;
    Pair pair{settings(), settings()};
};

TEST_F(PostQuantumAuth, BringsUpATunnelWithCertificatesOfEverySet) {
    for (const KeyType type : {KeyType::ml_dsa_44, KeyType::ml_dsa_65, KeyType::ml_dsa_87}) {
        Pair fresh(settings(), settings());
        Wallet left, right;
        for (Wallet* each : {&left, &right}) each->trust(lattice);
        left.add(lattice, type, "a.example");
        right.add(lattice, KeyType::ml_dsa_65, "b.example");
        fresh.step(fresh.a, Configure{config_of(with_certificates(true)), left.credentials});
        fresh.step(fresh.b, Configure{config_of(with_certificates(false)), right.credentials});
        EXPECT_TRUE(fresh.initiate(fresh.a).result) << fresh.a.log() << "---\n" << fresh.b.log();
        EXPECT_TRUE(fresh.up() && fresh.children_agree());
        EXPECT_NE(fresh.b.log().find(std::string("with ") + std::string(name_of(type)) + " successful"), std::string::npos)
            << fresh.b.log();
    }
}

TEST_F(PostQuantumAuth, BringsUpATunnelWithRawKeys) {
    const auto key_a = *crypto::PrivateKey::parse(bytes_of(crypto::make_test_key(KeyType::ml_dsa_44)));
    const auto key_b = *crypto::PrivateKey::parse(bytes_of(crypto::make_test_key(KeyType::ml_dsa_87)));
    a.credentials->private_keys.emplace(key_a.public_key().key_id(), key_a);
    b.credentials->private_keys.emplace(key_b.public_key().key_id(), key_b);
    model::Connection at_a = with_certificates(true), at_b = with_certificates(false);
    at_a.local.front().public_keys = at_b.remote.front().public_keys = {key_a.public_key().spki()};
    at_a.remote.front().public_keys = at_b.local.front().public_keys = {key_b.public_key().spki()};
    configure(at_a, at_b);
    EXPECT_TRUE(pair.initiate(pair.a).result) << logs();
    EXPECT_TRUE(pair.up());
    EXPECT_NE(pair.a.log().find("ML-DSA-87 by a raw public key"), std::string::npos) << pair.a.log();
}

// pqc-auth §3.2.1: MUST NOT be used with a peer that has not announced Identity, nor with one that announced nothing.
TEST_F(PostQuantumAuth, IsNotUsedWithAPeerThatDidNotAnnounceTheIdentityHash) {
    a.add(lattice, KeyType::ml_dsa_65, "a.example");
    const model::AuthConfig local = with_certificates(true).local.front();
    const auto plan = [&](std::optional<std::vector<model::SignatureHash>> hashes) {
        return plan_local_proof(local, local.id, std::nullopt, {}, *a.credentials, {.signature_hashes = std::move(hashes)});
    };
    EXPECT_TRUE(plan(crypto::supported_signature_hashes()));
    EXPECT_FALSE(plan(std::vector{model::SignatureHash::sha2_256, model::SignatureHash::sha2_512}));
    EXPECT_FALSE(plan(std::nullopt));
    // Something else that the peer can verify is taken instead.
    a.add(classic, KeyType::ecdsa_256, "a.example");
    const auto other = plan(std::vector{model::SignatureHash::sha2_256});
    ASSERT_TRUE(other);
    EXPECT_EQ(std::get<SignaturePlan>(*other).key.public_key().type(), KeyType::ecdsa_256);
}

// auth = mldsa65: no other signature will do, of ours or of the peer.
TEST_F(PostQuantumAuth, IsDemandedByTheWordsOfAuth) {
    give_both();
    model::Connection at_a = with_certificates(true), at_b = with_certificates(false);
    at_a.local = {round_of(at_a.local.front(), "local", "ecdsa", {KeyKind::ecdsa})};
    at_b.remote = {round_of(at_b.remote.front(), "remote", "mldsa65", {KeyKind::ml_dsa_65})};
    configure(at_a, at_b);
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_NE(pair.b.log().find("ECDSA"), std::string::npos) << logs();
    EXPECT_EQ(population(), 0u);
    at_a.local.front() = round_of(at_a.local.front(), "local", "mldsa65", {KeyKind::ml_dsa_65});
    configure(at_a, at_b);
    EXPECT_TRUE(pair.initiate(pair.a).result) << logs();
}

// ---- both, so that one broken algorithm is not enough ------------------------------------------------------

TEST_F(PostQuantumAuth, BothSignaturesOfBothSidesAreVerified) {
    give_both();
    configure(hybrid(true), hybrid(false));
    EXPECT_TRUE(pair.initiate(pair.a).result) << logs();
    ASSERT_TRUE(pair.up() && pair.children_agree());
    for (const Node* node : {&pair.a, &pair.b}) {
        EXPECT_NE(node->log().find("with ECDSA with SHA2_256 successful, another one follows"), std::string::npos) << node->log();
        EXPECT_NE(node->log().find("with ML-DSA-65 successful"), std::string::npos) << node->log();
    }
}

// The other side can sign as one of the two authorities, as somebody can who broke its algorithm: whatever it certifies
// itself below that one, it is not enough.
TEST_F(PostQuantumAuth, OneOfTheTwoIsNotEnough) {
    for (const bool has_classic : {true, false})
        for (const bool certifies_both : {true, false})
            for (const bool at_initiator : {true, false}) {
                Pair fresh(settings(), settings());
                Wallet honest, forger;
                for (Wallet* each : {&honest, &forger}) {
                    each->trust(classic);
                    each->trust(lattice);
                }
                const char *own = at_initiator ? "b.example" : "a.example", *forged = at_initiator ? "a.example" : "b.example";
                honest.add(classic, KeyType::ecdsa_256, own);
                honest.add(lattice, KeyType::ml_dsa_65, own);
                const Authority& broken = has_classic ? classic : lattice;
                forger.add(broken, has_classic ? KeyType::ecdsa_256 : KeyType::ml_dsa_65, forged);
                forger.add(certifies_both ? broken : stranger, has_classic ? KeyType::ml_dsa_65 : KeyType::ecdsa_256, forged);
                fresh.step(fresh.a, Configure{config_of(hybrid(true)), (at_initiator ? forger : honest).credentials});
                fresh.step(fresh.b, Configure{config_of(hybrid(false)), (at_initiator ? honest : forger).credentials});
                EXPECT_FALSE(fresh.initiate(fresh.a).result) << has_classic << certifies_both << at_initiator;
                fresh.pass(minutes(5));
                EXPECT_EQ(fresh.a.engine.population().ike_sas + fresh.b.engine.population().ike_sas, 0u);
                const Node& judge = at_initiator ? fresh.b : fresh.a;
                EXPECT_EQ(judge.engine.counters()[Counter::authentication_failed], 1u) << judge.log();
            }
}

// What the words of auth say about the certificates: nothing after "ike:".
TEST_F(PostQuantumAuth, TheWordsSpeakOfTheCertificatesToo) {
    for (const bool of_ike_alone : {false, true}) {
        Pair fresh(settings(), settings());
        Wallet left, right;
        for (Wallet* each : {&left, &right}) each->trust(classic);
        left.add(classic, KeyType::ml_dsa_65, "a.example");
        right.add(classic, KeyType::ecdsa_256, "b.example");
        model::Connection at_b = with_certificates(false);
        at_b.remote.front() = round_of(at_b.remote.front(), "remote", "mldsa65", {KeyKind::ml_dsa_65});
        at_b.remote.front().of_ike_alone = of_ike_alone;
        fresh.step(fresh.a, Configure{config_of(with_certificates(true)), left.credentials});
        fresh.step(fresh.b, Configure{config_of(at_b), right.credentials});
        EXPECT_EQ(fresh.initiate(fresh.a).result.has_value(), of_ike_alone) << fresh.b.log();
        EXPECT_EQ(fresh.b.log().find("post-quantum signatures all the way") != std::string::npos, !of_ike_alone) << fresh.b.log();
    }
}

// One of both signatures left out: refused by whoever demands both, and counted.
TEST_F(PostQuantumAuth, OneThatIsLeftOutIsMissed) {
    give_both();
    for (const std::size_t left : {std::size_t{0}, std::size_t{1}})
        for (const bool at_initiator : {true, false}) {
            Pair fresh(settings(), settings());
            model::Connection at_a = hybrid(true), at_b = hybrid(false);
            auto& local = at_initiator ? at_a.local : at_b.local;
            local = {local[left]};
            fresh.step(fresh.a, Configure{config_of(at_a), a.credentials});
            fresh.step(fresh.b, Configure{config_of(at_b), b.credentials});
            EXPECT_FALSE(fresh.initiate(fresh.a).result) << left << at_initiator;
            fresh.pass(minutes(5));
            EXPECT_EQ(fresh.a.engine.population().ike_sas + fresh.b.engine.population().ike_sas, 0u);
            // A responder sees at once that no other one follows; an initiator, that the first one is of the wrong kind.
            const Node& judge = at_initiator ? fresh.b : fresh.a;
            const model::Counters& counters = judge.engine.counters();
            EXPECT_EQ(counters[Counter::authentication_failed], 1u) << left << at_initiator << judge.log();
            EXPECT_EQ(counters[Counter::auth_round_missing], at_initiator || left == 0 ? 1u : 0u) << judge.log();
        }
}

// Somebody between both, who can change the unprotected messages, makes them believe that the other cannot do it.
TEST_F(PostQuantumAuth, SupportThatIsStrippedFromTheFirstMessagesIsNoWayAround) {
    give_both();
    constexpr std::uint8_t multiple_auth[] = {0, 8, 0, 0, 0x40, 0x14};  // Notify without SPI and data: MULTIPLE_AUTH_SUPPORTED, 16404
    configure(hybrid(true), hybrid(false));
    int stripped = 0;
    pair.meddler = [&](Send& send) {
        const auto at = std::ranges::search(send.datagram, multiple_auth);
        if (!at.empty() && send.datagram[18] == static_cast<std::uint8_t>(model::ExchangeType::ike_sa_init)) {
            *(at.begin() + 4) = 0xbf;  // a status type of private use, which nobody knows
            ++stripped;
        }
        return true;
    };
    EXPECT_FALSE(pair.initiate(pair.a).result);
    pair.pass(minutes(5));
    EXPECT_GT(stripped, 0);
    EXPECT_EQ(population(), 0u) << logs();
}

// The kinds of the rounds are in order: ML-DSA twice is not ECDSA and ML-DSA.
TEST_F(PostQuantumAuth, TheSameAlgorithmTwiceIsNotBoth) {
    give_both();
    model::Connection at_a = hybrid(true);
    for (model::AuthConfig& round : at_a.local) round = round_of(round, round.name, "mldsa65", {KeyKind::ml_dsa_65});
    configure(at_a, hybrid(false));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    pair.pass(minutes(5));
    EXPECT_EQ(population(), 0u) << logs();
}

// ---- the largest signatures ---------------------------------------------------------------------------------

// SLH-DSA-SHA2-256f: 49,856 octets of AUTH in one message, in fragments of 1280 octets.
TEST_F(PostQuantumAuth, CarriesTheLargestSignature) {
    const KeyType type = KeyType::slh_dsa_sha2_256f;
    if (!crypto::supports(type)) GTEST_SKIP() << "no library of this build computes SLH-DSA (Botan 3 or OpenSSL 3.5)";
    for (Wallet* each : {&a, &b}) each->trust(lattice);
    a.add(lattice, type, "a.example");
    b.add(lattice, KeyType::ml_dsa_65, "b.example");
    configure(with_certificates(true), with_certificates(false));
    std::size_t fragments = 0, longest = 0;
    pair.meddler = [&](Send& send) {
        fragments += send.datagram[16] == static_cast<std::uint8_t>(model::PayloadType::skf);
        longest = std::max(longest, send.datagram.size());
        return true;
    };
    EXPECT_TRUE(pair.initiate(pair.a).result) << logs();
    EXPECT_NE(pair.b.log().find("SLH-DSA-SHA2-256f successful"), std::string::npos) << pair.b.log();
    EXPECT_GT(fragments, 40u);
    EXPECT_LE(longest, 1280u);
}

// With a chain that is signed alike it is more than a message holds: an error for the operator, and no SA.
TEST_F(PostQuantumAuth, WhatAMessageCannotHoldIsRefusedAtHome) {
    const KeyType type = KeyType::slh_dsa_sha2_256f;
    if (!crypto::supports(type)) GTEST_SKIP() << "no library of this build computes SLH-DSA (Botan 3 or OpenSSL 3.5)";
    const Authority large{type};
    for (const bool at_initiator : {true, false}) {
        Pair fresh(settings(), settings());
        Wallet left, right;
        for (Wallet* each : {&left, &right}) each->trust(large);
        left.add(large, at_initiator ? type : KeyType::ecdsa_256, "a.example");
        right.add(large, at_initiator ? KeyType::ecdsa_256 : type, "b.example");
        fresh.step(fresh.a, Configure{config_of(with_certificates(true)), left.credentials});
        fresh.step(fresh.b, Configure{config_of(with_certificates(false)), right.credentials});
        EXPECT_FALSE(fresh.initiate(fresh.a).result);
        fresh.pass(minutes(5));
        EXPECT_EQ(fresh.a.engine.population().ike_sas + fresh.b.engine.population().ike_sas, 0u);
        const Node& guilty = at_initiator ? fresh.a : fresh.b;
        EXPECT_NE(guilty.log().find("64 KiB"), std::string::npos) << guilty.log();
    }
}

}  // namespace
}  // namespace cygnet::ike::test
