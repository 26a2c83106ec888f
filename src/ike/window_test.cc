#include "ike/window.h"

#include <gtest/gtest.h>

namespace cygnet::ike {
namespace {

constexpr RetransmissionSchedule schedule{.first = seconds(4), .factor = 2, .tries = 2};
Instant at(int s) { return Instant::after_start(seconds(s)); }

TEST(Window, AcceptsEachRequestOnceAndInOrder) {
    Window window;
    EXPECT_EQ(window.classify_request(1), Window::Verdict::ahead);
    EXPECT_EQ(window.classify_request(0), Window::Verdict::fresh);
    window.begin_request();
    EXPECT_EQ(window.classify_request(0), Window::Verdict::processing);
    window.answer_request({{1, 2, 3}});
    EXPECT_EQ(window.classify_request(0), Window::Verdict::repeated);
    EXPECT_EQ(window.last_response(), SentMessage{(Bytes{1, 2, 3})});
    EXPECT_EQ(window.classify_request(1), Window::Verdict::fresh);
}

TEST(Window, ForgetsAllButTheLastAnswer) {
    Window window;
    for (std::uint8_t id = 0; id < 3; ++id) {
        window.begin_request();
        window.answer_request({{id}});
    }
    EXPECT_EQ(window.classify_request(1), Window::Verdict::outdated);
    EXPECT_EQ(window.classify_request(2), Window::Verdict::repeated);
    EXPECT_EQ(window.classify_request(0xffffffff), Window::Verdict::ahead);
}

TEST(Window, RetransmitsTheIdenticalRequestAtGrowingIntervalsAndGivesUp) {
    Window window;
    EXPECT_EQ(window.deadline(), Instant::never());
    window.send_request({{7}}, at(0), schedule);
    EXPECT_EQ(window.deadline(), at(4));
    ASSERT_NE(window.retransmit(at(4)), nullptr);
    EXPECT_EQ(window.deadline(), at(12));
    const SentMessage* again = window.retransmit(at(12));
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(*again, SentMessage{(Bytes{7})});
    EXPECT_EQ(window.deadline(), at(28));
    EXPECT_EQ(window.retransmit(at(28)), nullptr);
}

TEST(Window, AwaitsExactlyTheOutstandingResponse) {
    Window window;
    EXPECT_FALSE(window.awaits_response(0));
    window.send_request({{7}}, at(0), schedule);
    EXPECT_TRUE(window.awaits_response(0));
    EXPECT_FALSE(window.awaits_response(1));
    window.response_received();
    EXPECT_FALSE(window.awaits_response(0));
    EXPECT_EQ(window.next_request(), 1u);
}

TEST(Window, RepeatsTheFirstRequestInAnotherFormWithTheSameId) {
    Window window;
    window.send_request({{7}}, at(0), schedule);
    window.withdraw_request();
    EXPECT_EQ(window.next_request(), 0u);
    EXPECT_EQ(window.deadline(), Instant::never());
}

TEST(Window, ProcessesRequestsWhileItsOwnIsOutstanding) {
    Window window;
    window.send_request({{7}}, at(0), schedule);
    EXPECT_EQ(window.classify_request(0), Window::Verdict::fresh);
}

}  // namespace
}  // namespace cygnet::ike
