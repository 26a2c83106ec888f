// IKE_SA_INIT, RFC 7296 §1.2 and §2.6: the first exchange, in the clear.
#pragma once

#include "ike/exchange/rows.h"

namespace cygnet::ike {

// Initiator: the first key pair, then the request. sa.connection, path and intent are set.
Result<Next> begin_ike_sa_init(Context& context);

// Responder: judges a request from a stranger, whom the caller has asked for a cookie if there is need. Makes an SA only for
// what is acceptable; the answer follows when the job is done.
void receive_ike_sa_init_request(Core& core, const Received& request, Standing standing, Instant now, Effects& effects);

// Initiator, with keys: the exchanges that features insert, then IKE_AUTH.
Result<Next> continue_handshake(Context& context);

std::span<const ExchangeRow> ike_sa_init_rows();

}  // namespace cygnet::ike
