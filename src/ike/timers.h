// What happens when a deadline of an SA has passed: retransmission and giving up, liveness,
// keepalives, lifetimes.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

void run_deadlines(Context& context);

// A new attempt at the connection, toward the peer's configured port: after a loss (dpd_action, close_action,
// keyingtries) or on command.
IkeSa& initiate(Core& core, std::shared_ptr<const model::Connection> connection, const model::Path& path, Intent intent,
                Instant now, Effects& effects);

// Where a fresh attempt at the SA's connection goes: NAT traversal starts over, and UDP comes before TCP.
model::Path fresh_path(const Context& context);
// The peer does not answer, or its TCP port cannot be reached: another attempt, as far as the connection allows, or the end.
void give_up_on_peer(Context& context, const Explanation& why);
// The same attempt anew, with an SA of its own: our request came to nothing, but the peer may yet be there.
Next begin_again(Context& context, const Explanation& why);

// Ends the SA; children whose configuration says `start` come back with a new one: after a loss (dpd_action) or when the
// peer deleted them (close_action).
Next close_and_revive(Context& context, const Explanation& why, model::Action model::ChildConfig::* action);

}  // namespace cygnet::ike
