// RFC 6290 between two engines, and against a stranger who wants to know what only a crash may reveal.
#include <gtest/gtest.h>

#include "ike/test_pair.h"
#include "wire/message.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;

model::Connection detecting(bool at_a) {
    model::Connection made = connection(at_a);
    made.crash_detection = true;
    made.dpd_delay = seconds(10);
    made.children.front().dpd_action = at_a ? model::Action::start : model::Action::none;
    return made;
}

struct CrashDetection : ::testing::Test {
    Pair pair;
    const model::Path to_a{{address("192.0.2.1"), 500}, {address("192.0.2.2"), 500}};
    const model::Path to_b{{address("192.0.2.2"), 500}, {address("192.0.2.1"), 500}};

    void SetUp() override {
        pair.configure(detecting(true), detecting(false));
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log();
    }
    std::uint64_t count(const Node& node, Counter which) { return node.engine.counters()[which]; }
    // What the node says to a message about an SA that it may or may not have.
    std::optional<Bytes> answer_of(Node& node, const model::Path& path, wire::Header header, std::size_t octets = 100) {
        wire::MessageBuilder message;
        message.notify(NotifyType::cookie, Bytes(octets - wire::header_size - 8, 0));
        Bytes datagram = message.finish(header);
        datagram[wire::header_next_payload_at] = static_cast<std::uint8_t>(model::PayloadType::sk);
        pair.step(node, Datagram{.path = path, .bytes = datagram});
        if (node.outbox.empty()) return std::nullopt;
        Bytes answer = node.outbox.front().datagram;
        node.outbox.clear();
        return answer;
    }
    wire::Header request_of_a() {
        const auto sa = pair.a.only_sa(pair.now);
        return {.spi_i = sa.spi_i, .spi_r = sa.spi_r, .exchange = ExchangeType::informational, .initiator = true, .message_id = 7};
    }
    static const wire::NotifyPayload* token_in(const wire::Message& message) {
        return message.notify(NotifyType::quick_crash_detection);
    }
    Bytes shown(std::initializer_list<ByteView> tokens) {
        wire::Header header = request_of_a();
        header.initiator = false;
        header.response = true;
        wire::MessageBuilder message;
        message.notify(NotifyType::invalid_ike_spi);
        for (const ByteView token : tokens)
            message.add(wire::NotifyPayload{.protocol = model::Protocol::ike, .message_type = NotifyType::quick_crash_detection, .spi = {}, .data = token});
        return message.finish(header);
    }
    // The token that b makes for the SA, as b says it once it has lost the SA.
    Bytes token_of_b() {
        const wire::Header header = request_of_a();
        pair.restart(pair.b);
        const Bytes answer = *answer_of(pair.b, to_b, header);
        return keep(token_in(*wire::parse_message(answer))->data);
    }
    bool a_is_up() { return !pair.a.engine.list(pair.now).empty() && pair.a.events_of<model::IkeDown>().empty(); }
};

// RFC 6290 §4.5 [205]: the token ends the SA; the reconnect follows at once.
TEST_F(CrashDetection, ARestartIsNoticedWithTheNextMessage) {
    pair.restart(pair.b);
    pair.pass(seconds(11));
    EXPECT_EQ(count(pair.a, Counter::peer_crashed), 1u) << pair.a.log();
    EXPECT_TRUE(pair.up());
    EXPECT_EQ(count(pair.a, Counter::retransmitted), 0u);
}

TEST_F(CrashDetection, WorksInBothRoles) {
    pair.restart(pair.a);
    pair.pass(seconds(11));
    EXPECT_EQ(count(pair.b, Counter::peer_crashed), 1u) << pair.b.log();
    EXPECT_TRUE(pair.b.engine.list(pair.now).empty());
}

// RFC 6290 §4.3: after a rekey there are new tokens, in both directions.
TEST_F(CrashDetection, ARekeyedSaHasTokensOfItsOwn) {
    ASSERT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result);
    pair.restart(pair.b);
    pair.pass(seconds(11));
    EXPECT_EQ(count(pair.a, Counter::peer_crashed), 1u) << pair.a.log();
    ASSERT_TRUE(pair.up());
    ASSERT_TRUE(pair.rekey(pair.b, {.ike = "gw"}).result);
    pair.restart(pair.a);
    pair.pass(seconds(11));
    EXPECT_EQ(count(pair.b, Counter::peer_crashed), 1u) << pair.b.log();
}

TEST_F(CrashDetection, WithoutTheKeptSecretNothingIsSaid) {
    const wire::Header header = request_of_a();
    pair.restart(pair.b, false);
    const auto answer = answer_of(pair.b, to_b, header);
    ASSERT_TRUE(answer);
    EXPECT_EQ(token_in(*wire::parse_message(*answer)), nullptr);
    EXPECT_NE(wire::parse_message(*answer)->notify(NotifyType::invalid_ike_spi), nullptr);
}

