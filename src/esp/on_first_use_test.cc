#include "esp/on_first_use.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "esp/sa_runtime.h"
#include "esp/test_packets.h"

namespace cygnet::esp {
namespace {

TEST(OnFirstUse, IsMadeOnce) {
    OnFirstUse<int> number;
    EXPECT_EQ(number.peek(), nullptr);
    int calls = 0;
    const auto make = [&] {
        ++calls;
        return std::make_unique<int>(7);
    };
    EXPECT_EQ(number.get(make), 7);
    EXPECT_EQ(&number.get(make), number.peek());
    EXPECT_EQ(calls, 1);
}

TEST(OnFirstUse, ManyThreadsFindTheSame) {
    OnFirstUse<int> number;
    std::atomic<int> waiting{0};
    std::array<const int*, 4> seen{};
    std::array<std::thread, 4> threads;
    for (std::size_t i = 0; i < threads.size(); ++i)
        threads[i] = std::thread([&, i] {
            ++waiting;
            while (waiting != static_cast<int>(threads.size())) {
            }
            seen[i] = &number.get([&] { return std::make_unique<int>(static_cast<int>(i)); });
        });
    for (std::thread& thread : threads) thread.join();
    for (const int* one : seen) EXPECT_EQ(one, number.peek());
}

TEST(SaDropCounters, CountNothingBeforeTheFirstDrop) {
    SaDropCounters drops;
    EXPECT_EQ(drops[Drop::replayed], 0U);
    drops.add(Drop::replayed, 2);
    drops.add(Drop::replayed);
    EXPECT_EQ(drops[Drop::replayed], 3U);
    EXPECT_EQ(drops.read()[static_cast<std::size_t>(Drop::no_policy)], 0U);
}

TEST(SaRuntime, RefusesKeysOfTheWrongSizeBeforeTheFirstPacket) {
    auto spec = testing::test_spec();
    ASSERT_TRUE(SaRuntime::make(spec));
    spec.out.encr = SecretBytes(3);
    const auto made = SaRuntime::make(spec);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::bad_length);
}

}  // namespace
}  // namespace cygnet::esp
