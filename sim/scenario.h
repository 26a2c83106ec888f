// Short named stories. Each says in a few lines what the world does and what must come of it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "sim/world.h"

namespace cygnet::sim {

struct Scenario {
    std::string_view name;
    void (*run)(World& world);
};

std::vector<Scenario> all_scenarios();

// By subject; all_scenarios() has them all.
std::span<const Scenario> tunnel_scenarios();
std::span<const Scenario> rekey_scenarios();
std::span<const Scenario> child_scenarios();
std::span<const Scenario> authentication_scenarios();
std::span<const Scenario> signature_scenarios();
std::span<const Scenario> trouble_scenarios();
std::span<const Scenario> hostile_scenarios();
std::span<const Scenario> transport_scenarios();
std::span<const Scenario> mobility_scenarios();
std::span<const Scenario> recovery_scenarios();
std::span<const Scenario> ppk_scenarios();
std::span<const Scenario> large_key_scenarios();  // none in a build without Classic McEliece

}  // namespace cygnet::sim
