// IKE_AUTH, RFC 7296 §1.2: both sides prove who they are, and the first child is made.
#pragma once

#include "ike/exchange/rows.h"

namespace cygnet::ike {

Result<Next> begin_ike_auth(Context& context);

// The data of CERTREQ: the CAs whose certificates we accept from this connection's peers; empty: nothing to ask for.
Bytes certificate_request(const model::Connection& connection, const Credentials& credentials);

std::span<const ExchangeRow> ike_auth_initiator_rows();
std::span<const ExchangeRow> ike_auth_responder_rows();

}  // namespace cygnet::ike
