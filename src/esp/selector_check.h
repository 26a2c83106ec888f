// Whether an inner packet may come in through a child (RFC 4301 §5.2 step 4, §6.2).
#pragma once

#include "esp/child.h"
#include "esp/drop.h"
#include "esp/icmp_error.h"

namespace cygnet::esp {

Drop check_icmp_error(const Child& child, const std::uint8_t* packet, const InnerPacket& inner, bool within_selectors);

// For the packets of one batch, which stay where they are. Most are of one flow: what has the ends of a packet that the selectors
// let in comes in without another look.
class SelectorCheck {
public:
    explicit SelectorCheck(const Child& child) : child_(child) {}

    Drop check(const std::uint8_t* packet, const InnerPacket& inner) {
        if (let_in_ != nullptr && have_same_ends(*let_in_, inner)) return Drop::none;
        const bool within = child_.accepts_inbound(inner);
        if (!within || (child_.icmp_errors == model::IcmpErrors::checked && is_icmp_error(inner)))
            return check_icmp_error(child_, packet, inner, within);
        let_in_ = &inner;
        return Drop::none;
    }

private:
    const Child& child_;
    const InnerPacket* let_in_ = nullptr;  // by the selectors, not for what it quotes
};

inline Drop check_selectors(const Child& child, const std::uint8_t* packet, const InnerPacket& inner) {
    return SelectorCheck(child).check(packet, inner);
}

}  // namespace cygnet::esp
