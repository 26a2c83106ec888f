// What both sides of IKE_AUTH do alike.
#pragma once

#include "ike/context.h"
#include "ike/feature/feature.h"

namespace cygnet::ike {

// The identity of an ID payload. Errors: one that cannot be (§3.5, RFC 7619 §2.2), or longer than anybody needs.
Result<model::Identity> claimed_identity(Context& context, const wire::IdiPayload& payload);
Result<model::Identity> claimed_identity(Context& context, const wire::IdrPayload& payload);

// RFC 7296 §2.15 and RFC 9242 §3.3.2: what our AUTH and the peer's AUTH cover, with the latest identities of both (RFC
// 4739 §2.1).
Bytes own_octets(IkeSa& sa);
PeerProof peer_proof(Context& context, const wire::Message& message, const model::Identity& peer_id);
// The same without the octets that AUTH covers: all that the choice of a connection looks at.
PeerProof shown_proof(Context& context, const wire::Message& message, const model::Identity& peer_id);

// RFC 5723 §4.3.3: the peer of a resumed SA proves itself with its keys; the identities are those of the ticket, and no
// certificate comes along.
Result<> check_resumed(Context& context, const wire::Message& message);

// AUTH of a proof that needs no job.
AuthData immediate_auth(Context& context, const LocalProof& proof, ByteView octets);

// Chooses who we are in the next round of ours, and how we show it.
Result<LocalProof> plan_next_round(Context& context, const std::optional<model::Identity>& peer_id);

// CERT payloads of a signature, as send_cert says.
void add_certificates(Context& context, const LocalProof& proof, wire::MessageBuilder& message);
// AUTH, and the announcement of another one (RFC 4739 §3.2).
void add_auth(IkeSa& sa, const AuthData& auth, wire::MessageBuilder& message);

// CERTREQ of IKE_SA_INIT or IKE_AUTH: what the peer can verify (§3.7).
void read_certificate_requests(Handshake& handshake, const wire::Message& message);

// RFC 7296 §2.4: whether no other SA with this peer is known (never when unique = never).
bool is_first_contact(const Context& context);

wire::CpPayload as_payload(model::CfgType type, const OwnedAttributes& attributes);

// Of a proof that failed: counts a signature whose algorithm, form or length cannot be right, beside those that are only wrong.
void count_refused_signature(Context& context, const Error& error);

// The peer has proven itself once more: who it says that it is, and whether it wants to go on.
void note_peer_round(Context& context, const wire::Message& message, const model::Identity& peer,
                     const std::string& how);

}  // namespace cygnet::ike
