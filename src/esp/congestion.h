// Explicit congestion notification through a tunnel, RFC 6040 (normal mode).
#pragma once

#include <cstdint>
#include <optional>

#include "esp/inner_packet.h"
#include "model/config.h"

namespace cygnet::esp {

enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };
inline Ecn ecn_of(std::uint8_t traffic_class) { return static_cast<Ecn>(traffic_class & 3U); }

// RFC 6040 §4.2: the mark that leaves the tunnel; nothing if the packet must be dropped.
std::optional<Ecn> decapsulated_ecn(Ecn inner, Ecn outer);

// DSCP and ECN of the outer header (RFC 4301 §5.1.2.1, RFC 6040 §4.1).
inline std::uint8_t outer_traffic_class(const model::TunnelHeaders& rules, std::uint8_t inner) {
    return static_cast<std::uint8_t>((rules.dscp_out ? inner & 0xfcU : 0U) | (rules.copy_ecn ? inner & 3U : 0U));
}

// What the outer header's traffic class does to the inner one's, with its checksum. False if the packet must be dropped.
bool change_traffic_class(const model::TunnelHeaders& rules, std::uint8_t* packet, InnerPacket& inner,
                          std::uint8_t outer_traffic_class);
inline bool decapsulate_traffic_class(const model::TunnelHeaders& rules, std::uint8_t* packet, InnerPacket& inner,
                                      std::uint8_t outer_traffic_class) {
    // Nearly all packets: no mark outside that is not inside.
    const Ecn outer = ecn_of(outer_traffic_class);
    if (!rules.dscp_in && (outer == Ecn::not_ect || outer == ecn_of(inner.traffic_class))) return true;
    return change_traffic_class(rules, packet, inner, outer_traffic_class);
}

}  // namespace cygnet::esp
