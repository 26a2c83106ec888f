// RFC 7791: two IKE SAs from one.
#include <gtest/gtest.h>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;

struct CloningSa : ::testing::Test {
    Pair pair;

    void SetUp() override {
        pair.configure(connection(true), connection(false));
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log();
    }
    Result<> clone(Node& node) {
        const auto id = static_cast<CommandId>(++last_command_);
        pair.step(node, Clone{.id = id, .which = {.ike_id = 1}});
        pair.run();
        for (CommandDone& done : node.done)
            if (done.id == id) return std::move(done.result);
        return fail(Errc::timeout, "test", "not done");
    }
    void expect_sas(std::size_t count) {
        for (const Node* node : {&pair.a, &pair.b}) {
            const auto all = node->engine.list(pair.now);
            ASSERT_EQ(all.size(), count) << node->log();
            std::size_t children = 0;
            for (const auto& sa : all) {
                EXPECT_EQ(sa.state, model::IkeState::established);
                children += sa.children.size();
            }
            EXPECT_EQ(children, 1u);
            EXPECT_EQ(all.front().children.size(), 1u) << "the child stays with the old IKE SA";
        }
    }
    std::uint64_t last_command_ = 5000;
};

// RFC 7791 §5.2: the old IKE SA stays, and its children are not transferred.
TEST_F(CloningSa, BothIkeSasStayAndTheChildIsNotTransferred) {
    ASSERT_TRUE(clone(pair.a));
    expect_sas(2);
    ASSERT_TRUE(clone(pair.b));
    expect_sas(3);
    EXPECT_EQ(pair.a.engine.counters()[Counter::ike_cloned], 2u);
    EXPECT_EQ(pair.b.events_of<model::IkeUp>().size(), 3u);
}

TEST_F(CloningSa, ACloneLivesAndEndsByItself) {
    ASSERT_TRUE(clone(pair.a));
    EXPECT_TRUE(pair.rekey(pair.b, {.ike_id = 2}).result) << "a clone can be rekeyed";
    expect_sas(2);
    const auto last = pair.a.engine.list(pair.now).back().id;
    EXPECT_TRUE(pair.terminate(pair.a, {.ike_id = static_cast<std::uint32_t>(last)}).result);
    expect_sas(1);
    EXPECT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result);
    EXPECT_TRUE(pair.up());
    EXPECT_TRUE(pair.children_agree());
}

TEST_F(CloningSa, WorksAfterARekeyAndWithAdditionalKeyExchanges) {
    model::Connection at_a = connection(true), at_b = connection(false);
    at_a.proposals = at_b.proposals =
        *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519-ke1_mlkem768");
    pair.configure(at_a, at_b);
    ASSERT_TRUE(pair.terminate(pair.a).result);
    ASSERT_TRUE(pair.initiate(pair.a).result);
    ASSERT_TRUE(pair.rekey(pair.b, {.ike = "gw"}).result);
    const auto id = static_cast<CommandId>(++last_command_);
    pair.step(pair.a, Clone{.id = id, .which = {.ike = "gw"}});
    pair.run();
    expect_sas(2);
}

// RFC 7791 §5.3: NO_ADDITIONAL_SAS when there are as many as there may be.
TEST_F(CloningSa, ThereIsALimit) {
    for (std::size_t i = 1; i < model::limits::ike_sas_per_cloning_peer; ++i) ASSERT_TRUE(clone(pair.a));
    EXPECT_FALSE(clone(pair.a));
    expect_sas(model::limits::ike_sas_per_cloning_peer);
}

// Clones and rekeys at once: one waits for the other, and both happen.
TEST_F(CloningSa, AClonesAndRekeysThatCrossAreBothMade) {
    SeededRng order(3);
    for (int round = 0; round < 4; ++round) {
        pair.step(pair.a, Clone{.id = static_cast<CommandId>(++last_command_), .which = {.ike = "gw"}});
        pair.step(pair.b, Rekey{.id = static_cast<CommandId>(++last_command_), .which = {.ike = "gw"}});
        pair.run_shuffled(order);
        pair.pass(seconds(60));
    }
    const std::size_t sas = pair.a.engine.list(pair.now).size();
    EXPECT_GT(sas, 1u);
    EXPECT_EQ(pair.b.engine.list(pair.now).size(), sas) << pair.a.log() << pair.b.log();
    EXPECT_TRUE(pair.children_agree());
}

// ---- a peer that does as it likes -------------------------------------------------------------------

wire::MessageBuilder clone_request(const ScriptedPeer& peer) {
    auto proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519");
    proposals.front().spi = Bytes{9, 8, 7, 6, 5, 4, 3, 2};
    const auto offer = *crypto::ke_offer(peer.proposal.ke);
    wire::MessageBuilder message;
    message.notify(NotifyType::clone_ike_sa);
    message.add(wire::SaPayload{proposals}).add(wire::NoncePayload{Bytes(32, 3)});
    message.add(wire::KePayload{.method = offer.method, .data = offer.public_value});
    return message;
}

// RFC 7791 §5.1: without support on both sides the IKE SA MUST NOT be cloned.
TEST(HostileCloning, WhatWasNotNegotiatedIsRefused) {
    Node victim(2);
    ScriptedPeer peer(victim);
    peer.step(Configure{config_of(connection(false)), nullptr});
    peer.establish();
    const auto answers = peer.send(ExchangeType::create_child_sa, clone_request(peer));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers[0].notify(NotifyType::no_additional_sas), nullptr);
    EXPECT_EQ(victim.engine.list(peer.now).size(), 1u);
}

// RFC 7791 §5.2: CLONE_IKE_SA in any other message is ignored.
TEST(HostileCloning, InAnotherMessageItIsIgnored) {
    Node victim(2);
    ScriptedPeer peer(victim);
    peer.step(Configure{config_of(connection(false)), nullptr});
    peer.init();
    wire::MessageBuilder request = peer.auth();
    request.notify(NotifyType::clone_ike_sa_supported).notify(NotifyType::clone_ike_sa);
    const auto answers = peer.send(ExchangeType::ike_auth, std::move(request));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers[0].notify(NotifyType::clone_ike_sa_supported), nullptr);
    wire::MessageBuilder informational;
    informational.notify(NotifyType::clone_ike_sa);
    EXPECT_EQ(peer.send(ExchangeType::informational, std::move(informational)).size(), 1u);
    EXPECT_EQ(victim.engine.list(peer.now).size(), 1u);
    EXPECT_EQ(peer.send(ExchangeType::create_child_sa, clone_request(peer)).size(), 1u);
    EXPECT_EQ(victim.engine.list(peer.now).size(), 2u) << victim.log();
}

}  // namespace
}  // namespace cygnet::ike::test
