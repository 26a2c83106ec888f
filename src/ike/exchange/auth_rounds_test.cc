// Several authentications in one IKE_AUTH phase, between two engines and with a peer that breaks the rules. RFC 4739.
#include <gtest/gtest.h>

#include "ike/exchange/ike_auth.h"
#include "ike/test_pair.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

model::AuthConfig psk(std::string name, const char* id) {
    return {.name = std::move(name),
            .auth = model::AuthClass::psk,
            .auth_text = "psk",
            .id = model::Identity::parse(id)};
}

// `at_a` proves a.example and then alice, `at_b` proves b.example and then bob, as far as it is told to.
model::Connection rounds(bool at_a, bool twice_a, bool twice_b) {
    model::Connection made = connection(at_a);
    auto& of_a = at_a ? made.local : made.remote;
    auto& of_b = at_a ? made.remote : made.local;
    if (twice_a) of_a.push_back(psk(at_a ? "local-2" : "remote-2", "alice@example"));
    if (twice_b) of_b.push_back(psk(at_a ? "remote-2" : "local-2", "bob@example"));
    return made;
}

// The hosts have a secret, and the people behind them another one.
std::shared_ptr<model::Config> config_with_secrets(model::Connection made, const std::string& of_people = "people") {
    auto config = config_of(std::move(made));
    model::SharedSecret shared{
        .name = "people",
        .owners = {model::Identity::parse("alice@example"), model::Identity::parse("bob@example")},
        .secret = SecretBytes::copy_of(bytes_of(of_people))};
    config->secrets["people"] = std::make_shared<const model::SharedSecret>(std::move(shared));
    return config;
}

struct Shape {
    bool twice_a, twice_b;
};
class AuthRounds : public testing::TestWithParam<Shape> {
protected:
    bool twice_a = GetParam().twice_a, twice_b = GetParam().twice_b;
    Pair pair;
    void configure(const std::string& of_people_at_a = "people") {
        pair.step(pair.a, Configure{config_with_secrets(rounds(true, twice_a, twice_b), of_people_at_a), nullptr});
        pair.step(pair.b, Configure{config_with_secrets(rounds(false, twice_a, twice_b)), nullptr});
    }
    std::string logs() const { return pair.a.log() + "---\n" + pair.b.log(); }
};

// RFC 4739 §2.1 [79]: the phase is complete when every authentication of both sides is; the child comes with the last message.
TEST_P(AuthRounds, AllSucceedBeforeTheSaIsUp) {
    configure();
    EXPECT_TRUE(pair.initiate(pair.a).result) << logs();
    ASSERT_TRUE(pair.up()) << logs();
    EXPECT_TRUE(pair.children_agree());
    const model::IkeStatus at_a = pair.a.only_sa(pair.now), at_b = pair.b.only_sa(pair.now);
    const auto alice = model::Identity::parse(twice_a ? "alice@example" : "a.example");
    const auto bob = model::Identity::parse(twice_b ? "bob@example" : "b.example");
    EXPECT_EQ(at_a.local_id, alice);
    EXPECT_EQ(at_a.remote_id, bob);
    EXPECT_EQ(at_b.local_id, bob);
    EXPECT_EQ(at_b.remote_id, alice);
}

TEST_P(AuthRounds, OneThatFailsEndsEverything) {
    configure("something else");
    EXPECT_FALSE(pair.initiate(pair.a).result);
    pair.pass(minutes(5));
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u) << logs();
    EXPECT_EQ(pair.a.engine.population().children + pair.b.engine.population().children, 0u);
}

TEST_P(AuthRounds, AreRefusedWhereTheOtherSideHasFewerOrMore) {
    // One side disagrees about how many identities the other has.
    for (const model::Connection& at_b : {rounds(false, !twice_a, twice_b), rounds(false, twice_a, !twice_b)}) {
        Pair other;
        other.step(other.a, Configure{config_with_secrets(rounds(true, twice_a, twice_b)), nullptr});
        other.step(other.b, Configure{config_with_secrets(at_b), nullptr});
        EXPECT_FALSE(other.initiate(other.a).result) << other.a.log() << other.b.log();
        other.pass(minutes(5));
        EXPECT_EQ(other.a.engine.population().ike_sas + other.b.engine.population().ike_sas, 0u);
    }
}

INSTANTIATE_TEST_SUITE_P(OfEitherSide, AuthRounds,
                         testing::Values(Shape{true, false}, Shape{false, true}, Shape{true, true}),
                         [](const auto& shape) {
                             return std::string(shape.param.twice_a ? "Initiator" : "") +
                                    (shape.param.twice_b ? "Responder" : "");
                         });

TEST(AuthRoundsOfAConnection, AreChosenAgainWhenALaterIdentityDoesNotFit) {
    Pair pair;
    pair.step(pair.a, Configure{config_with_secrets(rounds(true, true, false)), nullptr});
    auto config = config_with_secrets(rounds(false, true, false));
    model::Connection other = rounds(false, true, false);
    other.name = "before";  // comes first by name and fits the first round
    other.remote[1].id = model::Identity::parse("carol@example");
    config->connections["before"] = std::make_shared<const model::Connection>(other);
    pair.step(pair.b, Configure{config, nullptr});
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.b.log();
    EXPECT_EQ(pair.b.only_sa(pair.now).name, "gw");
}

