#include "dataplane/kernel_path_mtu.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "os/socket_address.h"

namespace cygnet::dataplane {
namespace {

constexpr std::uint16_t any_port = 4500;  // a UDP socket is connected to a port, whichever

}  // namespace

std::uint32_t KernelPathMtu::ask(const model::IpAddress& peer) {
    const bool v4 = peer.family() == model::Family::v4;
    os::Fd& socket = sockets_[v4 ? 0 : 1];
    if (!socket.open()) {
        socket = os::Fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket.open()) return 0;
        if (mark_ != 0 && ::setsockopt(socket.number(), SOL_SOCKET, SO_MARK, &mark_, sizeof mark_) != 0) return 0;
    }
    // A socket remembers the source address of its last connection, which may be wrong for this one.
    const sockaddr nowhere{.sa_family = AF_UNSPEC, .sa_data = {}};
    if (::connect(socket.number(), &nowhere, sizeof nowhere) != 0) return 0;
    const os::SocketAddress to = os::SocketAddress::of({peer, any_port});
    if (::connect(socket.number(), to.get(), to.size) != 0) return 0;
    int mtu = 0;
    socklen_t size = sizeof mtu;
    if (::getsockopt(socket.number(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &size) != 0) return 0;
    return mtu > 0 ? static_cast<std::uint32_t>(mtu) : 0;
}

}  // namespace cygnet::dataplane
