#include "os/socket_address.h"

#include <cstring>

namespace cygnet::os {

namespace {

model::IpAddress from_octets(const void* octets, std::size_t size) {
    const ByteView view{static_cast<const std::uint8_t*>(octets), size};
    return model::IpAddress::from_bytes(view).value_or(model::IpAddress{});
}

}  // namespace

model::IpAddress address_of(const in_addr& address) { return from_octets(&address, sizeof address); }
model::IpAddress address_of(const in6_addr& address) { return from_octets(&address, sizeof address); }

SocketAddress SocketAddress::of(const model::Endpoint& endpoint) {
    SocketAddress out;
    const ByteView octets = endpoint.address.bytes();
    if (endpoint.address.family() == model::Family::v4) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(endpoint.port);
        std::memcpy(&in.sin_addr, octets.data(), octets.size());
        std::memcpy(&out.storage, &in, sizeof in);
        out.size = sizeof in;
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(endpoint.port);
        std::memcpy(&in.sin6_addr, octets.data(), octets.size());
        std::memcpy(&out.storage, &in, sizeof in);
        out.size = sizeof in;
    }
    return out;
}

model::Endpoint SocketAddress::endpoint_of(const sockaddr_storage& storage) {
    if (storage.ss_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &storage, sizeof in);
        return {address_of(in.sin6_addr), ntohs(in.sin6_port)};
    }
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    return {address_of(in.sin_addr), ntohs(in.sin_port)};
}

}  // namespace cygnet::os
