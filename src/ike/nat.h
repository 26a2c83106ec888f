// NAT detection, RFC 7296 §2.23.
#pragma once

#include <array>

#include "ike/keys.h"
#include "model/address.h"

namespace cygnet::ike {

using NatHash = std::array<std::uint8_t, 20>;

// The data of NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP: SHA-1 of the SPIs as they stand
// in the message's header, the address and the port.
NatHash nat_detection_hash(const Spis& spis, const model::Endpoint& endpoint);

}  // namespace cygnet::ike
