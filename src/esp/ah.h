// AH packets (RFC 4302): what lies around the payload, and what of it the ICV covers. Whole IP packets, because the ICV covers
// their headers too.
//
//   IP header, options or extension headers │ next header, length, reserved │ SPI │ sequence │ ICV, padding │ payload
//                                           at                                               at + 12        at + size
#pragma once

#include <optional>

#include "esp/child.h"
#include "esp/drop.h"

namespace cygnet::esp {

inline constexpr std::size_t ah_fixed_size = 12;

// RFC 4302 §2.2, §3.3.3.2.1: a multiple of 4 octets, in IPv6 of 8.
std::size_t ah_size(const crypto::MacShape& shape, model::Family outer);

// Where an AH header lies in an IP packet.
struct AhPlace {
    std::size_t at = 0;       // its offset
    std::size_t next_at = 0;  // of the octet before it that says so: a protocol or next-header field
    std::size_t size = 0;     // of the header with the ICV
    std::uint32_t spi = 0;
    model::Family family{};
};
// Nothing if there is none, if a length is wrong, or if an IPv6 extension header comes before it that we do not know (§3.3.3.1.2.3).
std::optional<AhPlace> find_ah(ByteView packet);

// Makes zero of what may change on the way (§3.3.3.1, Appendix A), in the `headers` before an AH. False if they are malformed.
bool zero_mutable_fields(MutableByteView headers, model::Family family);

// What goes out: `packet` is the IP packet that is to be sent, with `place` filled in and room for the AH header; header, ICV
// and sequence number are written. False when the SA has no sequence numbers left (counted).
bool seal_ah(SaRuntime& sa, MutableByteView packet, const AhPlace& place, std::uint8_t next_header, std::size_t inner_size, Instant now);

// What comes in, of the child that the SPI names. With Drop::none the inner packet is at `inner_at` of the packet, which
// was changed in transport mode: its IP header stands right before the payload.
struct OpenedAh {
    Drop drop = Drop::none;
    bool authentic = false;
    std::size_t inner_at = 0;
    InnerPacket inner{};
};
OpenedAh open_ah(const Child& child, MutableByteView packet, const AhPlace& place, Instant now);

}  // namespace cygnet::esp
