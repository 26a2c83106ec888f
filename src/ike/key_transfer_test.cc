// docs/protocol/large-key-exchange.md between two engines.
#include "ike/key_transfer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ike/test_pair.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;

constexpr std::size_t exchange_at = 18, next_payload_at = 16, fragment_number_at = 33;  // in a protected datagram

class KeyTransfer : public testing::Test {
protected:
    void SetUp() override {
        if (!goes_in_pieces(model::Ke::mceliece_348864f)) GTEST_SKIP() << "this build has no Classic McEliece (tools/fetch-mceliece)";
    }
    void make(EngineSettings settings_b = {}) {
        pair = std::make_unique<Pair>(EngineSettings{}, settings_b);
        const auto side = [&](bool at_a) {
            model::Connection made = connection(at_a);
            made.proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519-ke1_mceliece348864f");
            made.children.front().esp_proposals = *model::parse_proposals(model::Protocol::esp, esp);
            return made;
        };
        pair->configure(side(true), side(false));
    }
    // Requests of a: the datagrams of the exchange, the n-th message of which is looked at.
    bool is_request(const Send& send, ExchangeType exchange) const {
        return send.path.remote.address == address("192.0.2.2") && send.datagram[exchange_at] == static_cast<std::uint8_t>(exchange);
    }
    std::uint64_t count(Node& node, Counter counter) const { return node.engine.counters()[counter]; }

    const char* esp = "aes256gcm16";
    std::unique_ptr<Pair> pair;
};

TEST_F(KeyTransfer, BringsALargeValueInPiecesAndTellsWhenItBeginsAndEnds) {
    make();
    EXPECT_TRUE(pair->initiate(pair->a).result) << pair->a.log() << "---\n" << pair->b.log();
    ASSERT_TRUE(pair->up());
    EXPECT_TRUE(pair->children_agree());
    const auto exchanges = count(pair->a, Counter::intermediate_out_req);
    EXPECT_GE(exchanges, 261'120 / model::limits::key_piece_octets_tcp);
    EXPECT_LT(exchanges, 12U);
    EXPECT_EQ(count(pair->a, Counter::large_key_sent), 1U);
    EXPECT_EQ(count(pair->b, Counter::large_key_received), 1U);
    EXPECT_NE(pair->a.log().find("sending the public value of MCELIECE_348864F in pieces: 261120 octets"), std::string::npos);
    const std::string pieces = std::to_string(exchanges) + " pieces within 0.00 s";
    EXPECT_NE(pair->a.log().find("sent the public value of MCELIECE_348864F: 261120 octets in " + pieces), std::string::npos);
    EXPECT_NE(pair->b.log().find("received the public value of MCELIECE_348864F: 261120 octets in " + pieces), std::string::npos);
    for (const auto& trace : pair->a.events_of<model::MessageTrace>()) EXPECT_LE(trace.datagrams, model::limits::key_piece_fragments_max + 1);
}

// §5.3: round trips are known, and nobody waits for seconds.
TEST_F(KeyTransfer, SendsAPieceAgainSoonAndOnlyWhatIsMissingCounts) {
    make();
    unsigned lost = 0;
    pair->meddler = [&](Send& send) {
        if (!is_request(send, ExchangeType::ike_intermediate) || count(pair->b, Counter::intermediate_in_req) != 3) return true;
        // Of each transmission another half of the fragments arrives.
        const bool odd = send.datagram[fragment_number_at] % 2 != 0;
        const bool first_time = count(pair->a, Counter::retransmitted) == 0;
        lost += odd == first_time ? 1 : 0;
        return odd != first_time;
    };
    pair->initiate(pair->a);
    EXPECT_FALSE(pair->up());
    pair->pass(model::limits::key_piece_patience_min);
    EXPECT_TRUE(pair->up()) << pair->a.log();
    EXPECT_GT(lost, 0U);
    EXPECT_EQ(count(pair->a, Counter::retransmitted), 1U);
}

// What has got through in this size does so again: silence has other reasons then.
TEST_F(KeyTransfer, DoesNotLookForANarrowPathOncePiecesHaveArrived) {
    make();
    pair->meddler = [&](Send& send) {
        return !is_request(send, ExchangeType::ike_intermediate) || count(pair->b, Counter::intermediate_in_req) != 3 ||
               count(pair->a, Counter::retransmitted) > 4;
    };
    pair->initiate(pair->a);
    pair->pass(seconds(10));
    EXPECT_TRUE(pair->up()) << pair->a.log();
    EXPECT_EQ(count(pair->a, Counter::fragment_size_lowered), 0U);
}

// §8: what is refused for want of room is told, here before authentication …
TEST_F(KeyTransfer, EndsWhereThereIsNoRoomAndSaysSo) {
    make({.key_octets_of_strangers = 100'000});
    const CommandDone done = pair->initiate(pair->a);
    EXPECT_FALSE(done.result);
    EXPECT_EQ(count(pair->b, Counter::large_key_no_room), 1U);
    EXPECT_NE(pair->a.log().find("the peer has no room for our public value now"), std::string::npos) << pair->a.log();
    EXPECT_EQ(pair->b.engine.population().ike_sas, 0U);
}

// … and here after it: the IKE SA and the child that was to be rekeyed stay. RFC 9370 §2.2.4.
TEST_F(KeyTransfer, KeepsTheChildWhoseRekeyFindsNoRoom) {
    esp = "aes256gcm16-x25519-ke1_mceliece348864f";
    make({.key_octets_of_peers = 100'000});
    ASSERT_TRUE(pair->initiate(pair->a).result) << pair->a.log();
    pair->rekey(pair->a, {.child = "net"});
    EXPECT_EQ(count(pair->b, Counter::large_key_no_room), 1U);
    EXPECT_EQ(count(pair->b, Counter::temporary_failure_sent), 1U);
    EXPECT_TRUE(pair->up());
}

// §5.4: the pieces of a rekey have a link each.
TEST_F(KeyTransfer, RekeysWithALargeValueFromEitherSide) {
    esp = "aes256gcm16-x25519-ke1_mceliece348864f";
    make();
    ASSERT_TRUE(pair->initiate(pair->a).result) << pair->a.log();
    EXPECT_TRUE(pair->rekey(pair->a, {.child = "net"}).result) << pair->a.log();
    EXPECT_TRUE(pair->rekey(pair->b, {.ike = "gw"}).result) << pair->b.log();
    EXPECT_TRUE(pair->up());
    EXPECT_TRUE(pair->children_agree());
    EXPECT_EQ(count(pair->a, Counter::large_key_sent), 2U);
    EXPECT_EQ(count(pair->b, Counter::large_key_sent), 1U);
    EXPECT_EQ(count(pair->a, Counter::followup_out_req), count(pair->b, Counter::followup_in_req));
    EXPECT_GT(count(pair->a, Counter::followup_out_req), 5U);
}

}  // namespace
}  // namespace cygnet::ike::test
