// IKE on the NAT-T port, which it shares with ESP (RFC 3948): sockets of the control thread's own, so that no worker stands
// between it and its peers, and no flood of ESP in front of it.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "os/udp_socket.h"

namespace cygnet::dataplane {

class IkePort {
public:
    // Of both families, as far as this host has them, and nobody else's: a second daemon is refused.
    // Errors: system, with what to do.
    static Result<IkePort> open(std::uint16_t port);
    // The same beside as many sockets as there are `workers`, which join the port later, in their order: datagrams that
    // do not begin with an SPI come here, and each SPI is one worker's.
    static Result<IkePort> open_beside(std::uint16_t port, std::size_t workers);

    std::span<os::UdpSocket> sockets() { return sockets_; }

    using Taker = std::function<void(const model::Path&, ByteView)>;
    // A bounded number of what waits in one of the sockets: IKE messages without their non-ESP marker, and what else came,
    // which may be ESP, since the kernel deals by the first of the datagrams that it has joined (UDP_GRO).
    void receive(os::UdpSocket& socket, const Taker& take_ike, const Taker& take_other);

    // Adds the non-ESP marker. path.local.address may be "any".
    Result<> send_ike(const model::Path& path, ByteView message);
    // RFC 3948 §2.3: the single octet 0xff.
    Result<> send_keepalive(const model::Path& path);

private:
    static Result<IkePort> open(std::uint16_t port, const os::UdpSocket::Prepare& prepare);
    Result<> send(const model::Path& path, ByteView first, ByteView second);

    std::vector<os::UdpSocket> sockets_;
    Bytes buffer_;
};

}  // namespace cygnet::dataplane
