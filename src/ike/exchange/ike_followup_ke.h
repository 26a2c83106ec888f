// IKE_FOLLOWUP_KE, RFC 9370 §2.2.4: additional key exchanges after CREATE_CHILD_SA, one exchange each, tied
// together by the opaque link that the responder chooses.
#pragma once

#include "ike/exchange/rows.h"

namespace cygnet::ike {

// Our own exchange in `sa.own` has one more shared secret (or needed none): the next key exchange, or the end.
Result<Next> continue_with_followups(Context& context);

// The answer to the peer's exchange is in `builder`: sends it, after installing what was made, or with the link for the
// exchange that must follow.
Result<Next> answer_or_await_followup(Context& context, NewSa made, wire::MessageBuilder& builder,
                                      model::ExchangeType exchange);

// The peer's next IKE_FOLLOWUP_KE did not come in time.
void drop_followup_series(Context& context);

std::span<const ExchangeRow> ike_followup_ke_rows();

}  // namespace cygnet::ike