TEST(AuthRoundsOfAConnection, DoNotMoveToOneThatDemandedMoreBefore) {
    Pair pair;
    pair.step(pair.a, Configure{config_with_secrets(rounds(true, true, false)), nullptr});
    auto config = config_with_secrets(rounds(false, true, false));
    model::Connection first = rounds(false, true, false), strict = first;
    first.remote[1].id = model::Identity::parse("carol@example");
    strict.name = "strict";
    strict.remote[0].auth = model::AuthClass::pubkey;  // the first round was a shared key
    config->connections["gw"] = std::make_shared<const model::Connection>(first);
    config->connections["strict"] = std::make_shared<const model::Connection>(strict);
    pair.step(pair.b, Configure{config, nullptr});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u);
}

// hostile C5: a responder that does not prove who it is in the first round gets no second credential.
TEST(AuthRoundsOfAConnection, KeepTheNextCredentialUntilThePeerIsProven) {
    Pair pair;
    model::Connection careful = rounds(true, true, false);
    pair.step(pair.a, Configure{config_with_secrets(careful), nullptr});
    auto config = config_with_secrets(rounds(false, true, false));
    model::Connection impostor = rounds(false, true, false);
    impostor.local.front().id = model::Identity::parse("rogue.example");
    careful.remote.front().id = model::Identity::parse("*.trusted");
    pair.step(pair.a, Configure{config_with_secrets(careful), nullptr});
    config->connections["gw"] = std::make_shared<const model::Connection>(impostor);
    pair.step(pair.b, Configure{config, nullptr});
    unsigned auth_requests = 0;
    pair.meddler = [&](Send& send) {
        const auto header = wire::parse_header(send.datagram);
        if (header->exchange == model::ExchangeType::ike_auth && !header->response) ++auth_requests;
        return true;
    };
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(auth_requests, 1u) << pair.a.log();
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0u);
}

class BadRounds : public testing::Test {
protected:
    Node victim{7};
    ScriptedPeer peer{victim};
    void configure(bool twice) {
        Effects effects;
        victim.engine.step(peer.now, Configure{config_of(rounds(false, twice, false)), nullptr}, effects);
    }
    // The first of two proofs, the second announced.
    static void prove_first(ScriptedPeer& by) {
        by.init();
        auto request = by.auth();
        request.notify(model::NotifyType::multiple_auth_supported);
        request.notify(model::NotifyType::another_auth_follows);
        EXPECT_EQ(by.send(model::ExchangeType::ike_auth, std::move(request)).size(), 1u);
    }
    std::size_t established() const {
        std::size_t count = 0;
        for (const auto& sa : victim.engine.list(peer.now)) count += sa.state == model::IkeState::established;
        return count;
    }
};

// RFC 4739 §2.1 [79]: only if both announced it.
TEST_F(BadRounds, AnAnnouncementWithoutTheOtherIsRefused) {
    configure(true);
    peer.init();
    auto request = peer.auth();
    request.notify(model::NotifyType::another_auth_follows);
    const auto answers = peer.send(model::ExchangeType::ike_auth, std::move(request));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(model::NotifyType::invalid_syntax), nullptr);
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

// RFC 4739 §3.2 [79]: who does not announce another authentication has none, and here one is missing.
TEST_F(BadRounds, OneThatIsMissingIsNotForgotten) {
    configure(true);
    peer.init();
    auto request = peer.auth();
    request.notify(model::NotifyType::multiple_auth_supported);
    const auto answers = peer.send(model::ExchangeType::ike_auth, std::move(request));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(model::NotifyType::authentication_failed), nullptr);
    EXPECT_EQ(established(), 0u);
}

// hostile C1, C4: between two rounds nothing counts as an authentication, and nothing else begins.
TEST_F(BadRounds, AnythingButTheNextProofLeavesTheSaUnauthenticated) {
    for (const auto exchange : {model::ExchangeType::create_child_sa, model::ExchangeType::informational}) {
        configure(true);
        ScriptedPeer fresh{victim};
        fresh.spis.initiator = static_cast<std::uint64_t>(exchange);
        prove_first(fresh);
        EXPECT_EQ(established(), 0u);
        fresh.send(exchange, fresh.auth({model::PayloadType::id_i, model::PayloadType::auth}));
        EXPECT_EQ(established(), 0u);
        EXPECT_EQ(victim.engine.population().children, 0u);
    }
}

TEST_F(BadRounds, ARequestWithoutAProofInsteadOfTheAnnouncedOneEndsIt) {
    configure(true);
    prove_first(peer);
    const auto answers = peer.send(model::ExchangeType::ike_auth, wire::MessageBuilder());
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(model::NotifyType::invalid_syntax), nullptr);
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

// RFC 7296 §2.21.2: an initiator that does not accept our first proof says so instead of giving its next one.
TEST_F(BadRounds, AnInitiatorThatGivesUpEndsIt) {
    configure(true);
    prove_first(peer);
    wire::MessageBuilder refusal;
    refusal.notify(model::NotifyType::authentication_failed);
    const auto answers = peer.send(model::ExchangeType::informational, std::move(refusal));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_TRUE(answers.front().payloads.empty());
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

// RFC 7296 §2.16: a request without AUTH asks for EAP.
TEST_F(BadRounds, ARequestForEapIsRefusedByName) {
    configure(false);
    peer.init();
    const auto answers = peer.send(model::ExchangeType::ike_auth, peer.auth({model::PayloadType::auth}));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(model::NotifyType::authentication_failed), nullptr);
    EXPECT_NE(victim.log().find("EAP"), std::string::npos);
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

}  // namespace
}  // namespace cygnet::ike::test
