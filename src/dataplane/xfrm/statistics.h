// Why the kernel's IPsec dropped packets, of this whole host.
#pragma once

#include <string_view>

#include "model/packet_drops.h"

namespace cygnet::dataplane::xfrm {

// From the text of /proc/net/xfrm_stat.
model::PacketDrops drops_in(std::string_view statistics);

// Of this host; zeros when the kernel counts nothing (CONFIG_XFRM_STATISTICS).
model::PacketDrops kernel_drops();

}  // namespace cygnet::dataplane::xfrm
