#include "ike/feature/cloning.h"

#include "ike/feature/feature.h"

namespace cygnet::ike {
namespace {

using model::NotifyType;

void auth_offer(Context& context, wire::MessageBuilder& message) {
    // §5.1: in the first message of the initiator and in the last of the responder.
    if (context.sa.initiator || context.sa.peer_can.clone)
        message.notify(NotifyType::clone_ike_sa_supported);
}

Result<> auth_accept(Context& context, const Received& received) {
    if (received.message.notify(NotifyType::clone_ike_sa_supported) != nullptr) context.sa.peer_can.clone = true;
    return {};
}

}  // namespace

Result<> may_clone(const Context& context) {
    IkeSa& sa = context.sa;
    // §5.1: otherwise the IKE SA MUST NOT be cloned.
    if (!sa.peer_can.clone)
        return refuse(NotifyType::no_additional_sas, Errc::unsupported, "clone",
                      "cloning (RFC 7791) was not negotiated for " + sa.name());
    // §5.3: a permanent condition, until some of them are deleted.
    if (context.core.established_between(sa.own_id, sa.peer_id).size() >= model::limits::ike_sas_per_cloning_peer)
        return refuse(NotifyType::no_additional_sas, Errc::limit, "clone",
                      "there are as many IKE SAs with this peer as there may be");
    return {};
}

constexpr Feature cloning{
    .name = "cloning",
    .rfc = "RFC 7791",
    .auth_offer = auth_offer,
    .auth_accept = auth_accept,
};

}  // namespace cygnet::ike
