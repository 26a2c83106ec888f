#include "esp/selector_check.h"

#include "esp/icmp_error.h"

namespace cygnet::esp {

// RFC 4301 §6.2: an error from outside the selectors is accepted if it is about a packet that went through this child; and a
// router within them cannot speak about the connections of others, where the configuration says so.
Drop check_icmp_error(const Child& child, const std::uint8_t* packet, const InnerPacket& inner, bool within_selectors) {
    const Drop refusal = within_selectors ? Drop::icmp_mismatch : Drop::selector_mismatch;
    if (child.icmp_errors == model::IcmpErrors::no) return refusal;
    const auto about = quoted_packet(packet, inner);
    return about && child.accepts_inbound(*about) ? Drop::none : refusal;
}

}  // namespace cygnet::esp
