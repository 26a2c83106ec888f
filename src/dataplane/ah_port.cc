#include "dataplane/ah_port.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/big_endian.h"
#include "base/bytes.h"
#include "dataplane/checksum.h"
#include "os/socket_address.h"

namespace cygnet::dataplane {
namespace {

constexpr int buffer_octets = 4 << 20;
constexpr std::size_t ipv4_header = 20, ipv6_header = 40;
constexpr std::size_t control_octets = 4096;  // extension headers come beside a packet
constexpr std::uint16_t more_fragments = 0x2000, dont_fragment = 0x4000;

bool switch_on(int fd, int level, int option) {
    const int on = 1;
    return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

os::Fd raw_socket(model::Family family) {
    return os::Fd(::socket(family == model::Family::v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_AH));
}

bool take_nothing(int fd) {
    sock_filter nothing{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
    const sock_fprog program{.len = 1, .filter = &nothing};
    return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

bool prepare(int fd, model::Family family) {
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_octets, sizeof buffer_octets) != 0)
        static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_octets, sizeof buffer_octets));
    if (family == model::Family::v4) return switch_on(fd, IPPROTO_IP, IP_HDRINCL);
    for (const int option : {IPV6_RECVPKTINFO, IPV6_RECVTCLASS, IPV6_RECVHOPLIMIT, IPV6_RECVHOPOPTS, IPV6_RECVRTHDR, IPV6_RECVDSTOPTS})
        if (!switch_on(fd, IPPROTO_IPV6, option)) return false;
    return true;
}

// The IPv6 header and the extension headers, as the kernel took them off, in front of the payload.
std::size_t write_ipv6_headers(std::uint8_t* to, const sockaddr_in6& source, const msghdr& message, std::size_t payload) {
    std::memset(to, 0, ipv6_header);
    std::size_t at = ipv6_header;
    std::uint8_t first = IPPROTO_AH;
    int traffic_class = 0, hop_limit = 0;
    // A header's type stands in the one before it; the first one's in the IPv6 header.
    const auto extension = [&](const cmsghdr& one, std::uint8_t type) {
        const std::size_t size = one.cmsg_len - CMSG_LEN(0);
        std::memcpy(to + at, CMSG_DATA(&one), size);
        if (at == ipv6_header) first = type;
        at += size;
    };
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(const_cast<msghdr*>(&message), one)) {
        if (one->cmsg_level != IPPROTO_IPV6) continue;
        switch (one->cmsg_type) {
            case IPV6_PKTINFO: std::memcpy(to + 24, CMSG_DATA(one), 16); break;  // the destination
            case IPV6_TCLASS: std::memcpy(&traffic_class, CMSG_DATA(one), sizeof traffic_class); break;
            case IPV6_HOPLIMIT: std::memcpy(&hop_limit, CMSG_DATA(one), sizeof hop_limit); break;
            case IPV6_HOPOPTS: extension(*one, IPPROTO_HOPOPTS); break;
            case IPV6_RTHDR: extension(*one, IPPROTO_ROUTING); break;
            case IPV6_DSTOPTS: extension(*one, IPPROTO_DSTOPTS); break;
            default: break;
        }
    }
    store_be(to, 6U << 28 | static_cast<std::uint32_t>(traffic_class & 0xff) << 20);
    store_be(to + 4, static_cast<std::uint16_t>(at - ipv6_header + payload));
    to[6] = first;
    to[7] = static_cast<std::uint8_t>(hop_limit);
    std::memcpy(to + 8, &source.sin6_addr, 16);
    return at;
}

}  // namespace

