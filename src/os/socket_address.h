// Endpoints as the system's sockaddr, and back.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "model/address.h"

namespace cygnet::os {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    static SocketAddress of(const model::Endpoint& endpoint);
    static model::Endpoint endpoint_of(const sockaddr_storage& storage);
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

model::IpAddress address_of(const in_addr& address);
model::IpAddress address_of(const in6_addr& address);

}  // namespace cygnet::os
