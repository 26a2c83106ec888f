#include "sim/swarm.h"

#include <gtest/gtest.h>

namespace cygnet::sim {
namespace {

constexpr std::uint64_t seeds_per_test = 100;

class Swarm : public testing::TestWithParam<std::uint64_t> {};

void keeps_every_invariant(std::uint64_t seed) {
    World world(seed);
    const std::string plan = run_swarm(world);
    std::string story;
    for (const std::string& line : world.story.last_lines()) story += line + "\n";
    ASSERT_FALSE(world.failed()) << story << *world.checkers.violation() << "\nTo replay it: cygnet-sim --seed " << seed << "\n" << plan;
}

TEST_P(Swarm, KeepsEveryInvariant) {
    for (std::uint64_t seed = GetParam(); seed < GetParam() + seeds_per_test; ++seed) keeps_every_invariant(seed);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Swarm, testing::Values(1, 101, 201));

TEST(Swarm, TellsTheSameStoryForTheSameSeed) {
    const auto story = [](std::uint64_t seed) {
        World world(seed);
        std::string text;
        world.story.listener = [&](const std::string& line) { text += line + "\n"; };
        run_swarm(world);
        return text;
    };
    EXPECT_EQ(story(42), story(42));
    EXPECT_NE(story(42), story(43));
}

}  // namespace
}  // namespace cygnet::sim
