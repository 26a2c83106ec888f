#include "os/udp_socket.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/uio.h>

#include "os/socket_address.h"

namespace cygnet::os {

namespace {

Result<> set_option(const Fd& fd, int level, int name, int value) {
    if (::setsockopt(fd.number(), level, name, &value, sizeof value) != 0)
        return fail(Errc::system, "UDP socket option", std::strerror(errno));
    return {};
}

// Room for a flock of peers that come at once. The larger buffer is a privilege; without it the system's limit holds.
void set_receive_buffer(const Fd& fd) {
    constexpr int octets = 4 * 1024 * 1024;
    if (::setsockopt(fd.number(), SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof octets) != 0)
        static_cast<void>(::setsockopt(fd.number(), SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets));
}

// IKE messages may be longer than the path's MTU before fragmentation is negotiated (RFC 7383 §2.5), so the
// system may fragment them: DF stays clear.
Result<> set_options(const Fd& fd, model::Family family) {
    set_receive_buffer(fd);
    if (family == model::Family::v4) {
        TRY(set_option(fd, IPPROTO_IP, IP_PKTINFO, 1));
        TRY(set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT));
    } else {
        TRY(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
        TRY(set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
    }
    return {};
}

Error bind_error(std::uint16_t port, int number) {
    std::string why = std::strerror(number);
    if (number == EADDRINUSE)
        why = "it is in use: is another IKE daemon (charon, pluto, cygnetd) running? Stop it, or use another port";
    else if (number == EACCES || number == EPERM)
        why = "not permitted: run as root or give the program CAP_NET_BIND_SERVICE";
    return {.code = Errc::system, .where = "UDP port", .detail = fmt::format("cannot bind UDP port {}: {}", port, why)};
}

// Room for one pktinfo of either family.
union Control {
    char octets[CMSG_SPACE(sizeof(in6_pktinfo))];
    cmsghdr align;
};

model::IpAddress destination_of(msghdr& message, model::Family family) {
    for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr; item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(item), sizeof info);
            return address_of(info.ipi_addr);
        }
        if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(item), sizeof info);
            return address_of(info.ipi6_addr);
        }
    }
    return model::IpAddress::any(family);
}

template <class Info>
void put_control(msghdr& message, Control& control, int level, int type, const Info& info) {
    message.msg_control = control.octets;
    message.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = level;
    item->cmsg_type = type;
    item->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(item), &info, sizeof info);
}

void put_source(msghdr& message, Control& control, const model::IpAddress& source) {
    const ByteView octets = source.bytes();
    if (source.family() == model::Family::v4) {
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, octets.data(), octets.size());
        put_control(message, control, IPPROTO_IP, IP_PKTINFO, info);
    } else {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, octets.data(), octets.size());
        put_control(message, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
}

}  // namespace

Result<UdpSocket> UdpSocket::bind(model::Family family, std::uint16_t port, const Prepare& prepare) {
    const int domain = family == model::Family::v4 ? AF_INET : AF_INET6;
    Fd fd(::socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.open()) return fail(errno == EAFNOSUPPORT ? Errc::unsupported : Errc::system, "UDP socket", std::strerror(errno));
    TRY(set_options(fd, family));
    if (prepare) TRY(prepare(fd.number()));
    const auto any = SocketAddress::of({model::IpAddress::any(family), port});
    if (::bind(fd.number(), any.get(), any.size) != 0) {
        // A kernel with IPv6 switched off knows the family but has no address of it.
        if (errno == EADDRNOTAVAIL) return fail(Errc::unsupported, "UDP socket", std::strerror(errno));
        return fail(bind_error(port, errno));
    }
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(fd.number(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
        return fail(Errc::system, "UDP socket", std::strerror(errno));
    return UdpSocket(std::move(fd), family, SocketAddress::endpoint_of(bound).port);
}

std::optional<UdpSocket::Received> UdpSocket::receive(MutableByteView buffer) {
    sockaddr_storage from{};
    Control control{};
    iovec part{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.octets;
    message.msg_controllen = sizeof control.octets;
    ssize_t size = -1;
    // An ICMP error of an earlier datagram is reported once by recvmsg; it says nothing about this one.
    for (int tries = 0; tries < 8 && size < 0; ++tries) {
        size = ::recvmsg(fd_.number(), &message, MSG_TRUNC | MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN) return {};
    }
    if (size < 0) return {};
    const model::Endpoint local{destination_of(message, family_), port_};
    return Received{{local, SocketAddress::endpoint_of(from)}, static_cast<std::size_t>(size)};
}

Result<> UdpSocket::send(const model::Path& path, ByteView first, ByteView second) {
    auto to = SocketAddress::of(path.remote);
    iovec parts[] = {{const_cast<std::uint8_t*>(first.data()), first.size()},
                     {const_cast<std::uint8_t*>(second.data()), second.size()}};
    Control control{};
    msghdr message{};
    message.msg_name = &to.storage;
    message.msg_namelen = to.size;
    message.msg_iov = parts;
    message.msg_iovlen = std::size(parts);
    if (!path.local.address.is_any()) put_source(message, control, path.local.address);
    if (::sendmsg(fd_.number(), &message, MSG_NOSIGNAL) < 0)
        return fail(Errc::system, "UDP send", fmt::format("{}: {}", path.text(), std::strerror(errno)));
    return {};
}

Result<model::IpAddress> local_address_towards(model::IpAddress remote, std::uint32_t mark) {
    const int domain = remote.family() == model::Family::v4 ? AF_INET : AF_INET6;
    const Fd fd(::socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto to = SocketAddress::of({remote, 500});
    // Without the right to mark, the route of everybody's packets has to do.
    if (fd.open() && mark != 0) static_cast<void>(::setsockopt(fd.number(), SOL_SOCKET, SO_MARK, &mark, sizeof mark));
    // Connecting a UDP socket sends nothing; it makes the system choose the route and with it the source.
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (!fd.open() || ::connect(fd.number(), to.get(), to.size) != 0 ||
        ::getsockname(fd.number(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
        return fail(Errc::system, "route", fmt::format("no route to {}: {}", remote.text(), std::strerror(errno)));
    return SocketAddress::endpoint_of(bound).address;
}

}  // namespace cygnet::os
