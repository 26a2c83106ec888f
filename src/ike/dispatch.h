// From a handler's result to what follows: the one place that turns Error reactions into answers
// and ends (RFC 7296 §2.21), and that begins waiting tasks.
#pragma once

#include "ike/exchange/rows.h"

namespace cygnet::ike {

// What the handler of a message, a job's continuation or a task's beginning returned. `exchange`: of the peer's
// request, when the context's slot is theirs.
void conclude(Context& context, Result<Next> result);

// A message that passed the window, the integrity check and the parser.
void dispatch(Context& context, Received message);

// The requests that came before their turn, as far as it has come.
void dispatch_early(Context& context);

// The result of a job, unless its exchange is gone.
void resume_job(Core& core, JobId id, crypto::JobResult result, Instant now, Effects& effects);

// Begins the next task when the SA has nothing of its own under way.
void begin_waiting_tasks(Context& context);

}  // namespace cygnet::ike
