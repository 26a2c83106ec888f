#include "ike/window.h"

#include <gtest/gtest.h>

namespace cygnet::ike {
namespace {

constexpr RetransmissionSchedule schedule{.first = seconds(4), .factor = 2, .tries = 2};
Instant at(int s) { return Instant::after_start(seconds(s)); }

// RFC 7296 §2.2 [14]: IDs begin at 0 and rise by 1 in each direction.
TEST(Window, AcceptsEachRequestOnceAndInOrder) {
    Window window;
    EXPECT_EQ(window.classify_request(1), Window::Verdict::ahead);
    EXPECT_EQ(window.classify_request(0), Window::Verdict::fresh);
    window.begin_request();
    EXPECT_EQ(window.classify_request(0), Window::Verdict::processing);
    window.answer_request({{1, 2, 3}});
    EXPECT_EQ(window.classify_request(0), Window::Verdict::repeated);
    EXPECT_EQ(window.answered(0).response, SentMessage{(Bytes{1, 2, 3})});
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

// RFC 7296 §2.3: as many requests at once as were announced, and as many answers kept.
TEST(Window, AWiderOneTellsEarlyRequestsFromThoseBeyondIt) {
    Window window;
    window.widen(3);
    EXPECT_EQ(window.classify_request(0), Window::Verdict::fresh);
    EXPECT_EQ(window.classify_request(1), Window::Verdict::early);
    EXPECT_EQ(window.classify_request(2), Window::Verdict::early);
    EXPECT_EQ(window.classify_request(3), Window::Verdict::ahead);
    for (std::uint8_t id = 0; id < 5; ++id) {
        window.begin_request({id});
        window.answer_request({{id}});
    }
    EXPECT_EQ(window.classify_request(1), Window::Verdict::outdated);
    for (std::uint8_t id = 2; id < 5; ++id) {
        EXPECT_EQ(window.classify_request(id), Window::Verdict::repeated);
        EXPECT_EQ(window.answered(id).response, SentMessage{(Bytes{id})});
        EXPECT_EQ(window.answered(id).request, RequestDigest{id});
    }
    EXPECT_EQ(window.classify_request(7), Window::Verdict::early);
    EXPECT_EQ(window.classify_request(8), Window::Verdict::ahead);
}

// RFC 7296 §2.3 [18]: it is never reduced.
TEST(Window, NeverBecomesSmaller) {
    Window window;
    window.widen(4);
    window.widen(2);
    EXPECT_EQ(window.size(), 4u);
}

// RFC 6311 §5.1: after a synchronization nothing that was under way counts.
TEST(Window, JumpsAheadWithBothCounters) {
    Window window;
    window.widen(2);
    window.begin_request();
    window.answer_request({{1}});
    window.send_synchronization({{7}}, at(0), schedule);
    EXPECT_TRUE(window.awaits_response(0));
    window.jump(9, 5);
    EXPECT_FALSE(window.outstanding());
    EXPECT_EQ(window.next_request(), 9u);
    EXPECT_EQ(window.classify_request(0), Window::Verdict::outdated);
    EXPECT_EQ(window.classify_request(4), Window::Verdict::outdated);
    EXPECT_EQ(window.classify_request(5), Window::Verdict::fresh);
}

// RFC 7296 §2.1, §2.4 [10, 13]: the same octets at growing intervals.
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

// RFC 7296 §2.3 [17]: a request of the peer does not wait for our answer.
TEST(Window, ProcessesRequestsWhileItsOwnIsOutstanding) {
    Window window;
    window.send_request({{7}}, at(0), schedule);
    EXPECT_EQ(window.classify_request(0), Window::Verdict::fresh);
}

}  // namespace
}  // namespace cygnet::ike
