// PPKs of CREATE_CHILD_SA exchanges (RFC 9867): fresh ones for what is made or rekeyed.
#pragma once

#include "ike/ppk.h"

namespace cygnet::ike {

// ---- our exchange
bool offers_ppks(const IkeSa& sa);
void add_ppk_offers(const IkeSa& sa, const CreatingSa& exchange, wire::MessageBuilder& message);
// Which one the answer agrees to, if any. Errors: one that was not offered ends the IKE SA; none where one is demanded leaves
// a child that we do not want.
Result<> take_chosen_ppk(Context& context, CreatingSa& exchange, const wire::Message& answer);
Explanation why_ppk_missing(const IkeSa& sa);

// ---- the peer's
bool demands_ppk(const IkeSa& sa);
std::unexpected<Error> refuse_without_ppk(Context& context);
// Calls `resume` with the PPK for what the request makes, or with none.
Result<Next> search_ppk(Context& context, const wire::Message& request, Resume resume);

// ---- either
// SK_d, mixed with the PPK if there is one: what the new keys come from.
SecretBytes sk_d_for(const IkeSa& sa, const NewSa& made);

}  // namespace cygnet::ike
