#include "dataplane/carrier.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "os/socket_address.h"

namespace cygnet::dataplane {
namespace {

constexpr int buffer_octets = 8 * 1024 * 1024;
constexpr std::size_t sendmmsg_packets = 64;
constexpr int full_wait_ms = 20;
constexpr std::size_t send_control_octets = 128;
constexpr std::size_t raw_receivers_max = 4;  // the other raw sockets only send

bool set(int fd, int level, int name, int value) { return ::setsockopt(fd, level, name, &value, sizeof value) == 0; }

Error system_error(const char* where, std::string_view hint) {
    return {.code = Errc::system, .where = where, .detail = fmt::format("{}; {}", std::strerror(errno), hint)};
}

// Ancillary data of one message, appended piece by piece.
class ControlWriter {
public:
    explicit ControlWriter(msghdr& message) : message_(message) {
        message_.msg_control = octets_.data();
        message_.msg_controllen = 0;
    }
    template <class T>
    void add(int level, int type, const T& value) {
        auto* header = reinterpret_cast<cmsghdr*>(octets_.data() + message_.msg_controllen);
        header->cmsg_level = level;
        header->cmsg_type = type;
        header->cmsg_len = CMSG_LEN(sizeof value);
        std::memcpy(CMSG_DATA(header), &value, sizeof value);
        message_.msg_controllen += CMSG_SPACE(sizeof value);
    }

private:
    msghdr& message_;
    alignas(cmsghdr) std::array<std::uint8_t, send_control_octets> octets_{};
};

void add_source(ControlWriter& control, const model::IpAddress& source) {
    if (source.is_any()) return;
    if (source.family() == model::Family::v4) {
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, source.bytes().data(), sizeof info.ipi_spec_dst);
        control.add(IPPROTO_IP, IP_PKTINFO, info);
    } else {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, source.bytes().data(), sizeof info.ipi6_addr);
        control.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
}

void add_traffic_class(ControlWriter& control, model::Family family, std::uint8_t traffic_class) {
    if (traffic_class == 0) return;
    const int value = traffic_class;
    if (family == model::Family::v4)
        control.add(IPPROTO_IP, IP_TOS, value);
    else
        control.add(IPPROTO_IPV6, IPV6_TCLASS, value);
}

// The kernel gives each packet of protocol 50 to each raw socket: this one keeps what its share of the SPIs says, the first
// also what is too short to have one. IPv4 packets come with their header. Copies are not free: few sockets share.
bool take_share(int fd, model::Family family, std::size_t number, std::size_t of) {
    const auto shares = static_cast<std::uint32_t>(std::min(of, raw_receivers_max));
    const std::uint32_t rest = number == 0 ? ~0U : 0;
    const bool v4 = family == model::Family::v4;
    sock_filter code[] = {
        v4 ? sock_filter BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0) : sock_filter BPF_STMT(BPF_LDX | BPF_IMM, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 4, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, rest),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, shares),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, ~0U),
        BPF_STMT(BPF_RET | BPF_K, 0)};
    const sock_fprog program{.len = std::size(code), .filter = code};
    return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

bool wait_until_writable(int fd) {
    pollfd waiting{fd, POLLOUT, 0};
    return ::poll(&waiting, 1, full_wait_ms) == 1;
}

bool socket_was_full() { return errno == EAGAIN || errno == ENOBUFS; }

}  // namespace

ReceiveBuffers::ReceiveBuffers()
    : data_(datagrams * datagram_octets),
      messages_(datagrams),
      pieces_(datagrams),
      sources_(datagrams),
      controls_(datagrams),
      received_(datagrams) {
    for (std::size_t i = 0; i < datagrams; ++i) {
        pieces_[i] = {data_.data() + i * datagram_octets, datagram_octets};
        messages_[i].msg_hdr.msg_iov = &pieces_[i];
        messages_[i].msg_hdr.msg_iovlen = 1;
        messages_[i].msg_hdr.msg_name = &sources_[i];
        messages_[i].msg_hdr.msg_control = &controls_[i];
    }
}

