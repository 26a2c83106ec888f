// Inner packets to ESP packets, in place, a batch at a time.
//
//   inner - headroom      inner
//   ├ SPI │ sequence │ IV ┼ inner packet │ padding │ pad length │ next header ┼ ICV ┤
//                         └────────────────── encrypted ──────────────────────┘
//
// How long each part is says the SA's shape; nothing here asks which algorithm it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/instant.h"
#include "esp/sa_runtime.h"

namespace cygnet::esp {

using crypto::esp_header_size;
inline constexpr std::size_t esp_trailer_size = 2;  // pad length and next header

// Room that the caller leaves before an inner packet.
inline std::size_t encapsulation_headroom(const crypto::PacketShape& shape) { return shape.text_at(); }
// The ESP packet's size for an inner packet's, in octets.
inline std::size_t encapsulated_size(const crypto::PacketShape& shape, std::size_t inner) {
    const std::size_t aligned = shape.alignment - std::size_t{1};
    return shape.text_at() + ((inner + esp_trailer_size + aligned) & ~aligned) + shape.icv_size;
}

struct OutboundPacket {
    // An IPv4 or IPv6 packet; in transport mode what follows its header. The ESP packet will begin
    // encapsulation_headroom() before it.
    std::uint8_t* inner;
    std::uint32_t size;
    std::uint8_t next_header;
};

// Seals the packets with consecutive sequence numbers. Returns how many: fewer than all only when the SA
// has no numbers left (counted as sequence_exhausted); those beyond are untouched.
// At most limits::batch_packets at once.
std::size_t encapsulate(SaRuntime& sa, std::span<const OutboundPacket> packets, Instant now);

}  // namespace cygnet::esp
