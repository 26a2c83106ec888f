// IKE_AUTH, RFC 7296 §1.2: both sides prove who they are, and the first child is made.
#pragma once

#include "ike/exchange/rows.h"

namespace cygnet::ike {

Result<Next> begin_ike_auth(Context& context);

// CERTREQ payloads: the CAs whose certificates we accept from this connection's peers, and whether we take raw keys.
void add_certificate_requests(const model::Connection& connection, const Credentials& credentials,
                              wire::MessageBuilder& message);

std::span<const ExchangeRow> ike_auth_initiator_rows();
std::span<const ExchangeRow> ike_auth_responder_rows();

}  // namespace cygnet::ike
