// Which of our connections a stranger may mean: by addresses first, by identities later.
#pragma once

#include <memory>
#include <vector>

#include "model/config.h"

namespace cygnet::ike {

// The connections whose local_addrs and remote_addrs fit the path, the most specific first; equals by name.
std::vector<std::shared_ptr<const model::Connection>> connections_for(const model::Config& config,
                                                                      const model::Path& path);

// A connection's IKE proposals as they go into SA, numbered from 1: what this build cannot run is left out, and with
// post_quantum = required whatever runs without ML-KEM.
std::vector<model::Proposal> offered_ike_proposals(const model::Connection& connection);

}  // namespace cygnet::ike
