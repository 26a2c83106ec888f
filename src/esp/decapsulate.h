// ESP packets to inner packets, in place, a batch of one SA at a time; and every check on the way.
#pragma once

#include <span>

#include "base/instant.h"
#include "esp/child.h"
#include "esp/encapsulate.h"
#include "esp/selector_check.h"

namespace cygnet::esp {

struct InboundPacket {
    // In: the ESP packet, from its SPI to the end of its ICV, and the outer header's traffic class.
    std::uint8_t* esp = nullptr;
    std::uint32_t size = 0;
    std::uint8_t outer_traffic_class = 0;
    // Out. With Drop::none the inner packet is at data() and described by `inner`; of a child in transport mode it is
    // `payload_size` octets of protocol `next_header`, still to be looked at (transport_mode.h). Other octets of the
    // buffer are garbage. `newest`: authentic, and its sequence number was the highest so far.
    std::uint32_t text_at = 0;
    Drop drop = Drop::none;
    bool newest = false;
    InnerPacket inner{};
    std::uint32_t payload_size = 0;
    std::uint8_t next_header = 0;

    std::uint8_t* data() const { return esp + text_at; }
    // Another packet takes the place of the last one. What was found in that is not cleared: it is written before it is read.
    void replace(std::uint8_t* with, std::size_t octets, std::uint8_t traffic_class = 0) {
        esp = with;
        size = static_cast<std::uint32_t>(octets);
        outer_traffic_class = traffic_class;
    }
};

// The SPI of a packet that may be anything; nothing if it is too short to be ESP.
inline std::optional<std::uint32_t> spi_of(const std::uint8_t* esp, std::size_t size) {
    if (size < esp_header_size) return std::nullopt;
    return std::uint32_t{esp[0]} << 24 | std::uint32_t{esp[1]} << 16 | std::uint32_t{esp[2]} << 8 | esp[3];
}

// Opens packets that carry the child's inbound SPI; sets `drop`, `newest` and `inner` of each and counts
// drops in the SA. At most limits::batch_packets at once. Returns how many were authentic.
// Compressed text is left as it is, for ipcomp.h.
std::size_t decapsulate(const Child& child, std::span<InboundPacket> packets, Instant now);

// Authentic, and still to be decompressed.
inline bool is_compressed(const Child& child, const InboundPacket& packet) {
    return packet.drop == Drop::none && packet.next_header == protocol::ipcomp && child.ipcomp.agreed();
}

// The last checks of a tunnel: the text is a packet, whose selectors and congestion mark are right. Sets `inner`.
Drop examine_inner(const Child& child, InboundPacket& packet, SelectorCheck& selectors);

}  // namespace cygnet::esp
