// Numbers of private use (RFC 7296 §3.12): who configures a method that has no other number says by Vendor ID that it knows
// ours, in the first message, and a responder that may need them answers with the same. To others they are never chosen.
#include "ike/private_numbers.h"

#include <algorithm>

#include "ike/feature/feature.h"
#include "ike/match.h"
#include "model/assigned_numbers.h"

namespace cygnet::ike {
namespace {

ByteView vendor_id() {
    const std::string_view text = model::private_vendor_id();
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

bool is_private(const model::Transform& transform) {
    return (transform.type == model::TransformType::ke || model::is_additional_ke(transform.type)) &&
           model::is_private_use(static_cast<model::Ke>(transform.id));
}

bool has_private(const std::vector<model::Proposal>& proposals) {
    return std::ranges::any_of(proposals, [](const model::Proposal& proposal) { return std::ranges::any_of(proposal.transforms, is_private); });
}

// A responder does not know yet which connection the peer means.
bool says_so(const Context& context) {
    const IkeSa& sa = context.sa;
    if (sa.initiator) return needs_our_numbers(*sa.connection);
    if (!sa.peer_can.cygnet_numbers) return false;
    return std::ranges::any_of(connections_for(*context.core.config, sa.path), [](const auto& each) { return needs_our_numbers(*each); });
}

void offer(Context& context, wire::MessageBuilder& message) {
    if (says_so(context)) message.add(wire::VendorIdPayload{vendor_id()});
}

void accept(Context& context, const Received& received) {
    context.sa.peer_can.cygnet_numbers = knows_our_numbers(received.message);
    const auto* offer = received.message.find<wire::SaPayload>();
    if (!context.sa.peer_can.cygnet_numbers && !context.sa.initiator && offer != nullptr && has_private(offer->proposals))
        context.count(model::Counter::private_number_ignored);
}

}  // namespace

bool knows_our_numbers(const wire::Message& message) {
    return std::ranges::any_of(message.payloads, [](const wire::Payload& payload) {
        const auto* vendor = std::get_if<wire::VendorIdPayload>(&payload);
        return vendor != nullptr && std::ranges::equal(vendor->data, vendor_id());
    });
}

bool needs_our_numbers(const model::Connection& connection) {
    return has_private(connection.proposals) ||
           std::ranges::any_of(connection.children, [](const model::ChildConfig& child) { return has_private(child.esp_proposals); });
}

model::KeyExchangePolicy key_exchange_policy(const IkeSa& sa) {
    return {.post_quantum = sa.connection->post_quantum, .private_numbers = sa.peer_can.cygnet_numbers};
}

constexpr Feature private_numbers{
    .name = "numbers of private use",
    .rfc = "RFC 7296 §3.12",
    .offer = offer,
    .accept = accept,
};

}  // namespace cygnet::ike
