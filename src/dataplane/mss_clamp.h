// TCP's maximum segment size, lowered on its way to what the tunnel takes, so that TCP never sends what would have to
// be cut: also where the messages of path MTU discovery get lost.
#pragma once

#include <cstddef>
#include <cstdint>

#include "esp/inner_packet.h"

namespace cygnet::dataplane {

// Whether the packet opens a TCP connection: only then there is something to lower.
inline bool opens_tcp(const std::uint8_t* packet, const esp::InnerPacket& inner) {
    constexpr std::size_t flags_at = 13;
    constexpr std::uint8_t syn = 0x02;
    return inner.protocol == esp::protocol::tcp && inner.ports_known &&
           inner.size - inner.transport_offset > flags_at && (packet[inner.transport_offset + flags_at] & syn) != 0;
}

enum class TcpChecksum : std::uint8_t { complete, left_to_us };

// Lowers the MSS option of a packet that opens_tcp, if it has one, to what fits inner packets of `mtu` octets.
// `complete`: the checksum follows; else it is computed later.
void clamp_mss(std::uint8_t* packet, const esp::InnerPacket& inner, std::size_t mtu, TcpChecksum checksum);

}  // namespace cygnet::dataplane
