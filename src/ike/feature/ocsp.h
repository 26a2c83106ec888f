// OCSP in IKE, RFC 4806.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// Whether we ask, beside our CERTREQ, for an OCSP response about the peer's certificate.
bool asks_for_ocsp(const model::Connection& connection);
// Beside our certificates: the OCSP response that the peer asked for, if one could be had.
void add_ocsp_response(Context& context, wire::MessageBuilder& message);

}  // namespace cygnet::ike
