#include "dataplane/xfrm/encap_port.h"

#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "dataplane/xfrm/messages.h"
#include "model/limits.h"

namespace cygnet::dataplane::xfrm {
namespace {

constexpr std::array<std::uint8_t, 4> non_esp_marker{};
constexpr std::uint8_t nat_keepalive = 0xff;
constexpr int datagrams_per_turn = 64;

// The names are Linux's own; glibc has them not.
constexpr int ip_xfrm_policy = 17, ipv6_xfrm_policy = 35;

}  // namespace

Result<EncapPort> EncapPort::open(std::uint16_t port) {
    EncapPort opened;
    opened.buffer_.resize(model::limits::datagram_octets);
    for (const auto family : {model::Family::v4, model::Family::v6}) {
        auto socket = os::UdpSocket::bind(family, port);
        if (!socket && socket.error().code == Errc::unsupported) continue;
        if (!socket) return fail(socket.error());
        const int kind = UDP_ENCAP_ESPINUDP;
        if (::setsockopt(socket->fd(), IPPROTO_UDP, UDP_ENCAP, &kind, sizeof kind) != 0)
            return fail(Errc::system, "UDP encapsulation",
                        fmt::format("the kernel takes no ESP out of UDP port {}: {}; use Cygnet's own ESP (--esp userspace)", port,
                                    std::strerror(errno)));
        TRY(bypass(socket->fd()));
        opened.sockets_.push_back(std::move(*socket));
    }
    return opened;
}

std::vector<int> EncapPort::fds() const {
    std::vector<int> all;
    for (const auto& socket : sockets_) all.push_back(socket.fd());
    return all;
}

void EncapPort::receive(const std::function<void(const model::Path&, ByteView)>& ike_datagram) {
    for (auto& socket : sockets_)
        for (int i = 0; i < datagrams_per_turn; ++i) {
            const auto received = socket.receive(buffer_);
            if (!received) break;
            const ByteView datagram = ByteView{buffer_}.first(std::min(received->octets, buffer_.size()));
            // The kernel keeps ESP and keepalives; what else has no marker belongs to nobody.
            if (datagram.size() <= non_esp_marker.size() || !std::ranges::equal(datagram.first(non_esp_marker.size()), non_esp_marker))
                continue;
            ike_datagram(received->path, datagram.subspan(non_esp_marker.size()));
        }
}

Result<> EncapPort::send_ike(const model::Path& path, ByteView message) { return send(path, concat({non_esp_marker, message})); }

Result<> EncapPort::send_keepalive(const model::Path& path) { return send(path, ByteView(&nat_keepalive, 1)); }

Result<> EncapPort::send(const model::Path& path, ByteView datagram) {
    const auto socket = std::ranges::find(sockets_, path.remote.address.family(), &os::UdpSocket::family);
    if (socket == sockets_.end()) return fail(Errc::unsupported, "send", fmt::format("no socket for {}", path.text()));
    return socket->send(path, datagram);
}

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

}  // namespace cygnet::dataplane::xfrm
