// The NAT-T port when the kernel does ESP: it takes the ESP packets out (RFC 3948), IKE and the rest come to us.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "os/udp_socket.h"

namespace cygnet::dataplane::xfrm {

class EncapPort {
public:
    // Of both families, as far as this host has them. Errors: system, with what to do.
    static Result<EncapPort> open(std::uint16_t port);

    std::vector<int> fds() const;
    // IKE messages without the non-ESP marker; a bounded number.
    void receive(const std::function<void(const model::Path&, ByteView)>& ike_datagram);

    Result<> send_ike(const model::Path& path, ByteView message);
    Result<> send_keepalive(const model::Path& path);

private:
    Result<> send(const model::Path& path, ByteView datagram);

    std::vector<os::UdpSocket> sockets_;
    Bytes buffer_;
};

// The packets of a socket pass all policies in the clear.
Result<> bypass(int socket);

}  // namespace cygnet::dataplane::xfrm
