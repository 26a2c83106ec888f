// "Packet too big", to the inner sender of what the path of its SA does not take (RFC 4301 §8.2.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/instant.h"
#include "esp/inner_packet.h"

namespace cygnet::dataplane {

// RFC 1812 §4.3.2.3 and RFC 4443 §2.4: an error is at most as long as every path takes.
inline constexpr std::size_t too_big_octets_max = 1280;
using TooBigMessage = std::array<std::uint8_t, too_big_octets_max>;

// The ICMP message (RFC 792 with RFC 1191, RFC 4443 §3.2), as if it came from the packet's destination: that is
// where the way back leads. Returns its octets; 0 if such a packet must not be answered.
std::size_t write_too_big(const std::uint8_t* packet, const esp::InnerPacket& inner, std::size_t mtu,
                          TooBigMessage& message);

// RFC 4443 §2.4 (f): so many a second, and a few at once.
class IcmpBudget {
public:
    bool take(Instant now);

private:
    Instant second_{};
    unsigned left_ = 0;
};

}  // namespace cygnet::dataplane
