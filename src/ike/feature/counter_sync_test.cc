// RFC 6311: a member of a cluster that takes over, and its peer.
#include <gtest/gtest.h>

#include <algorithm>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;

// ---- two engines ------------------------------------------------------------------------------------

struct FailOver : ::testing::Test {
    Pair pair;
    void SetUp() override {
        pair.configure(connection(true), connection(false));
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log();
    }
    Result<> synchronize(Node& node, std::uint64_t skip_packets = 0) {
        const auto id = static_cast<CommandId>(1000);
        std::erase_if(node.done, [&](const CommandDone& done) { return done.id == id; });
        pair.step(node, Synchronize{.id = id, .which = {.ike = "gw"}, .skip_message_ids = 100, .skip_packets = skip_packets});
        pair.run();
        for (CommandDone& done : node.done)
            if (done.id == id) return std::move(done.result);
        return fail(Errc::timeout, "test", "not done");
    }
};

TEST_F(FailOver, BothGoOnWithHigherMessageIds) {
    for (Node* member : {&pair.a, &pair.b}) {
        ASSERT_TRUE(synchronize(*member)) << pair.a.log() << pair.b.log();
        EXPECT_TRUE(pair.rekey(pair.a, {.ike = "gw", .child = "net"}).result);
        EXPECT_TRUE(pair.rekey(pair.b, {.ike = "gw", .child = "net"}).result);
    }
    EXPECT_EQ(pair.a.engine.counters()[Counter::counters_synchronized], 2u);
    EXPECT_TRUE(pair.up());
    EXPECT_TRUE(pair.children_agree());
}

TEST_F(FailOver, WorksAfterARekeyOfTheIkeSa) {
    ASSERT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result);
    ASSERT_TRUE(synchronize(pair.b)) << pair.b.log();
    EXPECT_TRUE(pair.rekey(pair.b, {.ike = "gw", .child = "net"}).result);
    EXPECT_TRUE(pair.rekey(pair.a, {.ike = "gw", .child = "net"}).result);
}

// RFC 6311 §9: the peer does not wait for pending responses; what they were for begins again.
TEST_F(FailOver, WhatThePeerHadUnderWayIsBegunAgain) {
    pair.meddler = [](Send&) { return false; };
    const CommandDone lost = pair.rekey(pair.b, {.ike = "gw", .child = "net"});
    EXPECT_FALSE(lost.result);
    pair.meddler = nullptr;
    ASSERT_TRUE(synchronize(pair.a)) << pair.b.log();
    pair.pass(seconds(10));
    EXPECT_EQ(pair.b.events_of<model::ChildRekeyed>().size(), 1u) << pair.b.log();
    EXPECT_TRUE(pair.up());
    EXPECT_TRUE(pair.children_agree());
}

// RFC 6311 §5.2 [198]: the outgoing counters of all children, on both sides.
TEST_F(FailOver, SequenceNumbersSkipTheSameAmountOnBothSides) {
    ASSERT_TRUE(synchronize(pair.a, 5000));
    for (const Node* node : {&pair.a, &pair.b}) {
        ASSERT_EQ(node->skipped.size(), 1u);
        EXPECT_EQ(node->skipped[0].count, 5000u);
    }
}

// RFC 6311 §5.2: after a very large jump a rekey follows.
TEST_F(FailOver, AVeryLargeJumpIsFollowedByARekey) {
    ASSERT_TRUE(synchronize(pair.a, std::uint64_t{1} << 30));
    EXPECT_GE(pair.a.events_of<model::ChildRekeyed>().size(), 1u);
    EXPECT_TRUE(pair.up());
}

TEST_F(FailOver, ALostSynchronizationIsSentAgain) {
    unsigned lost = 0;
    pair.meddler = [&](Send&) { return lost++ >= 2; };
    EXPECT_FALSE(synchronize(pair.a));
    pair.pass(seconds(20));
    EXPECT_TRUE(pair.rekey(pair.b, {.ike = "gw", .child = "net"}).result) << pair.a.log();
    EXPECT_TRUE(pair.rekey(pair.a, {.ike = "gw", .child = "net"}).result);
}

