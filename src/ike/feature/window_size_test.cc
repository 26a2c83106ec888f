// RFC 7296 §2.3 against a peer that has several requests under way.
#include <gtest/gtest.h>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;

struct WiderWindow : ::testing::Test {
    Node victim{2};
    ScriptedPeer peer{victim};

    void SetUp() override {
        model::Connection made = connection(false);
        made.window = 4;
        peer.step(Configure{config_of(std::move(made)), nullptr});
        peer.init();
    }
    void establish() {
        const auto answers = peer.send(ExchangeType::ike_auth, peer.auth());
        ASSERT_EQ(answers.size(), 1u);
        // RFC 7296 §2.3: four octets, big endian.
        const auto* size = answers[0].notify(NotifyType::set_window_size);
        ASSERT_NE(size, nullptr);
        EXPECT_EQ(keep(size->data), (Bytes{0, 0, 0, 4}));
    }
    Bytes liveness(std::uint32_t id) { return peer.sealed(peer.header(ExchangeType::informational, id), {}); }
    std::vector<std::uint32_t> ids(const std::vector<Bytes>& datagrams) {
        std::vector<std::uint32_t> found;
        for (const Bytes& datagram : datagrams)
            if (const auto header = *wire::parse_header(datagram); header.response) found.push_back(header.message_id);
        return found;
    }
};

// RFC 7296 §2.3 [16, 18]: the announcement is what is kept.
TEST_F(WiderWindow, RequestsThatOvertakeOthersWaitForThem) {
    establish();
    EXPECT_TRUE(peer.raw(liveness(4)).empty());
    EXPECT_TRUE(peer.raw(liveness(3)).empty());
    EXPECT_EQ(ids(peer.raw(liveness(2))), (std::vector<std::uint32_t>{2, 3, 4}));
}

// RFC 7296 §2.1 [12]: each is answered once, and the answers are kept as long as the window is wide.
TEST_F(WiderWindow, TheLastFourAnswersAreKept) {
    establish();
    std::vector<Bytes> requests, answers;
    for (std::uint32_t id = 2; id < 8; ++id) {
        requests.push_back(liveness(id));
        answers.push_back(peer.raw(requests.back()).at(0));
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto again = peer.raw(requests[i]);
        ASSERT_EQ(again.size(), i < 2 ? 0u : 1u) << i;
        for (const Bytes& answer : again) EXPECT_EQ(answer, answers[i]);
    }
}

TEST_F(WiderWindow, AnEarlyRequestCountsOnce) {
    establish();
    EXPECT_TRUE(peer.raw(liveness(3)).empty());
    EXPECT_TRUE(peer.raw(liveness(3)).empty());
    EXPECT_EQ(victim.engine.counters()[Counter::duplicate_request], 1u);
    EXPECT_EQ(ids(peer.raw(liveness(2))), (std::vector<std::uint32_t>{2, 3}));
}

TEST_F(WiderWindow, EarlyRequestsInFragmentsMayInterleave) {
    establish();
    const auto fragments = [&](std::uint32_t id) {
        wire::MessageBuilder message;
        for (int i = 0; i < 4; ++i) message.notify(static_cast<NotifyType>(40000), Bytes(200, 1));
        return *peer.protection->seal(peer.header(ExchangeType::informational, id), message.take_chain(),
                                      FragmentLimit{.ip_octets = 576, .overhead = 28}, victim.rng);
    };
    const SentMessage second = fragments(2), third = fragments(3);
    ASSERT_GE(second.size(), 2u);
    std::vector<std::uint32_t> answered;
    for (std::size_t i = 0; i < second.size(); ++i)
        for (const SentMessage* message : {&third, &second})
            for (const std::uint32_t id : ids(peer.raw((*message)[i]))) answered.push_back(id);
    EXPECT_EQ(answered, (std::vector<std::uint32_t>{2, 3})) << victim.log();
}

// RFC 7296 §2.3 [19]: INVALID_MESSAGE_ID is a request of our own with the four octets, never an answer, and rate limited.
TEST_F(WiderWindow, ARequestBeyondItIsReportedAndNotAnswered) {
    establish();
    const auto sent = peer.raw(liveness(6));
    ASSERT_EQ(sent.size(), 1u);
    const auto opened = peer.opened(sent);
    const ScriptedPeer::Answer& report = opened.at(0);
    EXPECT_FALSE(report.header.response);
    EXPECT_EQ(report.header.exchange, ExchangeType::informational);
    ASSERT_NE(report.notify(NotifyType::invalid_message_id), nullptr);
    EXPECT_EQ(keep(report.notify(NotifyType::invalid_message_id)->data), (Bytes{0, 0, 0, 6}));
    std::size_t reports = 1;
    for (std::uint32_t id = 7; id < 60; ++id) {
        wire::Header answer = report.header;
        answer.initiator = answer.response = true;
        answer.message_id = static_cast<std::uint32_t>(reports - 1);
        reports += peer.raw(liveness(id)).size();
        reports += peer.raw(peer.sealed(answer, {})).size();
    }
    EXPECT_EQ(reports, model::limits::invalid_message_ids_per_minute);
    EXPECT_EQ(victim.engine.counters()[Counter::invalid_message_id_sent], reports);
}

TEST_F(WiderWindow, AForgedRequestBeyondItIsNotWorthAWord) {
    establish();
    Bytes forged = liveness(9);
    forged.back() ^= 1;
    EXPECT_TRUE(peer.raw(forged).empty());
}

// RFC 7296 §2.3 [16]: the window is always one until the initial exchanges complete.
TEST_F(WiderWindow, BeforeIkeAuthItIsOne) {
    EXPECT_TRUE(peer.raw(liveness(2)).empty());
    establish();
    EXPECT_EQ(ids(peer.raw(liveness(2))), (std::vector<std::uint32_t>{2})) << "nothing was kept of the early one";
}

}  // namespace
}  // namespace cygnet::ike::test
