#include "dataplane/xfrm/offload.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <cstring>
#include <memory>

#include "os/socket_address.h"

namespace cygnet::dataplane::xfrm {

unsigned device_of(const model::IpAddress& local) {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return 0;
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(first, ::freeifaddrs);
    for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr) continue;
        sockaddr_storage address{};
        if (at->ifa_addr->sa_family == AF_INET) std::memcpy(&address, at->ifa_addr, sizeof(sockaddr_in));
        else if (at->ifa_addr->sa_family == AF_INET6) std::memcpy(&address, at->ifa_addr, sizeof(sockaddr_in6));
        else continue;
        if (os::SocketAddress::endpoint_of(address).address == local) return ::if_nametoindex(at->ifa_name);
    }
    return 0;
}

std::optional<Offload> offload_of(model::HwOffload wish, unsigned device, bool inbound) {
    if (wish == model::HwOffload::no) return std::nullopt;
    return Offload{.device = device, .inbound = inbound, .packets = wish == model::HwOffload::packet};
}

}  // namespace cygnet::dataplane::xfrm
