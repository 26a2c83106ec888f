// What travels through the simulated network: one IP datagram.
#pragma once

#include <variant>

#include "base/bytes.h"
#include "model/address.h"
#include "sim/backend.h"

namespace cygnet::sim {

struct Keepalive {};  // RFC 3948 §2.3

struct Packet {
    model::Endpoint from, to;                                // ports 0: raw ESP, IP protocol 50
    std::variant<Bytes, EspPacket, Keepalive> content{};     // Bytes: an IKE message without the non-ESP marker
    model::StreamId stream = model::StreamId::none;          // TCP: by the name that the host has for it

    model::Path path_at_receiver() const { return {.local = to, .remote = from, .stream = stream}; }
    const Bytes* ike() const { return std::get_if<Bytes>(&content); }
    // The size of the IPv4 datagram; ESP packets are taken to be small.
    std::size_t ip_octets() const;
};

}  // namespace cygnet::sim
