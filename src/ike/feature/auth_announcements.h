// Announcements of authentication methods, RFC 9593, for those who build and read the messages that carry them.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// An initiator that signs gains by the peer's list, wherever it comes.
bool takes_late_announcements(const IkeSa& sa);

// Responder, last of all in the answer to IKE_SA_INIT: our list, or the promise of it where it would make the answer too large.
// `requested`: the CAs of its CERTREQs.
void announce_in_first_answer(Context& context, wire::MessageBuilder& message, std::span<const Bytes> requested);
// Initiator, in its first IKE_AUTH request.
void announce_in_auth(Context& context, wire::MessageBuilder& message, std::span<const Bytes> requested);
// Responder, of that request. Fails when it names other identities than an IKE_INTERMEDIATE request before it.
Result<> take_auth_announcements(Context& context, const wire::Message& request);

// Initiator: the peer refused our proof. True if that may be the padding of an RSA signature, of which the peer said nothing; the
// next attempt of the connection has the other one.
bool tries_other_padding(Context& context);
// What earlier attempts of the connection have taught.
void recall_padding(Context& context);

// Our proof of this round is chosen: what of it the peer has announced, in the log.
void report_choice(Context& context, const LocalProof& proof, const AnnouncementList& announced);
// The peer announced what it accepts, and our proof is none of it.
bool is_unannounced(const LocalProof& proof, const AnnouncementList& announced);
// "a signature with RSA-PSS with SHA2_256"
std::string text_of(const LocalProof& proof);

}  // namespace cygnet::ike
