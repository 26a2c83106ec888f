// RFC 7791: a second IKE SA out of the first, for instance one for each path between two hosts. It comes from a rekey after which
// the old IKE SA stays, with its children.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// Whether the IKE SA may be cloned now; the error carries the notification for a peer that asks.
Result<> may_clone(const Context& context);

}  // namespace cygnet::ike
