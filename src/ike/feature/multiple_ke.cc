// RFC 9370: additional key exchanges, in IKE_INTERMEDIATE exchanges (RFC 9242) before IKE_AUTH.
#include <algorithm>

#include "ike/exchange/ike_intermediate.h"
#include "ike/feature/auth_announcements.h"
#include "ike/feature/feature.h"
#include "ike/feature/ppk.h"
#include "ike/key_transfer.h"
#include "ike/ppk.h"

namespace cygnet::ike {
namespace {

bool offers_additional(const IkeSa& sa) {
    const auto* init = sa.own.find<InitiatingSaInit>();
    if (init == nullptr) return false;
    return std::ranges::any_of(init->proposals, [](const model::Proposal& proposal) {
        return std::ranges::any_of(proposal.transforms, [](const model::Transform& transform) {
            return model::is_additional_ke(transform.type);
        });
    });
}

std::size_t rounds_left(IkeSa& sa) { return sa.proposal->additional.size() - sa.handshake().additional_done; }

// §2.2.1: whoever offers or accepts additional key exchanges must announce IKE_INTERMEDIATE. RFC 9867: PPKs likewise, and RFC
// 9593: for the responder's list of what it accepts.
void offer(Context& context, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    const bool needed = sa.initiator ? offers_additional(sa) || (sa.own.holds<InitiatingSaInit>() &&
                                                                 (offers_ppk_intermediate(sa) || takes_late_announcements(sa)))
                                     : rounds_left(sa) != 0 || agreed_ppk_intermediate(sa);
    if (needed) message.notify(model::NotifyType::intermediate_exchange_supported);
}

void accept(Context& context, const Received& received) {
    context.sa.handshake().intermediate_supported =
        received.message.notify(model::NotifyType::intermediate_exchange_supported) != nullptr;
}

std::optional<Result<Next>> next_exchange(Context& context) {
    const bool for_ppk = agreed_ppk_intermediate(context.sa) && !ppk_negotiation(context.sa).settled;
    if (rounds_left(context.sa) == 0 && !for_ppk) return std::nullopt;
    return begin_ike_intermediate(context);
}

// RFC 9242 §3.2: every round must be complete before IKE_AUTH.
Result<> ready_for_auth(Context& context) {
    if (rounds_left(context.sa) == 0) return {};
    context.count(context.sa.handshake().pieces ? model::Counter::key_piece_missing : model::Counter::round_refused);
    return end_sa(model::NotifyType::invalid_syntax, Errc::state, "IKE_AUTH",
                  "it came before the negotiated IKE_INTERMEDIATE exchanges were complete");
}

// What came of a request that carried a piece of a public value: how large the next may be, and when it is sent again.
void answer_came(Context& context, const model::Path&) { note_piece_answered(context); }

}  // namespace

constexpr Feature multiple_ke{
    .name = "multiple key exchanges",
    .rfc = "RFC 9370",
    .offer = offer,
    .accept = accept,
    .next_exchange = next_exchange,
    .ready_for_auth = ready_for_auth,
    .answer_came = answer_came,
};

}  // namespace cygnet::ike
