#include "sim/interleavings.h"

#include <gtest/gtest.h>

namespace cygnet::sim {
namespace {

constexpr std::size_t schedules_max = 30'000;

class Crossings : public testing::TestWithParam<std::size_t> {};

// RFC 7296 §2.25.1, §2.25.2 [117, 119]: whatever crosses.
TEST_P(Crossings, EndInAgreementInEveryOrder) {
    const Crossing crossing = all_crossings().at(GetParam());
    const Exploration result = explore(crossing, schedules_max);
    EXPECT_TRUE(result.complete) << crossing.name;
    // What crosses nothing has one order, unless datagrams overtake or vanish.
    const bool alone = crossing.at_b == Operation::Kind::none && !crossing.datagrams_overtake;
    EXPECT_GE(result.schedules, alone ? 1U : 2U);
    if (!result.failure) return;
    std::string story;
    replay(crossing, result.failing_schedule, [&](const std::string& line) { story += line + "\n"; });
    FAIL() << crossing.name << ": " << *result.failure << "\n" << story;
}

INSTANTIATE_TEST_SUITE_P(All, Crossings, testing::Range<std::size_t>(0, all_crossings().size()));

}  // namespace
}  // namespace cygnet::sim
