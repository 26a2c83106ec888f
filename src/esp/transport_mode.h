// Transport mode, RFC 4303 §3.1.1: ESP covers what follows the IP header, which travels in the clear as the outer one.
// Packets between the two ends of the path alone. BEET mode (draft-nikander-esp-beet-mode) is the same but for the addresses,
// which the SA knows: the outer header has those of the path, of another family perhaps.
#pragma once

#include <cstdint>
#include <optional>

#include "esp/decapsulate.h"

namespace cygnet::esp {

inline constexpr std::size_t transport_header_max = 40;  // octets of the IP header that rebuild() writes

// Outbound: where in the packet the covered part begins. Nothing for what cannot travel so: fragments (§3.3.4) and
// headers that the outer one cannot repeat.
std::optional<std::size_t> transport_payload(const InnerPacket& packet);

// Inbound: the packet as it was, with the header that its outer one stood for, into `room`: payload_size +
// transport_header_max octets. Checksums of TCP and UDP that a NAT has made wrong are mended (RFC 3948 §3.1.2). Then
// the selectors are checked.
Drop rebuild(const Child& child, const InboundPacket& packet, std::uint8_t* room, InnerPacket& inner);

}  // namespace cygnet::esp
