// RFC 7383: large protected messages in several datagrams.
#include "ike/feature/feature.h"

namespace cygnet::ike {
namespace {

bool announced(const IkeSa& sa) { return sa.connection->fragmentation != model::Fragmentation::no; }

void offer(Context& context, wire::MessageBuilder& message) {
    if (announced(context.sa)) message.notify(model::NotifyType::ikev2_fragmentation_supported);
}

// §2.3: only when both said so. fragmentation = accept takes fragments but sends none.
void accept(Context& context, const Received& received) {
    IkeSa& sa = context.sa;
    const bool both =
        announced(sa) && received.message.notify(model::NotifyType::ikev2_fragmentation_supported) != nullptr;
    sa.accepts_fragments = both;
    sa.sends_fragments = both && sa.connection->fragmentation == model::Fragmentation::yes;
}

}  // namespace

constexpr Feature fragmentation{
    .name = "fragmentation",
    .rfc = "RFC 7383",
    .offer = offer,
    .accept = accept,
};

}  // namespace cygnet::ike