// ---- a peer that does as it likes -------------------------------------------------------------------

struct HostileCluster : ::testing::Test {
    Node victim{2};
    ScriptedPeer peer{victim};

    void establish(bool supported) {
        peer.step(Configure{config_of(connection(false)), nullptr});
        peer.init();
        wire::MessageBuilder request = peer.auth();
        if (supported) request.notify(NotifyType::ikev2_message_id_sync_supported);
        const auto answers = peer.send(ExchangeType::ike_auth, std::move(request));
        ASSERT_EQ(answers.size(), 1u);
        // RFC 6311 §5: the responder asserts only what the initiator did.
        EXPECT_EQ(answers[0].notify(NotifyType::ikev2_message_id_sync_supported) != nullptr, supported);
        EXPECT_EQ(answers[0].notify(NotifyType::ipsec_replay_counter_sync_supported), nullptr);
    }
    static Bytes numbers(std::uint32_t nonce, std::uint32_t send, std::uint32_t receive) {
        Bytes data;
        Writer writer(data);
        writer.u32(nonce);
        writer.u32(send);
        writer.u32(receive);
        return data;
    }
    std::vector<ScriptedPeer::Answer> synchronize(wire::MessageBuilder message, std::uint32_t id = 0) {
        return peer.opened(peer.raw(peer.sealed(peer.header(ExchangeType::informational, id), message.take_chain())));
    }
    std::vector<ScriptedPeer::Answer> synchronize(std::uint32_t send, std::uint32_t receive, std::uint32_t nonce = 77) {
        wire::MessageBuilder message;
        message.notify(NotifyType::ikev2_message_id_sync, numbers(nonce, send, receive));
        return synchronize(std::move(message));
    }
};

// RFC 6311 §5.1 [197]: the nonce comes back, the ID is zero, and the values are the higher ones.
TEST_F(HostileCluster, TheAnswerHoldsTheNonceAndTheHigherValues) {
    establish(true);
    const auto answers = synchronize(50, 40);
    ASSERT_EQ(answers.size(), 1u) << victim.log();
    EXPECT_EQ(answers[0].header.message_id, 0u);
    EXPECT_TRUE(answers[0].header.response);
    ASSERT_EQ(answers[0].payloads.size(), 1u);
    EXPECT_EQ(keep(answers[0].notify(NotifyType::ikev2_message_id_sync)->data), numbers(77, 40, 50));
    peer.next_id = 50;
    EXPECT_EQ(peer.send(ExchangeType::informational, {}).size(), 1u);
}

TEST_F(HostileCluster, LowerProposalsAreRaised) {
    establish(true);
    const auto answers = synchronize(2, 0);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(keep(answers[0].notify(NotifyType::ikev2_message_id_sync)->data), numbers(77, 0, 2));
}

// RFC 6311 §5.1 [197]: M1 lower than or equal to the highest value seen is dropped silently, and so is each replay.
TEST_F(HostileCluster, OldAndRepeatedRequestsAreDropped) {
    establish(true);
    EXPECT_TRUE(synchronize(0, 0).empty());
    EXPECT_TRUE(synchronize(1, 0).empty());
    EXPECT_EQ(synchronize(50, 40).size(), 1u);
    EXPECT_TRUE(synchronize(50, 40).empty());
    EXPECT_TRUE(synchronize(49, 90).empty());
    EXPECT_EQ(synchronize(51, 40).size(), 1u);
    EXPECT_EQ(victim.engine.counters()[Counter::counters_synchronized], 2u);
}

TEST_F(HostileCluster, ValuesThatLeaveNoRoomAreDropped) {
    establish(true);
    EXPECT_TRUE(synchronize(0xffffffff, 5).empty());
    EXPECT_TRUE(synchronize(60, 0xffffffff).empty());
    peer.next_id = 2;
    EXPECT_EQ(peer.send(ExchangeType::informational, {}).size(), 1u) << "nothing has changed";
}