Result<Carrier> Carrier::open(CarrierKind kind, model::Family family, const CarrierOptions& options) {
    Carrier carrier;
    carrier.kind_ = kind;
    carrier.family_ = family;
    carrier.port_ = options.port;
    const int domain = family == model::Family::v4 ? AF_INET : AF_INET6;
    const int type = kind == CarrierKind::udp ? SOCK_DGRAM : SOCK_RAW;
    const int protocol = kind == CarrierKind::udp ? IPPROTO_UDP : IPPROTO_ESP;
    carrier.fd_ = os::Fd(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
    if (!carrier.fd_.open() && errno == EAFNOSUPPORT) return fail(Errc::unsupported, "socket", "this host has no IPv6");
    if (!carrier.fd_.open())
        return fail(system_error("socket", "CAP_NET_RAW is needed for IP protocol 50; run as root"));
    TRY(carrier.configure(options));
    return carrier;
}

Result<> Carrier::configure(const CarrierOptions& options) {
    const int fd = fd_.number();
    if (options.mark != 0 && !set(fd, SOL_SOCKET, SO_MARK, static_cast<int>(options.mark)))
        return fail(system_error("SO_MARK", "CAP_NET_ADMIN is needed; run as root"));
    // The larger buffers are a privilege; without it the system's limits hold.
    if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer_octets)) set(fd, SOL_SOCKET, SO_RCVBUF, buffer_octets);
    if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, buffer_octets)) set(fd, SOL_SOCKET, SO_SNDBUF, buffer_octets);
    bool told;
    if (family_ == model::Family::v4) {
        told = set(fd, IPPROTO_IP, IP_PKTINFO, 1) && set(fd, IPPROTO_IP, IP_RECVTOS, 1);
        // RFC 4301 §8.1: without DF routers fragment what is too long; nothing is lost to a small path.
        set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
        set(fd, IPPROTO_IP, IP_RECVFRAGSIZE, 1);
    } else {
        // Raw sockets are of one family anyway and refuse the question.
        told = (kind_ == CarrierKind::raw || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
               set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) && set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
        set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT);
        set(fd, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1);
    }
    if (!told) return fail(system_error("socket options", "the kernel is too old"));
    if (kind_ == CarrierKind::raw) {
        if (options.of > 1 && !take_share(fd, family_, options.number, options.of)) return fail(system_error("SO_ATTACH_FILTER", "the kernel is too old"));
        return {};
    }
    if (options.offload) {
        set(fd, SOL_UDP, UDP_GRO, 1);
        segments_ = set(fd, SOL_UDP, UDP_SEGMENT, 0);
    }
    return join_port();
}

Result<> Carrier::join_port() {
    const os::SocketAddress any = os::SocketAddress::of({model::IpAddress::any(family_), port_});
    if (!set(fd(), SOL_SOCKET, SO_REUSEPORT, 1) || ::bind(fd(), any.get(), any.size) != 0)
        return fail(system_error("UDP port", fmt::format("port {} cannot be joined", port_)));
    return {};
}

Carrier::Batch Carrier::receive(ReceiveBuffers& buffers) const {
    for (mmsghdr& message : buffers.messages_) {
        message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
        message.msg_hdr.msg_controllen = ReceiveBuffers::control_octets;
    }
    const int count = ::recvmmsg(fd(), buffers.messages_.data(), ReceiveBuffers::datagrams, MSG_DONTWAIT, nullptr);
    if (count <= 0) return {{}, false};
    const auto received = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < received; ++i) {
        ReceivedDatagram& datagram = buffers.received_[i];
        datagram.data = static_cast<std::uint8_t*>(buffers.pieces_[i].iov_base);
        datagram.size = datagram.segment_size = buffers.messages_[i].msg_len;
        describe(buffers.messages_[i].msg_hdr, datagram);
        // Raw IPv4 sockets hand over the IP header too.
        if (kind_ == CarrierKind::raw && family_ == model::Family::v4 && datagram.size != 0) {
            const std::size_t header = std::min<std::size_t>((datagram.data[0] & 0x0fU) * 4U, datagram.size);
            datagram.data += header;
            datagram.size -= header;
            datagram.segment_size = datagram.size;
        }
    }
    return {std::span(buffers.received_).first(received), received == ReceiveBuffers::datagrams};
}

// Addresses, traffic class and segment size, from the source address and the ancillary data.
void Carrier::describe(const msghdr& message, ReceivedDatagram& datagram) const {
    datagram.path.remote = os::SocketAddress::endpoint_of(*static_cast<const sockaddr_storage*>(message.msg_name));
    datagram.path.local = {model::IpAddress::any(family_), port_};
    datagram.traffic_class = 0;
    datagram.fragment_octets = 0;
    auto& writable = const_cast<msghdr&>(message);
    for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&writable, control)) {
        const auto is = [&](int level, int type) { return control->cmsg_level == level && control->cmsg_type == type; };
        int value = 0;
        if (is(IPPROTO_IP, IP_PKTINFO)) {
            in_pktinfo info;
            std::memcpy(&info, CMSG_DATA(control), sizeof info);
            datagram.path.local.address = os::address_of(info.ipi_addr);
        } else if (is(IPPROTO_IPV6, IPV6_PKTINFO)) {
            in6_pktinfo info;
            std::memcpy(&info, CMSG_DATA(control), sizeof info);
            datagram.path.local.address = os::address_of(info.ipi6_addr);
        } else if (is(IPPROTO_IP, IP_TOS)) {
            datagram.traffic_class = *CMSG_DATA(control);
        } else if (is(IPPROTO_IPV6, IPV6_TCLASS)) {
            std::memcpy(&value, CMSG_DATA(control), sizeof value);
            datagram.traffic_class = static_cast<std::uint8_t>(value);
        } else if (is(IPPROTO_IP, IP_RECVFRAGSIZE) || is(IPPROTO_IPV6, IPV6_RECVFRAGSIZE)) {
            std::memcpy(&value, CMSG_DATA(control), sizeof value);
            datagram.fragment_octets = static_cast<std::uint32_t>(std::max(value, 0));
        } else if (is(SOL_UDP, UDP_GRO)) {
            std::memcpy(&value, CMSG_DATA(control), sizeof value);
            if (value > 0) datagram.segment_size = static_cast<std::size_t>(value);
        }
    }
}

