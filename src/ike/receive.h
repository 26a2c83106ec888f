// The path of a received datagram: header, routing by SPI, window, integrity, fragments, parser;
// what survives is dispatched.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

void receive_datagram(Core& core, const Datagram& datagram, Instant now, Effects& effects);

}  // namespace cygnet::ike