// RFC 6290 §9.2 [205]: never a token for an SA that lives, however its SPIs are named.
TEST_F(CrashDetection, NoTokenForALivingSa) {
    const wire::Header right = request_of_a();
    for (Node* node : {&pair.a, &pair.b}) {
        const model::Path path = node == &pair.a ? to_a : to_b;
        for (const bool initiator : {false, true}) {
            for (const bool swapped : {false, true}) {
                for (const ExchangeType exchange : {ExchangeType::informational, ExchangeType::create_child_sa, ExchangeType::ike_auth, ExchangeType::ike_session_resume}) {
                    wire::Header header = right;
                    if (swapped) std::swap(header.spi_i, header.spi_r);
                    header.initiator = initiator;
                    header.exchange = exchange;
                    const auto answer = answer_of(*node, path, header);
                    if (!answer) continue;
                    const auto message = wire::parse_message(*answer);
                    ASSERT_TRUE(message);
                    EXPECT_EQ(token_in(*message), nullptr);
                }
            }
        }
    }
    EXPECT_EQ(count(pair.a, Counter::crash_token_sent) + count(pair.b, Counter::crash_token_sent), 0u);
    EXPECT_TRUE(pair.up());
}

// RFC 6290 §9.2 [205]: the peer has the new SA already; to us its SPIs mean nothing yet.
TEST_F(CrashDetection, NoTokenForAnSaThatARekeyMakes) {
    pair.meddler = [&](Send& send) {
        const auto header = wire::parse_header(send.datagram);
        return !header->response || header->exchange != ExchangeType::ike_followup_ke;
    };
    pair.rekey(pair.a, {.ike = "gw"});
    const auto at_b = pair.b.engine.list(pair.now);
    ASSERT_EQ(at_b.size(), 2u) << pair.b.log();
    const auto& made = at_b.back();
    const wire::Header header{.spi_i = made.spi_i, .spi_r = made.spi_r, .exchange = ExchangeType::informational};
    pair.a.outbox.clear();
    answer_of(pair.a, to_a, header);
    EXPECT_EQ(count(pair.a, Counter::crash_token_sent), 0u);
}

TEST_F(CrashDetection, AnAnswerIsNeverLargerThanTheRequest) {
    const wire::Header header = request_of_a();
    pair.restart(pair.b);
    for (std::size_t octets = 36; octets < 90; ++octets) {
        const auto answer = answer_of(pair.b, to_b, header, octets);
        ASSERT_TRUE(answer);
        EXPECT_LE(answer->size(), octets);
        const auto message = wire::parse_message(*answer);
        EXPECT_EQ(token_in(*message) != nullptr, octets >= 52) << octets;
        EXPECT_EQ(message->notify(NotifyType::invalid_ike_spi) != nullptr, octets < 52 || octets >= 60) << octets;
    }
}

// RFC 6290 §4.5 [205]: what does not verify changes nothing and is not answered.
TEST_F(CrashDetection, AWrongTokenIsCountedAndIgnored) {
    for (const std::size_t size : {0U, 15U, 16U, 32U, 128U, 1000U}) {
        pair.step(pair.a, Datagram{.path = to_a, .bytes = shown({Bytes(size, 1)})});
        EXPECT_TRUE(pair.a.outbox.empty());
    }
    EXPECT_EQ(count(pair.a, Counter::crash_token_wrong), 6u);
    EXPECT_TRUE(a_is_up());
}

// RFC 6290 §4.5: at least four tokens in one message.
TEST_F(CrashDetection, TheFourthTokenMayBeTheRightOne) {
    const Bytes right = token_of_b(), wrong(16, 1);
    pair.step(pair.a, Datagram{.path = to_a, .bytes = shown({wrong, wrong, wrong, wrong, right})});
    EXPECT_TRUE(a_is_up()) << "more than four are not looked at";
    pair.step(pair.a, Datagram{.path = to_a, .bytes = shown({wrong, wrong, wrong, right})});
    EXPECT_EQ(count(pair.a, Counter::peer_crashed), 1u);
}

// RFC 6290 §8.1: the rate of verifications is limited.
TEST_F(CrashDetection, TokensAreCheckedAtALimitedRate) {
    const Bytes right = token_of_b(), wrong(16, 1);
    for (unsigned i = 0; i < model::limits::crash_tokens_checked_per_second; ++i)
        pair.step(pair.a, Datagram{.path = to_a, .bytes = shown({wrong})});
    pair.step(pair.a, Datagram{.path = to_a, .bytes = shown({right})});
    EXPECT_TRUE(a_is_up());
    pair.now = pair.now + seconds(1);
    pair.step(pair.a, Datagram{.path = to_a, .bytes = shown({right})});
    EXPECT_EQ(count(pair.a, Counter::peer_crashed), 1u);
}

TEST_F(CrashDetection, SwitchedOffNothingIsSentOrBelieved) {
    pair.terminate(pair.a);
    model::Connection silent = detecting(true);
    silent.crash_detection = false;
    pair.configure(silent, detecting(false));
    ASSERT_TRUE(pair.initiate(pair.a).result);
    const Bytes right = token_of_b();
    pair.step(pair.a, Datagram{.path = to_a, .bytes = shown({right})});
    EXPECT_TRUE(pair.a.events_of<model::IkeDown>().size() == 1) << "the one that was terminated";
    EXPECT_EQ(count(pair.a, Counter::peer_crashed), 0u);
}

}  // namespace
}  // namespace cygnet::ike::test
