// The first keys of an IKE SA, RFC 7296 §2.14. A responder computes them when the first message arrives that they protect:
// whoever only floods with IKE_SA_INIT costs no shared secret (RFC 8019 §3), and whoever sends garbage afterwards costs one.
#pragma once

#include "ike/feature/feature.h"

namespace cygnet::ike {

// The handshake goes on under their protection.
Result<> take_first_keys(Context& context, const SecretBytes& shared_secret);

// Responder: what all features think of a datagram that needs keys.
Worth worth_of_keys(Context& context, ByteView datagram);
// Responder: this datagram needs keys, so it waits for them. The first one that is worth it starts their computation; false
// when there is no room for it.
bool await_first_keys(Context& context, const Datagram& datagram, Worth worth);

}  // namespace cygnet::ike
