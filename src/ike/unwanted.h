// Children that do not come to be.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// We refuse what the peer asks for: counts, and tells the operator why.
void report_child_refusal(Context& context, const Error& why);

// The peer has made it and we do not take it: its half is deleted, ours never reaches the data plane. `spi_in`: the SPI that we gave the child, reserved until the peer has answered. `answer`: what the peer said.
void delete_unwanted_child(Context& context, std::uint32_t spi_in, const wire::Message& answer, const Error& why);

// The peer refused our CREATE_CHILD_SA, which is in `sa.own`. SINGLE_PAIR_REQUIRED: the packet that wants the child asks
// again, alone.
Next ask_for_one_pair(Context& context);
// NO_ADDITIONAL_SAS: an IKE SA of its own, or a new one for everything.
Next take_elsewhere(Context& context);

}  // namespace cygnet::ike
