// RFC 7383 as an authenticated peer, or somebody on the path, can bend it.
#include <gtest/gtest.h>

#include <algorithm>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::PayloadType;

constexpr FragmentLimit small{.ip_octets = 200, .overhead = 28};

PayloadType first_payload(const Bytes& datagram) {
    return static_cast<PayloadType>(datagram[wire::header_next_payload_at]);
}

// An IKE SA with a peer that can cut its messages as it likes.
class Fragments : public ::testing::Test {
protected:
    Fragments() { peer.step(Configure{config_of(connection(false)), nullptr}); }

    // An INFORMATIONAL request that is larger than what it needs to be.
    SentMessage request(FragmentLimit limit, std::size_t octets = 600) {
        wire::MessageBuilder message;
        message.notify(static_cast<model::NotifyType>(40'000), Bytes(octets, 7));
        return *peer.protection->seal(peer.header(ExchangeType::informational, peer.next_id), message.take_chain(), limit,
                                      victim.rng);
    }
    std::size_t answers_to(const Bytes& datagram) { return peer.raw(datagram).size(); }
    std::uint64_t refused() { return victim.engine.counters()[Counter::fragment_refused]; }

    Node victim{7};
    ScriptedPeer peer{victim};
};

TEST_F(Fragments, AreTakenInAnyOrderAndAnsweredOnce) {
    peer.establish();
    const SentMessage sent = request(small);
    ASSERT_GT(sent.size(), 4u);
    std::size_t answers = 0;
    for (auto fragment = sent.rbegin(); fragment != sent.rend(); ++fragment) answers += answers_to(*fragment);
    EXPECT_EQ(answers, 1u);
}

// RFC 7383 §2.6 [143]: each is authenticated when it arrives; a forged one is dropped and changes nothing.
TEST_F(Fragments, WithAWrongIcvAreDroppedInSilence) {
    peer.establish();
    const SentMessage sent = request(small);
    for (const Bytes& fragment : sent) {
        Bytes forged = fragment;
        forged.back() ^= 1;
        EXPECT_EQ(answers_to(forged), 0u);
    }
    EXPECT_EQ(victim.engine.counters()[Counter::integrity_failed], sent.size());
    std::size_t answers = 0;
    for (const Bytes& fragment : sent) answers += answers_to(fragment);
    EXPECT_EQ(answers, 1u) << "none of the forged ones took the place of a real one";
}

// RFC 7383 §2.6 [144]: a fragment that is there already is dropped; a larger Total begins anew; one of a smaller Total is too late.
TEST_F(Fragments, OfTwoSetsAreNotMixed) {
    peer.establish();
    const SentMessage coarse = request({.ip_octets = 400, .overhead = 28}), fine = request(small);
    ASSERT_GT(fine.size(), coarse.size());
    EXPECT_EQ(answers_to(coarse[0]), 0u);
    EXPECT_EQ(answers_to(coarse[0]), 0u);
    EXPECT_EQ(refused(), 1u) << "the same again";
    EXPECT_EQ(answers_to(fine[0]), 0u);
    for (std::size_t i = 1; i < coarse.size(); ++i) EXPECT_EQ(answers_to(coarse[i]), 0u);
    EXPECT_EQ(refused(), coarse.size()) << "the smaller Total is outdated";
    std::size_t answers = 0;
    for (std::size_t i = 1; i < fine.size(); ++i) answers += answers_to(fine[i]);
    EXPECT_EQ(answers, 1u);
}

// RFC 7383 §2.6 [145]: an incomplete set is dropped after a time; the request can still come.
TEST_F(Fragments, OfAnIncompleteSetAreDroppedAfterAWhile) {
    peer.establish();
    const SentMessage sent = request(small);
    answers_to(sent[0]);
    peer.now = victim.engine.next_deadline();
    EXPECT_LE(peer.now, Instant::after_start(seconds(1000)) + model::limits::half_open_life);
    peer.step(Tick{});
    EXPECT_EQ(refused(), 1u);
    std::size_t answers = 0;
    for (std::size_t i = 1; i < sent.size(); ++i) answers += answers_to(sent[i]);
    EXPECT_EQ(answers, 0u) << "the first one is gone";
    EXPECT_EQ(answers_to(sent[0]), 1u);
}

// RFC 7383 §2.6.1 [146]: of a repeated request only fragment 1 brings the answer back.
TEST_F(Fragments, OfAnAnsweredRequestAreQuietButForTheFirst) {
    peer.establish();
    const SentMessage sent = request(small);
    for (const Bytes& fragment : sent) answers_to(fragment);
    for (std::size_t i = 1; i < sent.size(); ++i) EXPECT_EQ(answers_to(sent[i]), 0u);
    EXPECT_EQ(answers_to(sent[0]), 1u);
}

// RFC 7383 §2.6.1 [146]: the same request in smaller fragments is a repetition, too.
TEST_F(Fragments, OfAnAnsweredRequestThatWasCutSmallerBringTheAnswerBack) {
    peer.establish();
    for (const Bytes& fragment : request({.ip_octets = 400, .overhead = 28})) answers_to(fragment);
    const SentMessage again = request(small);
    EXPECT_EQ(answers_to(again[0]), 1u);
    for (std::size_t i = 1; i < again.size(); ++i) EXPECT_EQ(answers_to(again[i]), 0u);
}

// RFC 7383 §2.3 [141]: without both notifications there are no fragments; what comes is dropped.
TEST_F(Fragments, AreNotTakenUnlessNegotiated) {
    model::Connection without = connection(false);
    without.fragmentation = model::Fragmentation::no;
    peer.step(Configure{config_of(without), nullptr});
    peer.establish();
    const auto answer = *wire::parse_message(peer.init_response);
    EXPECT_EQ(answer.notify(model::NotifyType::ikev2_fragmentation_supported), nullptr);
    for (const Bytes& fragment : request(small)) EXPECT_EQ(answers_to(fragment), 0u);
    EXPECT_GT(refused(), 0u);
}

// What a pair of engines sends in a handshake with large messages.
struct Sent {
    std::vector<Bytes> datagrams{};
    std::vector<Bytes> of(ExchangeType exchange) const {
        std::vector<Bytes> found;
        for (const Bytes& datagram : datagrams)
            if (wire::parse_header(datagram)->exchange == exchange) found.push_back(datagram);
        return found;
    }
};

Sent handshake(model::Fragmentation at_a, model::Fragmentation at_b) {
    Pair pair;
    Sent sent;
    const auto side = [](bool is_a, model::Fragmentation fragmentation) {
        model::Connection one = connection(is_a);
        one.proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519-ke1_mlkem1024");
        one.fragmentation = fragmentation;
        one.fragment_size = 576;
        return one;
    };
    pair.configure(side(true, at_a), side(false, at_b));
    pair.meddler = [&](Send& send) {
        sent.datagrams.push_back(send.datagram);
        return true;
    };
    pair.initiate(pair.a);
    EXPECT_TRUE(pair.up());
    return sent;
}

// RFC 7383 §2.3, §2.4 [141]: IKE_SA_INIT is never cut, nor anything unless both said that they can.
TEST(Fragmentation, HappensOnlyWhenBothCanAndNeverToIkeSaInit) {
    using model::Fragmentation;
    for (const auto& [at_a, at_b, cut] :
         {std::tuple{Fragmentation::yes, Fragmentation::yes, true}, {Fragmentation::yes, Fragmentation::no, false},
          {Fragmentation::no, Fragmentation::yes, false}}) {
        const Sent sent = handshake(at_a, at_b);
        const auto is_fragment = [](const Bytes& datagram) { return first_payload(datagram) == PayloadType::skf; };
        EXPECT_TRUE(std::ranges::none_of(sent.of(ExchangeType::ike_sa_init), is_fragment));
        EXPECT_EQ(std::ranges::any_of(sent.of(ExchangeType::ike_intermediate), is_fragment), cut);
    }
}

// RFC 7383 §2.3 [141]: the notification carries no data.
TEST(Fragmentation, IsAnnouncedWithoutData) {
    const Sent sent = handshake(model::Fragmentation::yes, model::Fragmentation::yes);
    for (const Bytes& datagram : sent.of(ExchangeType::ike_sa_init)) {
        const auto message = *wire::parse_message(datagram);
        const auto* notify = message.notify(model::NotifyType::ikev2_fragmentation_supported);
        ASSERT_NE(notify, nullptr);
        EXPECT_TRUE(notify->data.empty());
        EXPECT_TRUE(notify->spi.empty());
    }
}

// RFC 7383 §2.5 [142]: SKF ends the message, numbers run from 1 to Total, and the next payload is named by the first alone.
TEST(Fragmentation, NumbersFragmentsFromOne) {
    const Sent sent = handshake(model::Fragmentation::yes, model::Fragmentation::yes);
    std::uint16_t expected = 1;
    for (const Bytes& datagram : sent.of(ExchangeType::ike_intermediate)) {
        ASSERT_EQ(first_payload(datagram), PayloadType::skf);
        const auto place = *wire::locate_protected(datagram, {.iv = 8, .block = 1, .icv = 16});
        ASSERT_TRUE(place.fragment);
        EXPECT_EQ(place.fragment->number, expected);
        EXPECT_EQ(place.first == PayloadType::none, expected != 1);
        expected = place.fragment->number == place.fragment->total ? 1 : expected + 1;
    }
    EXPECT_EQ(expected, 1u);
}

}  // namespace
}  // namespace cygnet::ike::test
