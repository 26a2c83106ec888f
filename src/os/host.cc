#include "os/host.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/capability.h>
#include <sys/utsname.h>
#include <thread>

#include "os/fd.h"
#include "os/socket_address.h"

namespace cygnet::os {

namespace {

constexpr cap_value_t needed[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE};
constexpr int needed_count = 3;

using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)>;

bool has_capability(cap_value_t value) {
    const Capabilities mine(cap_get_proc(), cap_free);
    cap_flag_value_t set = CAP_CLEAR;
    return mine && cap_get_flag(mine.get(), value, CAP_EFFECTIVE, &set) == 0 && set == CAP_SET;
}

}  // namespace

Result<std::vector<model::IpAddress>> resolve(const std::string& name) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, [](addrinfo* first) {
        if (first != nullptr) ::freeaddrinfo(first);
    });
    if (status != 0)
        return fail(Errc::not_found, "host name", fmt::format("cannot resolve \"{}\": {}", name, ::gai_strerror(status)));
    std::vector<model::IpAddress> addresses;
    for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
        sockaddr_storage storage{};
        std::memcpy(&storage, at->ai_addr, std::min<std::size_t>(at->ai_addrlen, sizeof storage));
        addresses.push_back(SocketAddress::endpoint_of(storage).address);
    }
    return addresses;
}

Result<> check_network_rights() {
    if (!has_capability(CAP_NET_ADMIN))
        return fail(Errc::system, "rights",
                    "cygnetd needs the right to administer the network: run it as root or give it CAP_NET_ADMIN");
    return {};
}

Result<> check_tun_rights() {
    const Fd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    if (tun.open()) return {};
    if (errno == ENOENT || errno == ENODEV)
        return fail(Errc::system, "/dev/net/tun",
                    "/dev/net/tun is missing: load the driver with \"modprobe tun\" (in a container: pass the device in)");
    return fail(Errc::system, "/dev/net/tun",
                fmt::format("cannot open /dev/net/tun: {}; run cygnetd as root or allow it to use the device", std::strerror(errno)));
}

Result<> keep_network_capabilities_only() {
    const Capabilities wanted(cap_init(), cap_free);
    const bool ready = wanted && cap_set_flag(wanted.get(), CAP_PERMITTED, needed_count, needed, CAP_SET) == 0 &&
                       cap_set_flag(wanted.get(), CAP_EFFECTIVE, needed_count, needed, CAP_SET) == 0;
    if (!ready || cap_set_proc(wanted.get()) != 0)
        return fail(Errc::system, "capabilities", std::strerror(errno));
    return {};
}

SystemName system_name() {
    utsname name{};
    if (::uname(&name) != 0) return {};
    return {name.sysname, name.release, name.machine};
}

unsigned processors() { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace cygnet::os
