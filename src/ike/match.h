// Which of our connections a stranger may mean: by addresses first, by identities later.
#pragma once

#include <memory>
#include <vector>

#include "model/config.h"

namespace cygnet::ike {

using Connections = std::vector<std::shared_ptr<const model::Connection>>;

// The connections whose local_addrs and remote_addrs fit the path, the most specific first; equals by name. With an index,
// only the first of those that IKE_SA_INIT cannot tell apart.
Connections connections_for(const model::Config& config, const model::Path& path);
// The same, of those alone that expect the peer's identity.
Connections connections_for(const model::Config& config, const model::Path& path, const model::Identity& peer);
// Every connection that fits the path, for explaining why none is the right one.
Connections all_connections_for(const model::Config& config, const model::Path& path);

// Whether remote_addrs names this very address, rather than a range or everybody.
bool expects_address(const model::Connection& connection, model::IpAddress address);

// Whether one of the patterns admits the address; a name cannot be looked up here and admits every one.
bool admits(const std::vector<model::HostPattern>& patterns, model::IpAddress address);

// Whether the connection's addresses fit the path.
bool fits_path(const model::Connection& connection, const model::Path& path);

// Whether the connection still accepts what was chosen.
bool fits_proposal(const model::Connection& connection, const model::ChosenProposal& chosen);

// A connection's IKE proposals as they go into SA, numbered from 1: without what this build cannot run, what post_quantum does
// not allow, and methods of private use unless the peer may know them.
std::vector<model::Proposal> offered_ike_proposals(const model::Connection& connection, bool private_numbers = true);
// The same, whatever post_quantum says.
std::vector<model::Proposal> configured_ike_proposals(const model::Connection& connection, bool private_numbers);

}  // namespace cygnet::ike