Carrier::Sent Carrier::send(const Outgoing& packets) {
    if (family_ == model::Family::v4) set_dont_fragment(packets.dont_fragment);
    const bool many = packets.octets.size() > packets.segment_size;
    if (!segments_ || !many) return send_one_by_one(packets);
    if (const auto sent = send_segmented(packets)) return {*sent, false};
    Sent sent = send_one_by_one(packets);
    sent.too_long |= segments_;  // or the call for all would have been taken
    return sent;
}

// Of the socket, for lack of a way to say it with a packet.
void Carrier::set_dont_fragment(bool wanted) {
    if (wanted == dont_fragment_) return;
    set(fd(), IPPROTO_IP, IP_MTU_DISCOVER, wanted ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
    dont_fragment_ = wanted;
}

// One call for all; nothing when the kernel wants them one by one.
std::optional<std::size_t> Carrier::send_segmented(const Outgoing& packets) {
    os::SocketAddress to = os::SocketAddress::of(packets.path->remote);
    iovec piece{const_cast<std::uint8_t*>(packets.octets.data()), packets.octets.size()};
    msghdr message{};
    message.msg_name = &to.storage;
    message.msg_namelen = to.size;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    ControlWriter control(message);
    add_source(control, packets.path->local.address);
    add_traffic_class(control, family_, packets.traffic_class);
    control.add(SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(packets.segment_size));
    const std::size_t count = (packets.octets.size() + packets.segment_size - 1) / packets.segment_size;
    for (int attempt = 0; attempt < 2; ++attempt) {
        ++send_calls_;
        if (::sendmsg(fd(), &message, 0) >= 0) return count;
        if (!socket_was_full()) break;
        if (!wait_until_writable(fd())) return 0;
    }
    switch (errno) {
        // Longer than the path takes in one piece: the others still go through, fragmented.
        case EMSGSIZE:
        case EINVAL: return std::nullopt;
        // The device or the kernel does not segment.
        case EIO:
        case ENOPROTOOPT:
        case EOPNOTSUPP: segments_ = false; return std::nullopt;
        default: return 0;
    }
}

Carrier::Sent Carrier::send_one_by_one(const Outgoing& packets) {
    os::SocketAddress to = os::SocketAddress::of(packets.path->remote);
    // Raw IPv6 sockets take the protocol for a port.
    if (kind_ == CarrierKind::raw) to = os::SocketAddress::of({packets.path->remote.address, 0});
    msghdr shared{};
    shared.msg_name = &to.storage;
    shared.msg_namelen = to.size;
    ControlWriter control(shared);
    add_source(control, packets.path->local.address);
    add_traffic_class(control, family_, packets.traffic_class);
    if (shared.msg_controllen == 0) shared.msg_control = nullptr;

    std::array<mmsghdr, sendmmsg_packets> messages;
    std::array<iovec, sendmmsg_packets> pieces;
    Sent sent{0, false};
    std::size_t at = 0;
    while (at < packets.octets.size()) {
        std::size_t count = 0;
        for (; count < sendmmsg_packets && at < packets.octets.size(); ++count) {
            const std::size_t size = std::min(packets.segment_size, packets.octets.size() - at);
            pieces[count] = {const_cast<std::uint8_t*>(packets.octets.data()) + at, size};
            messages[count] = {.msg_hdr = shared, .msg_len = 0};
            messages[count].msg_hdr.msg_iov = &pieces[count];
            messages[count].msg_hdr.msg_iovlen = 1;
            at += size;
        }
        std::size_t first = 0;
        bool waited = false;
        while (first < count) {
            ++send_calls_;
            const int done = ::sendmmsg(fd(), &messages[first], static_cast<unsigned>(count - first), 0);
            if (done > 0) {
                first += static_cast<std::size_t>(done);
                sent.packets += static_cast<std::size_t>(done);
            } else if (socket_was_full() && !waited) {
                waited = true;
                wait_until_writable(fd());
            } else {
                sent.too_long |= errno == EMSGSIZE;
                ++first;  // this one is refused; the next may not be
            }
        }
    }
    return sent;
}

}  // namespace cygnet::dataplane
