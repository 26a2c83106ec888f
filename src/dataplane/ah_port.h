// AH (IP protocol 51) on the outer side: raw sockets, and whole IP packets through them, because the ICV covers the IP header.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "base/result.h"
#include "model/address.h"
#include "os/fd.h"

namespace cygnet::dataplane {

class AhPort {
public:
    // Errors: unsupported when the host has no such family; system, with what to do.
    static Result<AhPort> open(model::Family family, std::uint32_t mark);

    int fd() const { return fd_.number(); }
    model::Family family() const { return family_; }

    // The next packet that waits, with its IP header; nothing when there is none. Of IPv6 the header is put together from what
    // the kernel tells of it. `room`: for the longest IP packet.
    std::optional<MutableByteView> receive(MutableByteView room) const;

    // Sends a packet with its IP header, from its source address. IPv4's that are longer than `mtu` leave in fragments, if
    // DF is not set. Several threads may send at once.
    bool send(MutableByteView packet, std::size_t mtu) const;

private:
    AhPort(os::Fd fd, os::Fd guard, model::Family family) : fd_(std::move(fd)), guard_(std::move(guard)), family_(family) {}
    bool send_ipv4(ByteView packet) const;
    bool send_ipv6(ByteView packet) const;

    os::Fd fd_;
    // Takes nothing, and has always room: else the kernel would tell the peer that there is no such protocol whenever our
    // socket is full.
    os::Fd guard_;
    model::Family family_;
};

}  // namespace cygnet::dataplane
