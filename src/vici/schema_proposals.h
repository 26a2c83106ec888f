// Proposals and the policy over them, as the sections of connections and children have them.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"
#include "vici/schema_table.h"

namespace cygnet::vici {

// swanctl's words; fails for what this build cannot run.
Result<std::vector<model::Proposal>> read_proposals(model::Protocol protocol, const std::vector<std::string>& items);
// And for what IKE_SA_INIT cannot carry.
Result<std::vector<model::Proposal>> read_ike_proposals(const std::vector<std::string>& items);

// A policy of post_quantum that leaves nothing to be offered would be found out at the first attempt only.
void check_post_quantum(const model::Connection& connection, const Section& section, Refuser& refuser);

}  // namespace cygnet::vici
