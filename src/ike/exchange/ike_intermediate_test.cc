#include "ike/exchange/ike_intermediate.h"

#include <gtest/gtest.h>

#include "ike/test_pair.h"

namespace cygnet::ike::test {
namespace {

using model::ExchangeType;

model::Connection with_ike(bool at_a, const char* proposals) {
    model::Connection made = connection(at_a);
    made.proposals = *model::parse_proposals(model::Protocol::ike, proposals);
    return made;
}

std::size_t largest_datagram(const Node& node) {
    std::size_t largest = 0;
    for (const auto& trace : node.events_of<model::MessageTrace>())
        if (trace.sent) largest = std::max(largest, trace.octets / trace.datagrams);
    return largest;
}

// RFC 9370 §2.2.1 [154], RFC 9242 §3.2 [150]: one after the other.
TEST(IkeIntermediate, RunsOneRoundForEachAdditionalMethodInTheirOrder) {
    Pair pair;
    constexpr const char* three = "aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_ecp384-ke3_mlkem512";
    pair.configure(with_ike(true, three), with_ike(false, three));
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    ASSERT_TRUE(pair.up());
    EXPECT_EQ(pair.a.only_sa(pair.now).proposal->additional,
              (std::vector{model::Ke::ml_kem_768, model::Ke::ecp_384, model::Ke::ml_kem_512}));
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::intermediate_in_req], 3u);
    EXPECT_TRUE(pair.children_agree());
}

// RFC 9242 §3.3.2: AUTH covers the whole message, however it travelled.
// RFC 9242 §3.3.2 [152]: as if never fragmented.
TEST(IkeIntermediate, AgreesOnAuthAlsoWhenItsMessagesAreFragmented) {
    Pair pair({.fragment_ip_octets = 600}, {.fragment_ip_octets = 400});
    pair.configure(connection(true), connection(false));
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    EXPECT_TRUE(pair.up());
    EXPECT_LE(largest_datagram(pair.a), 600u);
}

TEST(IkeIntermediate, ComesUpAlthoughFragmentsAreLostDoubledAndReordered) {
    Pair pair({.fragment_ip_octets = 600}, {.fragment_ip_octets = 400});
    pair.configure(connection(true), connection(false));
    std::uint64_t turn = 0;
    bool again = false;
    pair.meddler = [&](Send& send) {
        ++turn;
        if (turn % 5 == 0) return false;
        if (turn % 3 == 0 && !again) {  // To the end of the queue, and once more.
            Node& from = send.path.local.address == address("192.0.2.1") ? pair.a : pair.b;
            again = true;
            from.outbox.push_back(send);
        } else {
            again = false;
        }
        return true;
    };
    pair.initiate(pair.a);
    pair.pass(minutes(3));
    EXPECT_TRUE(pair.up()) << pair.a.log() << "---\n" << pair.b.log();
}

// RFC 7296 §2 [7], RFC 7383 §2.3 [141]: large messages go in one datagram to a peer without fragmentation.
TEST(IkeIntermediate, DoesNotFragmentForAPeerThatCannot) {
    Pair pair({.fragment_ip_octets = 600}, {.fragment_ip_octets = 400});
    model::Connection whole = connection(false);
    whole.fragmentation = model::Fragmentation::no;
    pair.configure(connection(true), whole);
    EXPECT_TRUE(pair.initiate(pair.a).result);
    for (const auto& trace : pair.a.events_of<model::MessageTrace>()) EXPECT_EQ(trace.datagrams, 1u);
}

// RFC 7383 §2.6.1: only the first fragment of a repeated request brings the answer back.
// RFC 7383 §2.6.1 [146]: fragment 1 alone.
TEST(IkeIntermediate, RepeatsItsAnswerForTheFirstFragmentAlone) {
    Pair pair({.fragment_ip_octets = 400});
    pair.configure(connection(true), connection(false));
    std::vector<Send> fragments;
    pair.meddler = [&](Send& send) {
        const bool request = send.path.remote.address == address("192.0.2.2");
        if (request && send.datagram[18] == 43) fragments.push_back(send);
        return request || send.datagram[18] != 43;  // The answers are lost.
    };
    pair.initiate(pair.a);
    ASSERT_GT(fragments.size(), 2u);
    const auto sent_before = pair.b.engine.counters()[model::Counter::retransmitted];
    for (const Send& fragment : fragments)
        pair.step(pair.b, Datagram{.path = {fragment.path.remote, fragment.path.local}, .bytes = fragment.datagram});
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::retransmitted], sent_before + 1);
}

// RFC 7383 §2.6 [145]: by time.
TEST(IkeIntermediate, DropsAnIncompleteSetOfFragmentsAfterAWhile) {
    Pair pair({.fragment_ip_octets = 400});
    pair.configure(connection(true), connection(false));
    pair.meddler = [](Send& send) {
        return send.datagram[16] != 53 || send.datagram[33] != 2;
    };  // Never the second one.
    pair.initiate(pair.a);
    pair.pass(minutes(10));
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u);
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0u);
}

}  // namespace
}  // namespace cygnet::ike::test
