// The path of a first message: which of our addresses and ports, to which address and port of the peer.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "daemon/host_network.h"
#include "model/config.h"
#include "os/job_pool.h"

namespace cygnet::daemon {

// Chooses the first single address or host name of remote_addrs, and of local_addrs, or else the address that the route
// to the peer uses. `found` is called at once, or later when a host name must be looked up. Fails with a sentence.
void find_path(os::JobPool& jobs, std::shared_ptr<const model::Connection> connection, const NetworkSettings& settings,
               std::move_only_function<void(Result<model::Path>)> found);

}  // namespace cygnet::daemon
