// Explicit congestion notification through a tunnel, RFC 6040 (normal mode).
#pragma once

#include <cstdint>
#include <optional>

#include "esp/inner_packet.h"

namespace cygnet::esp {

enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };
inline Ecn ecn_of(std::uint8_t traffic_class) { return static_cast<Ecn>(traffic_class & 3U); }

// RFC 6040 §4.2: the mark that leaves the tunnel; nothing if the packet must be dropped.
std::optional<Ecn> decapsulated_ecn(Ecn inner, Ecn outer);

// Applies it to the inner header, with its checksum. False if the packet must be dropped.
bool decapsulate_ecn(std::uint8_t* packet, InnerPacket& inner, std::uint8_t outer_traffic_class);

}  // namespace cygnet::esp
