// CREATE_CHILD_SA: more children, rekeys of children and of the IKE SA, with the IKE_FOLLOWUP_KE exchanges that
// belong to it. RFC 7296 §1.3, §2.25; RFC 9370 §2.2.4. What follows from the outcome is in ike/rekey.h.
#pragma once

#include "ike/exchange/rows.h"

namespace cygnet::ike {

// Begin an exchange of our own.
Result<Next> begin_create_child(Context& context, const CreateChildTask& task);
Result<Next> begin_rekey_child(Context& context, const RekeyChildTask& task);
Result<Next> begin_rekey_ike(Context& context, const RekeyIkeTask& task);

// The request for `sa.own`'s CreatingSa failed in a way that may pass: the same task again after a pause, unless it was
// tried too often. Also for IKE_FOLLOWUP_KE.
Next retry_later(Context& context, const std::string& reason);
// … or in a way that will not.
Next give_up(Context& context, const std::string& reason);
Next give_up(Context& context, const Explanation& why);
// … because the peer said so in its answer.
Next refused_for_good(Context& context, const wire::Message& answer);
// The task of an exchange that was to make a child and has not, to begin again.
CreateChildTask create_again(const CreatingSa& exchange, std::optional<CommandId> command, unsigned attempts = 0);
// RFC 7296 §2.25: the child to rekey does not exist at the peer; so it ends here too, and a new one is made unless the peer
// has replaced it.
Next child_not_found(Context& context);

std::span<const ExchangeRow> create_child_sa_rows();

}  // namespace cygnet::ike
