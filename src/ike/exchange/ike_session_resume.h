// IKE_SESSION_RESUME, RFC 5723 §4.3.2: in place of IKE_SA_INIT, without a key exchange.
//
//   HDR, [N(COOKIE),] Ni, N(TICKET_OPAQUE) [,N+]  ──►
//                                                 ◄──  HDR, Nr [,N+]    or N(TICKET_NACK), or N(COOKIE)
#pragma once

#include "ike/exchange/rows.h"
#include "ike/ticket.h"

namespace cygnet::ike {

// Initiator: presents a ticket whose state says who both are and which keys they had.
Result<Next> begin_ike_session_resume(Context& context, const StoredTicket& ticket);

// Responder: judges the ticket of a stranger, like receive_ike_sa_init_request().
void receive_ike_session_resume_request(Core& core, const Received& request, Standing standing, Instant now,
                                        Effects& effects);

std::span<const ExchangeRow> ike_session_resume_rows();

}  // namespace cygnet::ike