// RFC 7296 §2.2 [15]: the IKE SA is rekeyed before message IDs run out, and deleted where the peer does not want that.
TEST_F(HostileCluster, MessageIdsThatRunOutEndTheSa) {
    establish(true);
    ASSERT_EQ(synchronize(model::limits::message_id_rekey, 5).size(), 1u);
    peer.next_id = model::limits::message_id_rekey;
    ASSERT_EQ(peer.send(ExchangeType::informational, {}).size(), 1u);
    const auto ask_again = [&] {
        peer.now = peer.now + model::limits::message_id_pause;
        peer.step(Tick{});
        return peer.opened(peer.sent());
    };
    auto asked = ask_again();
    ASSERT_EQ(asked.size(), 1u) << victim.log();
    EXPECT_EQ(asked[0].header.exchange, ExchangeType::create_child_sa);
    wire::MessageBuilder no;
    no.notify(NotifyType::no_proposal_chosen);
    EXPECT_TRUE(peer.respond(asked[0], std::move(no)).empty());
    while (peer.next_id <= model::limits::message_id_delete)
        ASSERT_EQ(peer.send(ExchangeType::informational, {}).size(), 1u) << peer.next_id;
    asked = ask_again();
    ASSERT_FALSE(asked.empty());
    EXPECT_TRUE(std::ranges::any_of(asked.back().payloads, [](const wire::Payload& payload) {
        return std::holds_alternative<wire::DeletePayload>(payload);
    })) << victim.log();
    while (peer.next_id < model::limits::message_id_end)
        ASSERT_EQ(peer.send(ExchangeType::informational, {}).size(), 1u) << peer.next_id;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(peer.send(ExchangeType::informational, {}).empty());
}

// RFC 6311 §5.1 [197]: no other payloads; the data has its length.
TEST_F(HostileCluster, OtherPayloadsOrLengthsAreDropped) {
    establish(true);
    wire::MessageBuilder with_delete, cut;
    with_delete.notify(NotifyType::ikev2_message_id_sync, numbers(1, 50, 40));
    with_delete.add(wire::DeletePayload{.protocol = model::Protocol::ike, .spi_size = 0, .spis = {}});
    cut.notify(NotifyType::ikev2_message_id_sync, Bytes(11, 9));
    EXPECT_TRUE(synchronize(std::move(with_delete)).empty());
    EXPECT_TRUE(synchronize(std::move(cut)).empty());
    EXPECT_EQ(victim.engine.counters()[Counter::counters_synchronized], 0u);
}

// RFC 7383 §3 and RFC 6311 §5.1 [148]: never in fragments.
TEST_F(HostileCluster, FragmentsAreNotTaken) {
    establish(true);
    wire::MessageBuilder message;
    message.notify(NotifyType::ikev2_message_id_sync, numbers(1, 50, 40));
    message.notify(NotifyType::ipsec_replay_counter_sync, Bytes(600, 0));
    const auto fragments = *peer.protection->seal(peer.header(ExchangeType::informational, 0), message.take_chain(),
                                                  FragmentLimit{.ip_octets = 576, .overhead = 28}, victim.rng);
    ASSERT_GE(fragments.size(), 2u);
    for (const Bytes& fragment : fragments) EXPECT_TRUE(peer.raw(fragment).empty());
    EXPECT_EQ(victim.engine.counters()[Counter::counters_synchronized], 0u);
}

// RFC 6311 §5 [196]: only what both sides asserted.
TEST_F(HostileCluster, WithoutNegotiationMessageIdZeroIsOld) {
    establish(false);
    EXPECT_TRUE(synchronize(50, 40).empty());
    peer.next_id = 2;
    EXPECT_EQ(peer.send(ExchangeType::informational, {}).size(), 1u);
}

}  // namespace
}  // namespace cygnet::ike::test
