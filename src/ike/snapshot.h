// IKE SAs and children as operators see them.
#pragma once

#include "ike/sa.h"

namespace cygnet::ike {

// When the SA was established; nothing if it never was.
std::optional<Instant> established_since(const IkeSa& sa);
model::IkeStatus ike_status(const IkeSa& sa, Instant now);
model::ChildStatus child_status(const Child& child, Instant now);

}  // namespace cygnet::ike
