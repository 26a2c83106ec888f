// Every order in which the events of two peers can happen, instead of a sample: where IKE daemons break.
//
// A story begins with a tunnel. Then each event that is possible (a side's command, a datagram, the end of a job) is a
// choice, until nothing is left; all sequences of choices are walked depth first, each from the start, for an engine cannot
// be copied. Events at different hosts do not see each other, so of sequences that differ in nothing but the order of two
// such neighbours only one is walked.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/hosts.h"

namespace cygnet::sim {

struct Operation {
    enum class Kind : std::uint8_t { none, rekey_child, rekey_ike, delete_child, delete_ike, create_child, move, reauthenticate } kind{};
};

struct Crossing {
    const char* name;
    Operation::Kind at_a, at_b;
    GatewayOptions options{};
    bool jobs_take_time = false;      // their ends are events of their own
    bool datagrams_overtake = false;  // any datagram may arrive next, not only the oldest of its direction
    std::size_t losses = 0;           // how many datagrams may vanish
    Operation::Kind also_at_a = Operation::Kind::none;  // a third operation, with no order between the two at a
};

struct Exploration {
    std::size_t schedules = 0, longest = 0;
    bool complete = true;             // false: the limit was reached first
    std::optional<std::string> failure{};
    std::vector<std::size_t> failing_schedule{};
};

// Walks the schedules of one crossing, at most `schedules_max`. After each: both ends agree, or have nothing; no child is
// there twice; every command ended.
Exploration explore(const Crossing& crossing, std::size_t schedules_max);

// One schedule again; every line of its story goes to `listener`.
std::optional<std::string> replay(const Crossing& crossing, const std::vector<std::size_t>& schedule,
                                  const std::function<void(const std::string&)>& listener);

std::vector<Crossing> all_crossings();

}  // namespace cygnet::sim
