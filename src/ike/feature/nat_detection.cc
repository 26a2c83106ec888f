// RFC 7296 §2.23: finds out who is behind NAT; then IKE moves to the NAT-T port and ESP into UDP.
#include "ike/feature/feature.h"
#include "ike/nat.h"

namespace cygnet::ike {
namespace {

void offer(Context& context, wire::MessageBuilder& message) {
    add_nat_detection(context, message, context.sa.answer_path());
}

void accept(Context& context, const Received& received) {
    IkeSa& sa = context.sa;
    const auto found = find_nats(received);
    if (!found) return;  // A peer without NAT traversal.
    sa.nat_traversal = true;
    sa.nat_local = found->local;
    sa.nat_remote = found->remote;
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
