// Policies that let packets pass in the clear (RFC 4301 §4.4.1, BYPASS): routing rules in front of the one that leads
// packets to the tunnel device. The kernel's own forwarding takes such packets, at its own speed.
#pragma once

#include <vector>

#include "dataplane/netlink.h"
#include "model/selector.h"

namespace cygnet::dataplane {

// The rules for packets from `local` to `remote`. Errors: unsupported, for selectors that routing rules cannot express
// (ICMP types, OPAQUE, ports up to 65535); limit.
Result<std::vector<BypassRule>> bypass_rules(const model::TrafficSelectors& local, const model::TrafficSelectors& remote);

}  // namespace cygnet::dataplane
