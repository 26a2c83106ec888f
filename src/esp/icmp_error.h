// ICMP errors that travel through a tunnel: they are about a packet of the other direction, whose header they quote
// (RFC 4301 §6.2).
#pragma once

#include <optional>

#include "esp/inner_packet.h"

namespace cygnet::esp {

bool is_icmp_error(const InnerPacket& packet);

// The packet that an ICMP error is about, with its two ends exchanged: a packet that travels the way of the error.
// Nothing if it is no error, or quotes too little to tell.
std::optional<InnerPacket> quoted_packet(const std::uint8_t* packet, const InnerPacket& error);

}  // namespace cygnet::esp
