#include "ike/exchange/auth_common.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/exchange/ike_auth.h"

namespace cygnet::ike {
namespace {

// Each side signs its own first message and the other's nonce.
Bytes octets_of(IkeSa& sa, bool of_initiator, const model::Identity& id, std::uint32_t auth_message_id) {
    const Handshake& handshake = sa.handshake();
    const Bytes intermediate =
        handshake.int_auth_i.empty() ? Bytes{} : int_auth(handshake.int_auth_i, handshake.int_auth_r, auth_message_id);
    return signed_octets(sa.proposal.prf, of_initiator ? handshake.init_request : handshake.init_response,
                         of_initiator ? handshake.nonce_r : handshake.nonce_i, sa.protection->sk_p(of_initiator),
                         id_payload_body(id), intermediate);
}

}  // namespace

model::Identity identity_of(const wire::IdiPayload& payload) {
    return {.type = payload.id_type, .data = keep(payload.data)};
}
model::Identity identity_of(const wire::IdrPayload& payload) {
    return {.type = payload.id_type, .data = keep(payload.data)};
}

Bytes own_octets(IkeSa& sa, std::uint32_t auth_message_id) {
    return octets_of(sa, sa.initiator, sa.own_id, auth_message_id);
}

PeerProof peer_proof(Context& context, const wire::Message& message, const model::Identity& peer_id,
                     std::uint32_t auth_message_id) {
    const auto* auth = message.find<wire::AuthPayload>();
    PeerProof proof{.id = peer_id,
                    .method = auth->method,
                    .auth_data = auth->data,
                    .octets = octets_of(context.sa, !context.sa.initiator, peer_id, auth_message_id),
                    .now = context.unix_seconds()};
    for (const wire::CertPayload* certificate : message.all<wire::CertPayload>()) {
        if (proof.certificates.size() == model::limits::certificates_per_message) break;
        if (certificate->encoding == model::CertEncoding::x509_signature)
            proof.certificates.push_back(keep(certificate->data));
    }
    return proof;
}

void add_certificates(IkeSa& sa, const LocalProof& proof, wire::MessageBuilder& message) {
    const auto* signature = std::get_if<SignaturePlan>(&proof);
    if (signature == nullptr || sa.connection->send_cert == model::SendCert::never) return;
    if (sa.connection->send_cert == model::SendCert::if_asked && !sa.handshake().peer_asked_for_certificates) return;
    for (const crypto::Certificate& certificate : signature->chain)
        message.add(wire::CertPayload{.encoding = model::CertEncoding::x509_signature, .data = certificate.der()});
}

bool is_first_contact(const Context& context) {
    if (context.sa.connection->unique == model::UniquePolicy::never) return false;
    return !context.core.any_established(context.sa.connection->name);
}

wire::CpPayload as_payload(model::CfgType type, const OwnedAttributes& attributes) {
    wire::CpPayload payload{.cfg_type = type, .attributes = {}};
    for (const OwnedAttribute& attribute : attributes)
        payload.attributes.push_back({.type = attribute.type, .value = attribute.value});
    return payload;
}

void log_authenticated(Context& context, const model::Identity& peer, const std::string& how) {
    context.log(model::LogGroup::ike, 1, fmt::format("authentication of '{}' with {} successful", text_of(peer), how));
}

Bytes certificate_request(const model::Connection& connection, const Credentials& credentials) {
    if (!connection.send_certreq || !expects_certificates(connection)) return {};
    return acceptable_authorities(connection.remote.front(), credentials);
}

}  // namespace cygnet::ike
