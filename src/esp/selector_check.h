// Whether an inner packet may come in through a child (RFC 4301 §5.2 step 4, §6.2).
#pragma once

#include "esp/child.h"
#include "esp/drop.h"
#include "esp/icmp_error.h"
#include "esp/last_packet.h"

namespace cygnet::esp {

Drop check_icmp_error(const Child& child, const std::uint8_t* packet, const InnerPacket& inner, bool within_selectors);

// For the packets of one batch. Most are of one flow: what begins as a packet that the selectors let in comes in without another
// look.
class SelectorCheck {
public:
    explicit SelectorCheck(const Child& child) : child_(child) {}

    // Whether the last packet that was let in tells what this one is, and that it comes in.
    bool lets_in(const std::uint8_t* packet, std::size_t available, InnerPacket& inner) const {
        return let_in_.tells(packet, available, inner);
    }
    // Of a packet that was parsed.
    Drop check(const std::uint8_t* packet, const InnerPacket& inner) {
        const bool within = child_.accepts_inbound(inner);
        if (!within || (child_.icmp_errors == model::IcmpErrors::checked && is_icmp_error(inner)))
            return check_icmp_error(child_, packet, inner, within);
        let_in_.remember(packet, inner);
        return Drop::none;
    }

private:
    const Child& child_;
    LastPacket let_in_;  // by the selectors, not for what it quotes
};

inline Drop check_selectors(const Child& child, const std::uint8_t* packet, const InnerPacket& inner) {
    return SelectorCheck(child).check(packet, inner);
}

}  // namespace cygnet::esp
