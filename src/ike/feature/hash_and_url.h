// Certificates as hash and URL, RFC 7296 §3.6.
#pragma once

#include <span>

#include "ike/context.h"

namespace cygnet::ike {

// Whether we say, beside our CERTREQ, that we look up what http URLs name (HTTP_CERT_LOOKUP_SUPPORTED).
bool looks_up_urls(const model::Connection& connection);

// Our chain as CERT payloads: where the peer looks certificates up and their authority has a place for them
// (authorities.<name>.cert_uri_base), as hash and URL.
void add_certificate_payloads(Context& context, std::span<const crypto::Certificate> chain, wire::MessageBuilder& message);

// What a CERT payload of encoding 12 says; nothing when the connection does not allow it, or it names no http URL.
std::optional<crypto::HashAndUrl> read_hash_and_url(const model::Connection& connection, const wire::CertPayload& payload);

}  // namespace cygnet::ike
