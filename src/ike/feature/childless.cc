#include "ike/feature/childless.h"

#include "ike/feature/feature.h"

namespace cygnet::ike {
namespace {

using model::Childless;
using model::NotifyType;

// Of the handshake.
struct State {
    bool offered = false;   // by us, as responder
    bool possible = false;  // at the peer, which is the responder
};

// §3: only the responder says it, in its answer. §4: the protocol ID is that of IKE.
void offer(Context& context, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    if (sa.initiator || sa.connection->childless == Childless::never) return;
    message.add(wire::NotifyPayload{.protocol = model::Protocol::ike,
                                    .message_type = NotifyType::childless_ikev2_supported,
                                    .spi = {},
                                    .data = {}});
    sa.handshake().features.of<State>().offered = true;
}

void accept(Context& context, const Received& received) {
    if (context.sa.initiator && received.message.notify(NotifyType::childless_ikev2_supported) != nullptr)
        context.sa.handshake().features.of<State>().possible = true;
}

}  // namespace

bool offers_childless(const IkeSa& sa) {
    const State* state = sa.handshake().features.find<State>();
    return state != nullptr && state->offered;
}

Result<const model::ChildConfig*> child_of_ike_auth(const IkeSa& sa) {
    const model::Connection& connection = *sa.connection;
    const State* state = sa.handshake().features.find<State>();
    const bool possible = state != nullptr && state->possible && connection.childless != Childless::never;
    // RFC 6023 §3: never to a peer that did not say so.
    if (connection.childless == Childless::force && !possible)
        return end_sa(NotifyType::none, Errc::unsupported, "childless",
                      "the peer does not know IKE SAs without a child (RFC 6023), which childless = force demands");
    const std::string child = sa.intent ? sa.intent->child : std::string();
    const bool wanted = connection.childless == Childless::force || connection.childless == Childless::prefer ||
                        child.empty();
    if (possible && wanted) return nullptr;
    return child.empty() ? connection.first_child() : connection.child(child);
}

constexpr Feature childless{
    .name = "childless",
    .rfc = "RFC 6023",
    .offer = offer,
    .accept = accept,
};

}  // namespace cygnet::ike
