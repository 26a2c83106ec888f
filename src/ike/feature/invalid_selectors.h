// RFC 7296 §3.10.1: INVALID_SELECTORS, said about a packet that came on a child whose selectors it does not match.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// The data plane dropped such a packet: the peer is told, not too often.
void report_violation(Core& core, const SelectorsViolated& input, Instant now, Effects& effects);

}  // namespace cygnet::ike
