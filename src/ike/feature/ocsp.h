// OCSP in IKE, RFC 4806.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// Beside our CERTREQ: asks for an OCSP response about the peer's certificate, where the connection says so.
void add_ocsp_request(const model::Connection& connection, wire::MessageBuilder& message);
// Beside our certificates: the OCSP response that the peer asked for, if one could be had.
void add_ocsp_response(Context& context, wire::MessageBuilder& message);

}  // namespace cygnet::ike
