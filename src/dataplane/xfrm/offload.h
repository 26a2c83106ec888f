// Which network card takes over ESP.
#pragma once

#include <optional>

#include "dataplane/xfrm/values.h"
#include "model/config.h"

namespace cygnet::dataplane::xfrm {

// The index of the device that has an address of this host; 0: none.
unsigned device_of(const model::IpAddress& local);

// What is asked of `device`; nothing when nothing is.
std::optional<Offload> offload_of(model::HwOffload wish, unsigned device, bool inbound);

}  // namespace cygnet::dataplane::xfrm
