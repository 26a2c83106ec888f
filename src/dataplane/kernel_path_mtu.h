// What the kernel knows of the path to a peer: its route's MTU, or what ICMP has told it since.
#pragma once

#include <array>
#include <cstdint>

#include "model/address.h"
#include "os/fd.h"

namespace cygnet::dataplane {

class KernelPathMtu {
public:
    // `mark`: SO_MARK of the packets that will go that way.
    explicit KernelPathMtu(std::uint32_t mark) : mark_(mark) {}
    // Octets of an IP packet; 0 if there is no way to this peer. A few system calls, none of which waits.
    std::uint32_t ask(const model::IpAddress& peer);

private:
    std::uint32_t mark_;
    std::array<os::Fd, 2> sockets_;  // IPv4 and IPv6; they never send
};

}  // namespace cygnet::dataplane
