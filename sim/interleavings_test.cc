#include "sim/interleavings.h"

#include <gtest/gtest.h>

namespace cygnet::sim {
namespace {

constexpr std::size_t schedules_max = 3000;

class Crossings : public testing::TestWithParam<std::size_t> {};

TEST_P(Crossings, EndInAgreementInEveryOrder) {
    const Crossing crossing = all_crossings().at(GetParam());
    const Exploration result = explore(crossing, schedules_max);
    EXPECT_TRUE(result.complete) << crossing.name;
    EXPECT_GT(result.schedules, 1U);
    if (!result.failure) return;
    std::string story;
    replay(crossing, result.failing_schedule, [&](const std::string& line) { story += line + "\n"; });
    FAIL() << crossing.name << ": " << *result.failure << "\n" << story;
}

INSTANTIATE_TEST_SUITE_P(All, Crossings, testing::Range<std::size_t>(0, all_crossings().size()));

}  // namespace
}  // namespace cygnet::sim
