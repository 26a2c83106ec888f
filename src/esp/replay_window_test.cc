#include "esp/replay_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/rng.h"

namespace cygnet::esp {
namespace {

Drop receive(ReplayWindow& window, std::uint32_t low) {
    const auto examined = window.examine(low);
    return examined.drop == Drop::none ? window.accept(examined.sequence) : examined.drop;
}

// Everything remembered, nothing clever: what the ring of bits must agree with.
struct NaiveWindow {
    std::uint64_t packets;
    std::uint64_t top = 0;
    std::set<std::uint64_t> seen{};

    Drop receive(std::uint64_t sequence) {
        if (sequence == 0) return Drop::sequence_zero;
        if (sequence + packets <= top) return Drop::before_window;
        if (!seen.insert(sequence).second) return Drop::replayed;
        top = std::max(top, sequence);
        return Drop::none;
    }
};

class ReplayWindowSizes : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(ReplayWindowSizes, agrees_with_a_naive_model_under_loss_duplication_and_reordering) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SeededRng rng(seed);
        ReplayWindow window(GetParam(), false);
        NaiveWindow model{GetParam()};
        std::uint64_t sender = 1;
        for (int i = 0; i < 4000; ++i) {
            // Mostly onwards, sometimes far, often back by up to two windows.
            sender += rng.below(20) == 0 ? rng.below(3 * GetParam() + 100) : rng.below(3);
            const std::uint64_t back = std::min(sender, rng.below(2ULL * GetParam() + 2));
            const std::uint64_t sequence = rng.below(2) == 0 ? sender : sender - back;
            ASSERT_EQ(receive(window, static_cast<std::uint32_t>(sequence)), model.receive(sequence))
                << "seed " << seed << " step " << i << " sequence " << sequence;
            ASSERT_EQ(window.top(), model.top);
        }
    }
}

TEST_P(ReplayWindowSizes, infers_extended_numbers_across_subspaces) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SeededRng rng(seed);
        ReplayWindow window(GetParam(), true);
        NaiveWindow model{GetParam()};
        std::uint64_t sender = 1;
        for (int i = 0; i < 2000; ++i) {
            // Steps of up to 2^31 cross the 32-bit border often.
            const bool late = model.top != 0 && rng.below(3) == 0;
            if (!late) sender += rng.below(10) == 0 ? rng.below(1ULL << 31) : 1 + rng.below(3);
            const std::uint64_t back = rng.below(std::min<std::uint64_t>(GetParam(), model.top + 1));
            const std::uint64_t sequence = late ? model.top - back : sender;
            if (sequence == 0) continue;
            const auto examined = window.examine(static_cast<std::uint32_t>(sequence));
            ASSERT_EQ(examined.sequence, sequence) << "seed " << seed << " step " << i;
            ASSERT_EQ(receive(window, static_cast<std::uint32_t>(sequence)), model.receive(sequence));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(all, ReplayWindowSizes, ::testing::Values(1, 2, 32, 63, 64, 65, 128, 1000, 4096, 65536));

TEST(ReplayWindow, refuses_zero_duplicates_and_what_is_left_of_the_window) {
    ReplayWindow window(64, false);
    EXPECT_EQ(receive(window, 0), Drop::sequence_zero);
    EXPECT_EQ(receive(window, 100), Drop::none);
    EXPECT_EQ(receive(window, 100), Drop::replayed);
    EXPECT_EQ(receive(window, 37), Drop::none);
    EXPECT_EQ(receive(window, 36), Drop::before_window);
}

TEST(ReplayWindow, does_not_move_for_numbers_that_were_only_examined) {
    ReplayWindow window(64, false);
    EXPECT_EQ(receive(window, 5), Drop::none);
    EXPECT_EQ(window.examine(5 + (1U << 31)).drop, Drop::none);
    EXPECT_EQ(window.examine(0xffff'ffff).drop, Drop::none);
    EXPECT_EQ(window.top(), 5U);
    EXPECT_EQ(receive(window, 6), Drop::none);
}

TEST(ReplayWindow, takes_an_authentic_jump_of_two_to_the_31) {
    ReplayWindow window(65536, false);
    EXPECT_EQ(receive(window, 1), Drop::none);
    EXPECT_EQ(receive(window, 1 + (1U << 31)), Drop::none);
    EXPECT_EQ(receive(window, 1), Drop::before_window);
    EXPECT_EQ(receive(window, (1U << 31)), Drop::none);
}

TEST(ReplayWindow, finds_the_second_copy_of_a_packet_in_one_batch) {
    ReplayWindow window(64, false);
    const auto first = window.examine(7), second = window.examine(7);
    EXPECT_EQ(second.drop, Drop::none);
    EXPECT_EQ(window.accept(first.sequence), Drop::none);
    EXPECT_EQ(window.accept(second.sequence), Drop::replayed);
}

TEST(ReplayWindow, wraps_an_extended_number_by_one) {
    ReplayWindow window(64, true);
    EXPECT_EQ(receive(window, 0x7fff'ffff), Drop::none);
    EXPECT_EQ(receive(window, 0xffff'ffff), Drop::none);
    EXPECT_EQ(window.examine(0).sequence, 1ULL << 32);
    EXPECT_EQ(receive(window, 0), Drop::none);
    EXPECT_EQ(window.top(), 1ULL << 32);
    EXPECT_EQ(window.examine(0xffff'fffe).sequence, 0xffff'fffeULL);
}

TEST(ReplayWindow, refuses_an_extended_number_before_the_first) {
    ReplayWindow window(64, true);
    EXPECT_EQ(window.examine(0xffff'ffff).drop, Drop::sequence_zero);
}

TEST(ReplayWindow, of_size_zero_lets_everything_pass) {
    ReplayWindow window(0, false);
    EXPECT_EQ(receive(window, 9), Drop::none);
    EXPECT_EQ(receive(window, 9), Drop::none);
    EXPECT_EQ(receive(window, 1), Drop::none);
    EXPECT_EQ(window.top(), 9U);
}

}  // namespace
}  // namespace cygnet::esp
