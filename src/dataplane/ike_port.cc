#include "dataplane/ike_port.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "model/limits.h"

namespace cygnet::dataplane {
namespace {

constexpr std::array<std::uint8_t, 4> non_esp_marker{};  // RFC 3948 §2.2
constexpr std::uint8_t nat_keepalive = 0xff;             // RFC 3948 §2.3
constexpr int datagrams_per_turn = 64;

// Which socket of the port a datagram goes to: ours, the first, if it begins with four zeros or is shorter than that; else
// the worker that its SPI says.
Result<> deal_by_spi(int fd, std::size_t workers) {
    sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
                          BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, static_cast<std::uint32_t>(workers)),
                          BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
                          BPF_STMT(BPF_RET | BPF_A, 0)};
    const sock_fprog program{.len = std::size(code), .filter = code};
    const int on = 1;
    if (::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
        ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0)
        return {};
    return fail(Errc::system, "UDP port", fmt::format("the kernel does not deal a port's datagrams to several sockets: {}; "
                                                      "Cygnet needs Linux 4.6 or newer", std::strerror(errno)));
}

}  // namespace

Result<IkePort> IkePort::open(std::uint16_t port) { return open(port, {}); }

Result<IkePort> IkePort::open_beside(std::uint16_t port, std::size_t workers) {
    // A port that may be shared would be shared with a second daemon, too: we must have had it alone.
    TRY(open(port));
    return open(port, [workers](int fd) { return deal_by_spi(fd, workers); });
}

Result<IkePort> IkePort::open(std::uint16_t port, const os::UdpSocket::Prepare& prepare) {
    IkePort opened;
    opened.buffer_.resize(model::limits::datagram_octets);
    for (const auto family : {model::Family::v4, model::Family::v6}) {
        auto socket = os::UdpSocket::bind(family, port, prepare);
        if (!socket && socket.error().code == Errc::unsupported) continue;
        if (!socket) return fail(socket.error());
        opened.sockets_.push_back(std::move(*socket));
    }
    return opened;
}

void IkePort::receive(os::UdpSocket& socket, const Taker& take_ike, const Taker& take_other) {
    for (int i = 0; i < datagrams_per_turn; ++i) {
        const auto received = socket.receive(buffer_);
        if (!received) return;
        const ByteView datagram = ByteView{buffer_}.first(std::min(received->octets, buffer_.size()));
        if (datagram.size() > non_esp_marker.size() &&
            std::ranges::equal(datagram.first(non_esp_marker.size()), non_esp_marker))
            take_ike(received->path, datagram.subspan(non_esp_marker.size()));
        else if (datagram.size() != 1 || datagram[0] != nat_keepalive)
            take_other(received->path, datagram);
    }
}

Result<> IkePort::send_ike(const model::Path& path, ByteView message) { return send(path, non_esp_marker, message); }

Result<> IkePort::send_keepalive(const model::Path& path) { return send(path, ByteView(&nat_keepalive, 1), {}); }

Result<> IkePort::send(const model::Path& path, ByteView first, ByteView second) {
    const auto socket = std::ranges::find(sockets_, path.remote.address.family(), &os::UdpSocket::family);
    if (socket == sockets_.end()) return fail(Errc::unsupported, "send", fmt::format("no socket for {}", path.text()));
    return socket->send(path, first, second);
}

}  // namespace cygnet::dataplane
