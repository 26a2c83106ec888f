// IKE SAs and children as operators see them.
#pragma once

#include "ike/sa.h"

namespace cygnet::ike {

model::IkeStatus ike_status(const IkeSa& sa, Instant now);
model::ChildStatus child_status(const Child& child, Instant now);

}  // namespace cygnet::ike
