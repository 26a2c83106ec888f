// The paths of a first message: which of our addresses and ports, to which address and port of the peer.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "daemon/host_network.h"
#include "model/config.h"
#include "os/job_pool.h"

namespace cygnet::daemon {

// At least one.
using Paths = std::vector<model::Path>;

// One for each single address of remote_addrs and for each address of its host names, in this order, from the first single
// address or name of local_addrs, or else the address that the route to the peer uses. `found` is called at once, or
// later when a host name must be looked up: each call looks again. Fails with an explanation.
void find_paths(os::JobPool& jobs, std::shared_ptr<const model::Connection> connection, const NetworkSettings& settings,
                std::move_only_function<void(Result<Paths>)> found);

// The same with another peer than the configured one: an address or a host name.
void find_path_to(os::JobPool& jobs, const model::Connection& connection, const std::string& gateway,
                  const NetworkSettings& settings, std::move_only_function<void(Result<model::Path>)> found);

}  // namespace cygnet::daemon
