#include "sim/scenario.h"

namespace cygnet::sim {
std::span<const Scenario> hostile_scenarios() { return {}; }
}  // namespace cygnet::sim
