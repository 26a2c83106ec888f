// Child SAs of single workers of the data plane beside the first, which serves them all: same selectors, same algorithms, own keys.
// RFC 9611.
//
//   a worker sends through the first ─► ResourceWanted ─► one that the peer made and nobody here uses, or CREATE_CHILD_SA
//   the peer asks for a further one  ─► we receive on it; a worker that wants one sends through it
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// One of a single worker, or one that waits for a worker.
inline bool is_further(const Child& child) { return child.resource != model::every_resource; }
// " for worker 1", for logs; nothing for the first.
std::string for_resource(model::Resource resource);

void want_resource(Core& core, const ResourceWanted& input, Instant now, Effects& effects);

// Responder: who sends through the child that the peer wants, which gets the algorithms of the first. Errors: TS_MAX_QUEUE,
// NO_PROPOSAL_CHOSEN.
Result<model::Resource> place_child(Context& context, const ChildOffer& offer, ChildDecision& decision);

// A further child did not come to be: the next of that name is asked for later.
void put_off(Context& context, const std::string& name);
// The peer took a further child down: likewise, unless it had lasted.
void note_lost(Context& context, const Child& child);

}  // namespace cygnet::ike
