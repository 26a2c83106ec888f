// IKE_AUTH, RFC 7296 §1.2: both sides prove who they are, and the first child is made.
#pragma once

#include "ike/exchange/rows.h"

namespace cygnet::ike {

Result<Next> begin_ike_auth(Context& context);

// CERTREQ payloads: the CAs whose certificates we accept from the peers of these connections, any of which may be meant, and
// whether we take raw keys. Returns those CAs, in their order.
std::vector<Bytes> add_certificate_requests(std::span<const std::shared_ptr<const model::Connection>> connections,
                                            const Credentials& credentials, wire::MessageBuilder& message);

std::span<const ExchangeRow> ike_auth_initiator_rows();
std::span<const ExchangeRow> ike_auth_responder_rows();

}  // namespace cygnet::ike
