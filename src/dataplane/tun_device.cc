#include "dataplane/tun_device.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

namespace cygnet::dataplane {
namespace {

// Of linux/if_tun.h since 6.2; older headers lack the names, which is no reason not to ask the kernel.
constexpr unsigned offload_uso4 = 0x20, offload_uso6 = 0x40;

// The best that this kernel takes.
TunOffload probe_offload(int fd) {
    const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    if (::ioctl(fd, TUNSETOFFLOAD, tcp | offload_uso4 | offload_uso6) == 0) return TunOffload::tcp_and_udp;
    if (::ioctl(fd, TUNSETOFFLOAD, tcp) == 0) return TunOffload::tcp;
    return TunOffload::none;
}

Result<os::Fd> open_queue(const std::string& name, bool several) {
    os::Fd fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!fd.open())
        return fail(Errc::system, "/dev/net/tun",
                    fmt::format("{}; run as root, with the kernel's tun driver", std::strerror(errno)));
    ifreq request{};
    if (name.size() >= sizeof request.ifr_name) return fail(Errc::bad_value, "device name", "at most 15 characters");
    std::memcpy(request.ifr_name, name.data(), name.size());
    request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | (several ? IFF_MULTI_QUEUE : 0));
    if (::ioctl(fd.number(), TUNSETIFF, &request) == 0) return fd;
    const char* hint = errno == EBUSY   ? "another process uses it; choose another name"
                       : errno == EPERM ? "CAP_NET_ADMIN is needed; run as root"
                                        : "is the tun driver complete?";
    return fail(Errc::system, "TUN device", fmt::format("{}: {}; {}", name, std::strerror(errno), hint));
}

}  // namespace

Result<TunDevice> TunDevice::open(const std::string& name, std::size_t queues, bool offload_wanted) {
    TunDevice device;
    // A device with several queues would let a second process join: none may be there.
    if (queues > 1) {
        if (::if_nametoindex(name.c_str()) != 0)
            return fail(Errc::system, "TUN device", name + " exists; another process uses it; choose another name");
    }
    for (std::size_t i = 0; i < queues; ++i) device.queues_.push_back(TRY(open_queue(name, queues > 1)));
    if (offload_wanted) device.offload_ = probe_offload(device.fd(0));
    device.index_ = ::if_nametoindex(name.c_str());
    if (device.index_ == 0) return fail(Errc::system, "TUN device", name + " has no index");
    return device;
}

}  // namespace cygnet::dataplane
