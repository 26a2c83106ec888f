// One seed, one life of two gateways: the seed draws features, proposals, faults and what the operators do. Combinations that
// nobody wrote down appear by themselves.
#pragma once

#include <string>

#include "sim/world.h"

namespace cygnet::sim {

// Runs a world to its end: a time of operations and faults, then peace. In peace both ends must agree within a limit, a
// tunnel must come up, carry packets and go down. Returns the plan in one line; world.failed() is the verdict.
std::string run_swarm(World& world);

}  // namespace cygnet::sim
