// Inner packets to ESP packets, in place, a batch at a time.
//
//   inner - 16            inner
//   ├ SPI │ sequence │ IV ┼ inner packet │ padding │ pad length │ next header ┼ ICV ┤
//                         └────────────────── encrypted ──────────────────────┘
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/instant.h"
#include "esp/sa_runtime.h"

namespace cygnet::esp {

inline constexpr std::size_t esp_header_size = 8;
inline constexpr std::size_t esp_iv_size = 8;
inline constexpr std::size_t esp_icv_size = 16;
inline constexpr std::size_t esp_trailer_size = 2;  // pad length and next header
inline constexpr std::size_t esp_alignment = 4;     // RFC 4303 §2.4

// Room that the caller leaves before and behind each inner packet.
inline constexpr std::size_t encapsulation_headroom = esp_header_size + esp_iv_size;
inline constexpr std::size_t encapsulation_tailroom = esp_alignment - 1 + esp_trailer_size + esp_icv_size;

// The ESP packet's size for an inner packet's, in octets.
constexpr std::size_t encapsulated_size(std::size_t inner) {
    const std::size_t text = (inner + esp_trailer_size + esp_alignment - 1) & ~(esp_alignment - 1);
    return encapsulation_headroom + text + esp_icv_size;
}

struct OutboundPacket {
    // An IPv4 or IPv6 packet; in transport mode what follows its header. The ESP packet will begin
    // `encapsulation_headroom` before it.
    std::uint8_t* inner;
    std::uint32_t size;
    std::uint8_t next_header;
};

// Seals the packets with consecutive sequence numbers. Returns how many: fewer than all only when the SA
// has no numbers left (counted as sequence_exhausted); those beyond are untouched.
// At most limits::batch_packets at once.
std::size_t encapsulate(SaRuntime& sa, std::span<const OutboundPacket> packets, Instant now);

}  // namespace cygnet::esp