Result<AhPort> AhPort::open(model::Family family, std::uint32_t mark) {
    os::Fd fd = raw_socket(family);
    if (!fd.open() && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT)) return fail(Errc::unsupported, "AH", std::strerror(errno));
    if (!fd.open() || !prepare(fd.number(), family) || ::setsockopt(fd.number(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0)
        return fail(Errc::system, "AH", fmt::format("a raw socket of protocol 51: {}; cygnetd needs CAP_NET_RAW and CAP_NET_ADMIN", std::strerror(errno)));
    os::Fd guard = raw_socket(family);
    if (!guard.open() || !take_nothing(guard.number())) guard = {};
    return AhPort(std::move(fd), std::move(guard), family);
}

std::optional<MutableByteView> AhPort::receive(MutableByteView room) const {
    alignas(cmsghdr) std::array<std::uint8_t, control_octets> control;
    sockaddr_in6 source{};
    const bool v6 = family_ == model::Family::v6;
    const std::size_t before = v6 ? control_octets : 0;  // for headers
    iovec piece{room.data() + before, room.size() - before};
    for (;;) {
        msghdr message{};
        message.msg_name = &source;
        message.msg_namelen = sizeof source;
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        if (v6) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
        }
        const ssize_t size = ::recvmsg(fd_.number(), &message, 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return std::nullopt;
        const auto octets = static_cast<std::size_t>(size);
        if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) continue;
        if (!v6) return room.first(octets);
        const std::size_t headers = write_ipv6_headers(room.data(), source, message, octets);
        std::memmove(room.data() + headers, room.data() + before, octets);
        return room.first(headers + octets);
    }
}

bool AhPort::send(MutableByteView packet, std::size_t mtu) const {
    if (family_ == model::Family::v6) return send_ipv6(packet);
    const auto flags = load_be<std::uint16_t>(&packet[6]);
    if (packet.size() <= mtu || (flags & dont_fragment) != 0 || mtu < ipv4_header + 8) return send_ipv4(packet);
    // RFC 791 §3.2; AH is computed before it (RFC 4302 §3.3.4). Our headers have no options.
    const std::size_t step = (mtu - ipv4_header) / 8 * 8;
    Bytes fragment;
    for (std::size_t at = ipv4_header; at < packet.size(); at += step) {
        const std::size_t size = std::min(step, packet.size() - at);
        const bool last = at + size == packet.size();
        fragment.assign(packet.begin(), packet.begin() + ipv4_header);
        append(fragment, packet.subspan(at, size));
        store_be(&fragment[2], static_cast<std::uint16_t>(fragment.size()));
        store_be(&fragment[6], static_cast<std::uint16_t>((at - ipv4_header) / 8 | (last ? 0 : more_fragments)));
        finish_ipv4_header(fragment.data(), ipv4_header);
        if (!send_ipv4(fragment)) return false;
    }
    return true;
}

bool AhPort::send_ipv4(ByteView packet) const {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    std::memcpy(&to.sin_addr, &packet[16], 4);
    return ::sendto(fd_.number(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0;
}

// The kernel writes the header anew: what of it the ICV covers is the same.
bool AhPort::send_ipv6(ByteView packet) const {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    std::memcpy(&to.sin6_addr, &packet[24], 16);
    iovec piece{const_cast<std::uint8_t*>(packet.data()) + ipv6_header, packet.size() - ipv6_header};
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* one = CMSG_FIRSTHDR(&message);
    in6_pktinfo source{};
    std::memcpy(&source.ipi6_addr, &packet[8], 16);
    one->cmsg_level = IPPROTO_IPV6;
    one->cmsg_type = IPV6_PKTINFO;
    one->cmsg_len = CMSG_LEN(sizeof source);
    std::memcpy(CMSG_DATA(one), &source, sizeof source);
    one = CMSG_NXTHDR(&message, one);
    const int traffic_class = load_be<std::uint16_t>(packet.data()) >> 4 & 0xff;
    one->cmsg_level = IPPROTO_IPV6;
    one->cmsg_type = IPV6_TCLASS;
    one->cmsg_len = CMSG_LEN(sizeof traffic_class);
    std::memcpy(CMSG_DATA(one), &traffic_class, sizeof traffic_class);
    return ::sendmsg(fd_.number(), &message, 0) >= 0;
}

}  // namespace cygnet::dataplane
