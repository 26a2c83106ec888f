// What this host offers and what this process may do.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/address.h"

namespace cygnet::os {

// Addresses of a host name, IPv6 and IPv4 in the system's order of preference. Blocks: for the job pool.
Result<std::vector<model::IpAddress>> resolve(const std::string& name);

// Fails with one sentence that says what is missing and what to do: the right to administer the network; the TUN driver's
// device file.
Result<> check_network_rights();
Result<> check_tun_rights();

// Gives up every capability but those that are still needed while running: network administration (TUN, routes,
// addresses), raw sockets (ESP without UDP) and low ports.
Result<> keep_network_capabilities_only();

struct SystemName {
    std::string system, release, machine;
};
SystemName system_name();
unsigned processors();

}  // namespace cygnet::os
