// NAT detection, RFC 7296 §2.23.
#pragma once

#include <array>
#include <optional>

#include "ike/context.h"
#include "ike/keys.h"
#include "model/address.h"

namespace cygnet::ike {

using NatHash = std::array<std::uint8_t, 20>;

// The data of NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP: SHA-1 of the SPIs as they stand
// in the message's header, the address and the port.
NatHash nat_detection_hash(const Spis& spis, const model::Endpoint& endpoint);

// Both notifications, for a message of ours on this path.
void add_nat_detection(Context& context, wire::MessageBuilder& message, const model::Path& path);

// Who is behind NAT, by the peer's notifications; nothing if it sent none.
struct NatFindings {
    bool local = false, remote = false;
};
std::optional<NatFindings> find_nats(const Received& received);

// The initiator moves to the NAT-T port after the first answer; the responder follows wherever requests come from.
void move_to_nat_port(Context& context);

}  // namespace cygnet::ike
