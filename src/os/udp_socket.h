// UDP sockets for IKE: bound to all addresses of one family, told for each datagram which of our addresses it
// came to, and answering from that address (RFC 7296 §2.11).
#pragma once

#include <functional>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "model/address.h"
#include "os/fd.h"

namespace cygnet::os {

class UdpSocket {
public:
    // Port 0 lets the system choose. Errors: Errc::unsupported when the host has no such family, Errc::system with
    // a sentence that names the port and what to do.
    // `prepare` is called with the descriptor before it is bound.
    using Prepare = std::function<Result<>(int)>;
    static Result<UdpSocket> bind(model::Family family, std::uint16_t port, const Prepare& prepare = {});

    int fd() const { return fd_.number(); }
    std::uint16_t port() const { return port_; }
    model::Family family() const { return family_; }

    // Reads one waiting datagram into `buffer`; nothing when none waits. A datagram longer than the buffer is
    // cut and `octets` says how long it was.
    struct Received {
        model::Path path;    // local: the address it came to
        std::size_t octets;  // of the datagram
    };
    std::optional<Received> receive(MutableByteView buffer);

    // Sends one datagram, `first` and `second` together, from path.local.address (unless that is unspecified) to path.remote.
    Result<> send(const model::Path& path, ByteView first, ByteView second = {});

private:
    UdpSocket(Fd fd, model::Family family, std::uint16_t port) : fd_(std::move(fd)), family_(family), port_(port) {}

    Fd fd_;
    model::Family family_;
    std::uint16_t port_;
};

// The address of this host from which packets to `remote` leave, those with a mark if one is given; Errc::system without a
// route.
Result<model::IpAddress> local_address_towards(model::IpAddress remote, std::uint32_t mark = 0);

}  // namespace cygnet::os
