#include "sim/scenario.h"

namespace cygnet::sim {

std::vector<Scenario> all_scenarios() {
    std::vector<Scenario> all;
    for (const std::span<const Scenario> some : {tunnel_scenarios(), rekey_scenarios(), authentication_scenarios(), signature_scenarios(), child_scenarios(),
                                                 trouble_scenarios(), hostile_scenarios(), transport_scenarios(), mobility_scenarios(),
                                                 recovery_scenarios(), ppk_scenarios(), large_key_scenarios()})
        all.insert(all.end(), some.begin(), some.end());
    return all;
}

}  // namespace cygnet::sim
