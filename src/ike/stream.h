// TCP encapsulation, RFC 9329: which IKE SA uses which stream, and what happens when one opens or ends. The side that began
// the first IKE SA opens streams, and opens them again; the other answers where it was asked and follows authentic
// messages to a new stream. An SA outlives its streams.
//
//   originator   waiting ──► opening ──StreamOpened──► open ──StreamClosed──► waiting …   the SA goes on when it is open
//   responder    (a message arrives) ──► open ──StreamClosed──► gone; the SA waits for a message in another one
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// ---- the originator
// Asks for a stream to the peer's address; the SA, and whatever shares its stream, continues or begins when it is open.
void open_stream(Context& context);
// Timer::stream.
void reopen_stream(Context& context);
bool waits_for_stream(const Core& core, const IkeSa& sa);
void stream_opened(Core& core, const StreamOpened& input, Instant now, Effects& effects);
void stream_closed(Core& core, const StreamClosed& input, Instant now, Effects& effects);

// ---- the responder
// An authentic message came from `from`: answers, and our own messages and ESP, go there from now on.
void follow_stream(Context& context, const model::Path& from);
// §6.1: IKE SAs share no stream, but for one and its rekeyed successor.
bool stream_is_foreign(Core& core, const IkeSa& sa, const model::Path& from);
bool stream_is_free(const Core& core, const model::Path& from);

// ---- both
// Moves the SA and its children to another path, between UDP and TCP too (§7.1); what is outstanding is sent again there. To
// begin TCP, the originator calls open_stream.
void use_path(Context& context, const model::Path& path, bool udp_encapsulation);
// The SA ends: a stream that nobody uses any more is closed.
void leave_stream(Context& context);
// A message that means nothing to us: after too many in a row the stream is taken for corrupt (§6.1).
void note_bad_message(Core& core, model::StreamId stream, Effects& effects);

}  // namespace cygnet::ike
