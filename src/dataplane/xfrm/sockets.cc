#include "dataplane/xfrm/sockets.h"

#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "dataplane/xfrm/messages.h"

namespace cygnet::dataplane::xfrm {
namespace {

// The names are Linux's own; glibc has them not.
constexpr int ip_xfrm_policy = 17, ipv6_xfrm_policy = 35;

}  // namespace

Result<> bypass(int socket) {
    int family = 0;
    socklen_t size = sizeof family;
    if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) return fail(Errc::system, "socket", std::strerror(errno));
    const bool v4 = family == AF_INET;
    for (const Direction direction : {Direction::in, Direction::out}) {
        const xfrm_userpolicy_info policy = bypass_of_socket(v4 ? model::Family::v4 : model::Family::v6, direction);
        if (::setsockopt(socket, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? ip_xfrm_policy : ipv6_xfrm_policy, &policy, sizeof policy) != 0)
            return fail(Errc::system, "socket policy",
                        fmt::format("the kernel does not let IKE pass its policies: {}; run cygnetd as root or give it CAP_NET_ADMIN",
                                    std::strerror(errno)));
    }
    return {};
}

Result<> take_esp_out(int socket) {
    const int kind = UDP_ENCAP_ESPINUDP;
    if (::setsockopt(socket, IPPROTO_UDP, UDP_ENCAP, &kind, sizeof kind) == 0) return {};
    return fail(Errc::system, "UDP encapsulation",
                fmt::format("the kernel takes no ESP out of UDP datagrams: {}; use Cygnet's own ESP (--esp userspace)",
                            std::strerror(errno)));
}

}  // namespace cygnet::dataplane::xfrm
