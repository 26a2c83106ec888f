// Our own exchanges that are not part of setting the SA up: how each task begins, and which
// operator's command it belongs to.
#pragma once

#include <optional>
#include <vector>

#include "ike/context.h"

namespace cygnet::ike {

// Begins the exchange of a task: a request was sent, a job was started, or there was nothing to do (finished).
Result<Next> begin_task(Context& context, Task task);

std::optional<CommandId> command_of(const Task& task);
// The commands that wait for this SA: of its set-up, of its exchange under way and of its queue.
struct WaitingCommand {
    CommandId id{};
    bool wants_the_end = false;  // a deletion: satisfied when the SA ends, however it does
};
std::vector<WaitingCommand> commands_of(const IkeSa& sa);

// Nobody will answer what we have under way (RFC 6311 §9): what it was for begins again.
void restart_own_exchange(Context& context, const std::string& reason);

}  // namespace cygnet::ike
