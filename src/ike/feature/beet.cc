// BEET mode (draft-nikander-esp-beet-mode). The RFCs have no notification for it, so it travels as one of private use,
// strongSwan's, which means that to peers that name themselves strongSwan by Vendor ID (RFC 7296 §3.10.1, §3.12). Who has a
// child in this mode says the same of itself: it knows these numbers. The negotiation itself is in child.cc.
#include <algorithm>

#include "ike/feature/feature.h"
#include "ike/match.h"

namespace cygnet::ike {
namespace {

// MD5 of "strongSwan".
constexpr std::uint8_t strongswan[] = {0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc, 0x22, 0x51, 0x61, 0x3b, 0x2e, 0xbe, 0x5b, 0xeb};

bool has_beet(const model::Connection& connection) {
    return std::ranges::any_of(connection.children, [](const model::ChildConfig& child) { return child.mode == model::ChildMode::beet; });
}

// A responder says it to those who said it, and does not know yet which connection they mean.
bool says_so(const Context& context) {
    const IkeSa& sa = context.sa;
    if (sa.initiator) return has_beet(*sa.connection);
    return sa.peer_can.strongswan_numbers &&
           std::ranges::any_of(connections_for(*context.core.config, sa.path), [](const auto& connection) { return has_beet(*connection); });
}

void offer(Context& context, wire::MessageBuilder& message) {
    if (says_so(context)) message.add(wire::VendorIdPayload{strongswan});
}

void accept(Context& context, const Received& received) {
    for (const wire::Payload& payload : received.message.payloads)
        if (const auto* vendor = std::get_if<wire::VendorIdPayload>(&payload))
            context.sa.peer_can.strongswan_numbers |= std::ranges::equal(vendor->data, strongswan);
}

}  // namespace

constexpr Feature beet{
    .name = "BEET mode",
    .rfc = "draft-nikander-esp-beet-mode",
    .offer = offer,
    .accept = accept,
};

}  // namespace cygnet::ike
