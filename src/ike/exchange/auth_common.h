// What both sides of IKE_AUTH do alike.
#pragma once

#include "ike/context.h"
#include "ike/feature/feature.h"

namespace cygnet::ike {

model::Identity identity_of(const wire::IdiPayload& payload);
model::Identity identity_of(const wire::IdrPayload& payload);

// RFC 7296 §2.15 and RFC 9242 §3.3.2: what our AUTH and the peer's AUTH cover. `auth_message_id`: of the IKE_AUTH request.
Bytes own_octets(IkeSa& sa, std::uint32_t auth_message_id);
PeerProof peer_proof(Context& context, const wire::Message& message, const model::Identity& peer_id,
                     std::uint32_t auth_message_id);

// The CERT payloads of a signature, as send_cert says.
void add_certificates(IkeSa& sa, const LocalProof& proof, wire::MessageBuilder& message);

// RFC 7296 §2.4: whether no other SA with this peer is known (never when unique = never).
bool is_first_contact(const Context& context);

wire::CpPayload as_payload(model::CfgType type, const OwnedAttributes& attributes);

void log_authenticated(Context& context, const model::Identity& peer, const std::string& how);

}  // namespace cygnet::ike
