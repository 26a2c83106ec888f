// The outcome of CREATE_CHILD_SA on either side: the new SA takes its place, and the old one leaves without a lost
// packet, also when both sides rekeyed at once. RFC 7296 §2.8, §2.8.1, §2.25.
//
//   we began:     install new, outbound at once ─► Delete old ─► old inbound ends after a grace period
//   peer began:   install new, inbound only ─► first packet, or Delete old: outbound too
//   both began:   of the four nonces the lowest loses; who began that exchange deletes what it made
#pragma once

#include "ike/context.h"
#include "ike/new_sa.h"

namespace cygnet::ike {

enum class MadeBy : std::uint8_t { us, peer };

// Installs what was agreed. Errors: the algorithms of the answer cannot run here.
Result<> complete(Context& context, NewSa made, MadeBy made_by);

// Whether our own rekey in progress lost against one of the peer that we answered.
bool lost_to_peer(const IkeSa& sa, const NewSa& made);

// Whether our own rekey of the child has taken effect: the peer, whose attempt lost, does not go on with it.
bool lost_to_us(const IkeSa& sa, const NewSa& made);

// Whether the peer's rekey made this child and our own of the same one is still under way: only one of them will stay.
bool is_undecided(const IkeSa& sa, model::ChildId child);
// Whether the child counts: neither on its way out nor undecided.
bool is_current(const IkeSa& sa, const Child& child);

// Our own attempt to rekey came to nothing: a rekey of the peer that waited for its outcome takes effect.
void settle_for_peer_rekey(Context& context, const NewSa& attempt);

// Notes the peer's rekey from its request on, while jobs and follow-up exchanges are still to come.
void note_peer_rekey(IkeSa& sa, const NewSa& made);
// … and that they will not come.
void forget_peer_rekey(IkeSa& sa, const NewSa& made);

// The peer deletes a child: if it was rekeyed, its replacement carries our packets from now on. Called before
// the child is removed.
void replace_deleted_child(Context& context, Child& child);
// The IKE SA ends, by the peer's Delete or because our own rekey is not answered: if the peer rekeyed it before, the new SA
// inherits what is left. Called before closing.
void inherit_before_close(Context& context);
// The peer acts on the children of an IKE SA that its rekey made. To the peer that is the successor, and it knows both
// attempts if there were two: the children are moved, although our own rekey of the old SA is not decided here.
void take_over_children(Context& context);

// ---- an IKE SA that the peer's rekey has made: our tasks wait
// Until the peer has spoken in it or deleted the old one: it may still compute the keys. What we send too early is lost, and
// to the peer it comes from nowhere. And until our own rekey of the old one, if there is one, is decided.
bool awaits_peer(const IkeSa& sa);
void peer_is_ready(Core& core, IkeSa& sa);
// The old one is closed, so the peer has deleted it or is gone.
void release_successor(Context& context);

// The old one is closed although the peer has not answered what is about both: it is said again in its successor.
void repeat_in_successor(Context& context);

// An operator wants it to end: the peer gets a few seconds.
void hasten_successor(Context& context);

// The first packet arrived on a child that waited for it, so the peer has the keys.
void activate(Context& context, Child& child);

}  // namespace cygnet::ike
