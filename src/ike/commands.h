// Operators' commands: which SAs a selector means, and the tasks that follow. Each command ends in
// exactly one CommandDone.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

void run_command(Core& core, const Initiate& command, Instant now, Effects& effects);
void run_command(Core& core, const Terminate& command, Instant now, Effects& effects);
void run_command(Core& core, const Rekey& command, Instant now, Effects& effects);
void run_command(Core& core, const Clone& command, Instant now, Effects& effects);
void run_command(Core& core, const Synchronize& command, Instant now, Effects& effects);

// An SA of the connection with the peer of `path` (nothing: with any) that a further child can use.
IkeSa* reusable_sa(Core& core, const model::Connection& connection, const std::optional<model::Path>& path);

}  // namespace cygnet::ike
