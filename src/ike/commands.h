// Operators' commands: which SAs a selector means, and the tasks that follow. Each command ends in
// exactly one CommandDone.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

void run_command(Core& core, const Initiate& command, Instant now, Effects& effects);
void run_command(Core& core, const Terminate& command, Instant now, Effects& effects);
void run_command(Core& core, const Rekey& command, Instant now, Effects& effects);

}  // namespace cygnet::ike
