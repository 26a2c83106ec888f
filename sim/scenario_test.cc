#include "sim/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

namespace cygnet::sim {
namespace {

class Scenarios : public testing::TestWithParam<Scenario> {};

TEST_P(Scenarios, EndsAsItShould) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        World world(seed);
        GetParam().run(world);
        std::string story;
        for (const std::string& line : world.story.last_lines()) story += line + "\n";
        ASSERT_FALSE(world.failed()) << *world.checkers.violation() << "\nseed " << seed << "\n" << story;
    }
}

std::string name_of(const testing::TestParamInfo<Scenario>& info) {
    std::string name(info.param.name);
    std::ranges::replace_if(name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(All, Scenarios, testing::ValuesIn(all_scenarios()), name_of);

}  // namespace
}  // namespace cygnet::sim
