// Whether an inner packet may come in through a child (RFC 4301 §5.2 step 4, §6.2).
#pragma once

#include "esp/child.h"
#include "esp/drop.h"

namespace cygnet::esp {

Drop check_icmp_error(const Child& child, const std::uint8_t* packet, const InnerPacket& inner, bool within_selectors);

inline Drop check_selectors(const Child& child, const std::uint8_t* packet, const InnerPacket& inner) {
    const bool within = child.accepts_inbound(inner);
    if (within && child.icmp_errors != model::IcmpErrors::checked) return Drop::none;
    return check_icmp_error(child, packet, inner, within);
}

}  // namespace cygnet::esp
