// Traffic selectors as the kernel has them: prefixes instead of ranges, masks instead of port ranges.
#pragma once

#include <vector>

#include "base/result.h"
#include "dataplane/xfrm/values.h"
#include "model/limits.h"
#include "model/sa_spec.h"
#include "model/selector.h"

namespace cygnet::dataplane::xfrm {

// What leaves through a child with these selectors, as lines of the kernel's SPD. Errors: limit, when there are too many;
// unsupported, when the kernel cannot say it (OPAQUE ports).
Result<std::vector<Selector>> selectors_of(const model::TrafficSelectors& local, const model::TrafficSelectors& remote,
                                           std::size_t limit = model::limits::kernel_policies_per_child);

Selector reversed(const Selector& selector);

// The fewest values with masks that cover a range of ports.
std::vector<MaskedPort> masks_of(std::uint16_t first, std::uint16_t last);

// The kernel takes the policy of the lowest number; the order is that of our own policy table: the longest prefix of the remote
// address, then ports, then a protocol, then the longest prefix of the local address.
std::uint32_t priority_of(const Selector& outbound);

// A packet's two ends as an acquire shows them.
model::PacketEnds ends_of(const Selector& flow);

}  // namespace cygnet::dataplane::xfrm
