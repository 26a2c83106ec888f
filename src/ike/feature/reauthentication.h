// Reauthentication, make before break: a new IKE SA with the same children comes up beside the old one, which is deleted
// only then. RFC 7296 §2.8.3, RFC 4478.
//
//   we authenticated first:  reauth_time or the peer's AUTH_LIFETIME ─► new IKE SA ─► its children ─► Delete old
//   the peer did:            AUTH_LIFETIME tells it when ─► it does the above ─► or we delete the SA when time is up
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// Timer::reauth has passed, or an operator wants it. A peer that authenticated first is asked to do it now.
void reauthenticate(Context& context, const std::optional<CommandId>& command);

// The SA is lost, and comes back by itself. One that was to take over from it brings its children along, if the peer has
// authenticated it (true); else it is given up, for one attempt is enough, and `command` is what had waited for it.
bool leave_to_successor(Context& context, std::optional<CommandId>& command);

// Timer::authentication_end has passed.
void end_authentication(Context& context);

}  // namespace cygnet::ike
