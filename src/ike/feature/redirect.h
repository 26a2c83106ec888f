// RFC 5685: a gateway sends its peers to another one, in IKE_SA_INIT, in IKE_AUTH or later.
#pragma once

#include "ike/core.h"

namespace cygnet::ike {

// All peers whose established SAs match are sent to another gateway (§5).
void run_command(Core& core, const Redirect& command, Instant now, Effects& effects);
// The driver has looked up the way to the gateway that we were sent to.
void go_to_gateway(Core& core, GatewayFound found, Instant now, Effects& effects);

}  // namespace cygnet::ike
