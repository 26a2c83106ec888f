#include "dataplane/event_queue.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <deque>
#include <thread>

#include "base/rng.h"

namespace cygnet::dataplane {
namespace {

bool readable(const EventQueue& queue) {
    pollfd waiting{queue.fd(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1;
}

TEST(EventQueue, gives_back_events_in_order_across_the_rings_end) {
    SeededRng rng(4);
    EventQueue queue(1 << 14);
    std::deque<Bytes> expected;
    std::uint64_t refused = 0;
    for (int i = 0; i < 20000; ++i) {
        if (rng.below(2) == 0) {
            const Bytes datagram = rng.bytes(rng.below(3000));
            if (queue.push({.child = model::ChildId{datagram.size()}}, datagram))
                expected.push_back(datagram);
            else
                ++refused;
        } else if (const auto popped = queue.pop()) {
            ASSERT_FALSE(expected.empty());
            EXPECT_TRUE(equal(popped->datagram, expected.front()));
            EXPECT_EQ(static_cast<std::uint64_t>(popped->event.child), expected.front().size());
            expected.pop_front();
        } else {
            EXPECT_TRUE(expected.empty());
        }
    }
    EXPECT_GT(refused, 0U);
}

TEST(EventQueue, takes_the_largest_datagram_and_refuses_when_full) {
    EventQueue queue(1 << 18);
    const Bytes datagram(65535, 7);
    std::size_t taken = 0;
    while (queue.push({}, datagram)) ++taken;
    EXPECT_GE(taken, 3U);
    EXPECT_TRUE(queue.pop());
    EXPECT_TRUE(queue.pop());  // now the first one's room is free
    EXPECT_TRUE(queue.push({}, datagram));
}

TEST(EventQueue, is_readable_exactly_while_it_was_signalled) {
    EventQueue queue(1 << 14);
    EXPECT_FALSE(readable(queue));
    queue.push({});
    EXPECT_TRUE(readable(queue));
    queue.clear_signal();
    EXPECT_FALSE(readable(queue));
    EXPECT_TRUE(queue.pop());
}

TEST(EventQueue, passes_between_two_threads) {
    constexpr std::uint64_t count = 50000;
    EventQueue queue(1 << 13);
    std::thread writer([&] {
        for (std::uint64_t i = 1; i <= count;) {
            const Bytes datagram(i % 100, static_cast<std::uint8_t>(i));
            if (queue.push({.child = model::ChildId{i}}, datagram))
                ++i;
            else
                std::this_thread::yield();
        }
    });
    for (std::uint64_t expected = 1; expected <= count;) {
        const auto popped = queue.pop();
        if (!popped) {
            std::this_thread::yield();
            continue;
        }
        EXPECT_EQ(static_cast<std::uint64_t>(popped->event.child), expected);
        EXPECT_EQ(popped->datagram.size(), expected % 100);
        for (const auto octet : popped->datagram) EXPECT_EQ(octet, static_cast<std::uint8_t>(expected));
        ++expected;
    }
    writer.join();
}

}  // namespace
}  // namespace cygnet::dataplane
