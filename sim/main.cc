// cygnet-sim: runs the simulator from the command line.
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "sim/scenario.h"

using namespace cygnet;
using namespace cygnet::sim;

namespace {

void print(const std::string& line) { fmt::print("{}\n", line); }

int tell_scenario(std::string_view name) {
    int matches = 0;
    for (const Scenario& scenario : all_scenarios()) {
        if (scenario.name.find(name) == std::string_view::npos) continue;
        ++matches;
        fmt::print("--- {}\n", scenario.name);
        World world(1);
        world.story.listener = print;
        scenario.run(world);
        if (world.failed()) fmt::print("FAILED: {}\n", *world.checkers.violation());
    }
    return matches == 0 ? 2 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view(argv[1]) == "--scenario") return tell_scenario(argv[2]);
    return 2;
}
