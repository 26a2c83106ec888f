// Messages for people: what `cygnet decode` and the log show.
#pragma once

#include <string>
#include <vector>

#include "model/status.h"
#include "wire/message.h"

namespace cygnet::wire {

// "KE method=CURVE_25519 data=0a1b… (32 octets)"
std::string print(const Payload& payload);

// One line for the header, one indented line per payload, each ended by a line feed.
std::string print(const Message& message);

// What a message holds. The second form takes the octets of a chain, up to what is no payload any more.
std::vector<model::PayloadName> outline(std::span<const Payload> payloads);
std::vector<model::PayloadName> outline(PayloadType first, ByteView chain);

// "IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) ]"
std::string summary(const Header& header, std::span<const Payload> payloads);
std::string summary(const Message& message);

}  // namespace cygnet::wire
