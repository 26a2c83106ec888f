// Pieces of public values (ike/key_pieces.h) in the exchanges that carry them, IKE_INTERMEDIATE and IKE_FOLLOWUP_KE:
// docs/protocol/large-key-exchange.md. Both begin with the initiator's value; the responder's ones are small.
#pragma once

#include <optional>
#include <string>

#include "ike/context.h"

namespace cygnet::ike {

// Whether the initiator's public values of this method are larger than a payload.
bool goes_in_pieces(model::Ke method);

// ---- initiator

// The offer's public value is to leave in pieces.
OutgoingKey begin_pieces(Context& context, crypto::KeOffer& offer);
// The KE payload with the next one.
void add_next_piece(Context& context, OutgoingKey& pieces, model::Ke method, wire::MessageBuilder& message);
// An authentic answer to our request is here, which may have carried one.
void note_piece_answered(Context& context);
// All of them have been answered.
void note_pieces_sent(Context& context, const OutgoingKey& pieces, model::Ke method);
// Whether the outstanding request carries a piece and one before it has been answered: fragments of this size get through.
bool pieces_get_through(const IkeSa& sa);
// RFC 6298: when a request that carries a piece is sent again. `probing`: the schedule of the search for smaller fragments, if
// there is one; `usual`: of other requests. Nothing if our request carries none.
std::optional<RetransmissionSchedule> piece_schedule(const Context& context, const std::optional<RetransmissionSchedule>& probing,
                                                     const RetransmissionSchedule& usual);

// ---- responder

struct PieceFault {
    model::NotifyType notify{};
    std::string what{};
};
// Takes the piece that the KE payload holds, the first one into an empty box. A refusal has been counted.
std::optional<PieceFault> take_piece(Context& context, Boxed<IncomingKey>& pieces, const wire::KePayload& ke);

// From when on the next piece may take its time: not from now if those before it came more slowly than
// limits::key_octets_per_second.
Instant next_piece_awaited_from(const IncomingKey& pieces, Instant now);

}  // namespace cygnet::ike
