// RFC 7296 §2.23: finds out who is behind NAT; then IKE moves to the NAT-T port and ESP into UDP.
#include "ike/feature/feature.h"
#include "ike/nat.h"

namespace cygnet::ike {
namespace {

void offer(Context& context, wire::MessageBuilder& message) {
    const IkeSa& sa = context.sa;
    NatHash source = nat_detection_hash(sa.spis, sa.answer_path.local);
    // encap = yes: a hash that cannot match makes the peer believe in a NAT.
    if (sa.connection->encap && !sa.answer_path.tcp()) context.core.rng.fill(source);
    message.notify(model::NotifyType::nat_detection_source_ip, source);
    message.notify(model::NotifyType::nat_detection_destination_ip, nat_detection_hash(sa.spis, sa.answer_path.remote));
}

bool any_equals(const std::vector<const wire::NotifyPayload*>& hashes, const NatHash& expected) {
    for (const wire::NotifyPayload* hash : hashes)
        if (equal(hash->data, expected)) return true;
    return false;
}

// The initiator moves after the answer; the responder follows wherever requests come from.
void move_to_nat_port(Context& context) {
    model::Path& path = context.sa.path;
    if (path.local.port != context.core.settings.port) return;
    path.local.port = context.core.settings.nat_port;
    if (path.remote.port == context.core.settings.port) path.remote.port = context.core.settings.nat_port;
    context.sa.answer_path = path;
}

void accept(Context& context, const Received& received) {
    IkeSa& sa = context.sa;
    const auto sources = received.message.notifies(model::NotifyType::nat_detection_source_ip);
    const auto destinations = received.message.notifies(model::NotifyType::nat_detection_destination_ip);
    if (sources.empty() || destinations.empty()) return;  // A peer without NAT traversal.
    const wire::Header& header = received.message.header;
    const Spis spis{.initiator = header.spi_i, .responder = header.spi_r};
    sa.nat_remote = !any_equals(sources, nat_detection_hash(spis, received.path.remote));
    sa.nat_local = !any_equals(destinations, nat_detection_hash(spis, received.path.local));
    // RFC 9329 §6.5: a NAT changes nothing about the form of what goes through TCP.
    sa.udp_encapsulation = !received.path.tcp() && (sa.nat_local || sa.nat_remote || sa.connection->encap);
    if (sa.initiator && sa.udp_encapsulation) move_to_nat_port(context);
}

}  // namespace

constexpr Feature nat_detection{
    .name = "NAT detection",
    .rfc = "RFC 7296 §2.23",
    .offer = offer,
    .accept = accept,
};

}  // namespace cygnet::ike
