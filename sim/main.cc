// cygnet-sim: runs the simulator from the command line.
//
//   cygnet-sim --seeds N [--from S]   runs N seeds; a failing one is told how to be replayed
//   cygnet-sim --seed S               tells the story of one seed, line by line
//   cygnet-sim --scenario WORDS       tells the scenarios whose name contains the words; "" tells all
//   cygnet-sim --crossings [LIMIT]    walks all interleavings of crossing exchanges
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sim/interleavings.h"
#include "sim/scenario.h"
#include "sim/swarm.h"

using namespace cygnet;
using namespace cygnet::sim;

namespace {

constexpr int exit_failed = 1, exit_usage = 2;

void print(const std::string& line) { fmt::print("{}\n", line); }

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

void report_failure(const Story& story, const std::string& violation) {
    fmt::print("--- the last {} lines:\n", story.last_lines().size());
    for (const std::string& line : story.last_lines()) print(line);
    fmt::print("FAILED: {}\n", violation);
}

// Each seed is a world of its own, so every core runs its share. The lowest seed that fails, if one does.
std::optional<std::uint64_t> first_failing_seed(std::uint64_t first, std::uint64_t count) {
    constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max(), progress_every = 1000;
    std::atomic<std::uint64_t> next{first}, failing{none};
    const auto work = [&] {
        for (std::uint64_t seed = next++; seed < first + count && failing == none; seed = next++) {
            World world(seed);
            run_swarm(world);
            if (world.failed()) failing = std::min(failing.load(), seed);
            if (const std::uint64_t done = seed - first + 1; done % progress_every == 0)
                fmt::print(stderr, "{} of {} seeds\n", done, count);
        }
    };
    {
        std::vector<std::jthread> workers;
        for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) workers.emplace_back(work);
    }
    return failing == none ? std::nullopt : std::optional(failing.load());
}

int run_seeds(std::uint64_t first, std::uint64_t count) {
    const std::optional<std::uint64_t> seed = first_failing_seed(first, count);
    if (!seed) {
        fmt::print("{} seeds from {}: no checker objects\n", count, first);
        return 0;
    }
    World world(*seed);
    const std::string plan = run_swarm(world);
    report_failure(world.story, world.checkers.violation().value_or("only beside other seeds"));
    fmt::print("seed {}: {}\nTo replay it at the same commit: cygnet-sim --seed {}\n", *seed, plan, *seed);
    return exit_failed;
}

int tell_seed(std::uint64_t seed) {
    World world(seed);
    world.story.listener = print;
    const std::string plan = run_swarm(world);
    fmt::print("seed {}: {}\n", seed, plan);
    if (!world.failed()) return 0;
    fmt::print("FAILED: {}\n", *world.checkers.violation());
    return exit_failed;
}

int tell_scenarios(std::string_view words) {
    bool found = false, failed = false;
    for (const Scenario& scenario : all_scenarios()) {
        if (scenario.name.find(words) == std::string_view::npos) continue;
        found = true;
        fmt::print("--- {}\n", scenario.name);
        World world(1);
        world.story.listener = print;
        scenario.run(world);
        if (world.failed()) fmt::print("FAILED: {}\n", *world.checkers.violation());
        failed = failed || world.failed();
    }
    if (!found) fmt::print(stderr, "no scenario's name contains '{}'\n", words);
    return !found ? exit_usage : failed ? exit_failed : 0;
}

int walk_crossings(std::size_t limit) {
    int status = 0;
    std::size_t crossings = 0, schedules = 0, longest = 0;
    for (const Crossing& crossing : all_crossings()) {
        const Exploration result = explore(crossing, limit);
        ++crossings;
        schedules += result.schedules;
        longest = std::max(longest, result.longest);
        fmt::print("{:<32} {:<36}{}{}{} {:6} schedules of up to {:2} steps{}\n", crossing.name, crossing.options.esp,
                   crossing.jobs_take_time ? " slow-jobs" : "", crossing.datagrams_overtake ? " overtaking" : "",
                   crossing.losses != 0 ? " loss" : "", result.schedules, result.longest, result.complete ? "" : ", not all");
        if (!result.failure) continue;
        status = exit_failed;
        replay(crossing, result.failing_schedule, print);
        fmt::print("FAILED: {}\n", *result.failure);
    }
    fmt::print("{} crossings, {} schedules of up to {} steps: {}\n", crossings, schedules, longest, status == 0 ? "both ends agree after each" : "FAILED");
    return status;
}

int usage() {
    fmt::print(stderr, "usage: cygnet-sim --seeds N [--from S] | --seed S | --scenario WORDS | --crossings [LIMIT]\n");
    return exit_usage;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    const std::string_view text = argc > 2 ? argv[2] : "";
    const auto value = number(text);
    if (what == "--scenario" && argc == 3) return tell_scenarios(text);
    if (what == "--crossings") return walk_crossings(value.value_or(1'000'000));
    if (what == "--seed" && argc == 3 && value) return tell_seed(*value);
    if (what == "--seeds" && argc == 3 && value) return run_seeds(1, *value);
    if (what == "--seeds" && argc == 5 && value && std::string_view(argv[3]) == "--from" && number(argv[4])) return run_seeds(*number(argv[4]), *value);
    return usage();
}
