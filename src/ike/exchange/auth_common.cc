#include "ike/exchange/auth_common.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ike/auth/signature_choice.h"
#include "ike/exchange/ike_auth.h"
#include "ike/feature/auth_announcements.h"
#include "ike/feature/hash_and_url.h"
#include "ike/feature/ocsp.h"

namespace cygnet::ike {
namespace {

// §2.15: what each side sent first. Where both agreed to cover all of IKE_SA_INIT: eight zero octets, which no message begins
// with, what it received and what it sent.
Bytes first_messages(const IkeSa& sa, const Handshake& handshake, bool of_initiator) {
    const Bytes& sent = of_initiator ? handshake.init_request : handshake.init_response;
    if (!sa.peer_can.full_transcript) return sent;
    const Bytes& received = of_initiator ? handshake.init_response : handshake.init_request;
    return concat({Bytes(8), received, sent});
}

// Each side signs its own first message and the other's nonce.
Bytes octets_of(IkeSa& sa, bool of_initiator, const model::Identity& id) {
    const Handshake& handshake = sa.handshake();
    const Bytes intermediate =
        handshake.int_auth_i.empty()
            ? Bytes{}
            : int_auth(handshake.int_auth_i, handshake.int_auth_r, handshake.auth_message_id);
    return signed_octets(sa.proposal->prf, first_messages(sa, handshake, of_initiator),
                         of_initiator ? handshake.nonce_r : handshake.nonce_i, sa.protection->sk_p(of_initiator),
                         id_payload_body(id), intermediate);
}

std::unexpected<Error> bad_identity(Context& context, std::string detail) {
    context.count(model::Counter::identity_refused);
    return end_sa(model::NotifyType::invalid_syntax, Errc::bad_value, "ID payload", std::move(detail));
}

Result<model::Identity> checked_identity(Context& context, model::IdType type, ByteView data) {
    if (data.size() > model::limits::identity_octets)
        return bad_identity(context, fmt::format("an identity of {} octets", data.size()));
    if (type == model::IdType::any) return bad_identity(context, "type 0 is reserved (RFC 7296 §3.5)");
    // RFC 7619 §2.2: ID_NULL has no data; nothing else goes without.
    if ((type == model::IdType::null) != data.empty())
        return bad_identity(context, data.empty() ? "an empty identity" : "ID_NULL with data");
    return model::Identity{.type = type, .data = keep(data)};
}

}  // namespace

Result<model::Identity> claimed_identity(Context& context, const wire::IdiPayload& payload) {
    return checked_identity(context, payload.id_type, payload.data);
}
Result<model::Identity> claimed_identity(Context& context, const wire::IdrPayload& payload) {
    return checked_identity(context, payload.id_type, payload.data);
}

AuthData immediate_auth(Context& context, const LocalProof& proof, ByteView octets) {
    const IkeSa& sa = context.sa;
    if (const auto* shared_key = std::get_if<SharedKeyPlan>(&proof))
        return shared_key_auth(*shared_key, context.core.features.of<KeyPads>(), sa.proposal->prf, octets);
    if (std::holds_alternative<ResumedPlan>(proof))
        return resumed_auth(sa.proposal->prf, sa.protection->sk_p(sa.initiator), octets);
    return null_auth(sa.protection->sk_p(sa.initiator), sa.proposal->prf, octets);
}

Bytes own_octets(IkeSa& sa) { return octets_of(sa, sa.initiator, sa.own_id); }

PeerProof shown_proof(Context& context, const wire::Message& message, const model::Identity& peer_id) {
    const auto* auth = message.find<wire::AuthPayload>();
    PeerProof proof{.id = peer_id,
                    .method = auth->method,
                    .auth_data = auth->data,
                    .sk_p = &context.sa.protection->sk_p(!context.sa.initiator),
                    .octets = {},
                    .now = context.unix_seconds()};
    for (const wire::CertPayload* certificate : message.all<wire::CertPayload>()) {
        if (certificate->encoding == model::CertEncoding::raw_public_key && !proof.raw_key)
            proof.raw_key = keep(certificate->data);
        if (proof.certificates.size() + proof.ocsp_responses.size() == model::limits::certificates_per_message) continue;
        if (certificate->encoding == model::CertEncoding::x509_signature) {
            proof.certificates.push_back(keep(certificate->data));
        } else if (certificate->encoding == model::CertEncoding::ocsp_content) {
            proof.ocsp_responses.push_back(keep(certificate->data));
        } else if (certificate->encoding == model::CertEncoding::hash_and_url_cert) {
            auto by_url = read_hash_and_url(*context.sa.connection, *certificate);
            if (!by_url) continue;
            by_url->place = proof.certificates.size();
            proof.by_url.push_back(*std::move(by_url));
            proof.certificates.emplace_back();
        }
    }
    return proof;
}

PeerProof peer_proof(Context& context, const wire::Message& message, const model::Identity& peer_id) {
    PeerProof proof = shown_proof(context, message, peer_id);
    proof.octets = octets_of(context.sa, !context.sa.initiator, peer_id);
    return proof;
}

Result<> check_resumed(Context& context, const wire::Message& message) {
    IkeSa& sa = context.sa;
    const model::Identity& initiator = sa.initiator ? *sa.own_id : sa.peer_id;
    const model::Identity& responder = sa.initiator ? sa.peer_id : *sa.own_id;
    const auto* idi = message.find<wire::IdiPayload>();
    const auto* idr = message.find<wire::IdrPayload>();
    if ((idi != nullptr && TRY(claimed_identity(context, *idi)) != initiator) ||
        (idr != nullptr && TRY(claimed_identity(context, *idr)) != responder))
        return fail(Errc::authentication, "resumption", "the identity is not that of the ticket");
    if (message.find<wire::CertPayload>() != nullptr)
        return fail(Errc::authentication, "resumption", "a certificate has no place in it");
    const PeerProof proof = peer_proof(context, message, sa.peer_id);
    const AuthData expected = resumed_auth(sa.proposal->prf, sa.protection->sk_p(!sa.initiator), proof.octets);
    if (proof.method != expected.method || !equal_in_constant_time(proof.auth_data, expected.data))
        return fail(Errc::authentication, "resumption", "AUTH does not come from the keys of the resumed IKE SA");
    return {};
}

Result<LocalProof> plan_next_round(Context& context, const std::optional<model::Identity>& peer_id) {
    IkeSa& sa = context.sa;
    if (sa.handshake().rounds.resumed) return ResumedPlan{};
    const Core& core = context.core;
    const Handshake& handshake = sa.handshake();
    const model::AuthConfig& local = sa.connection->local[handshake.rounds.own];
    sa.own_id = local_identity(local, *core.credentials, sa.path.local.address);
    const AnnouncementList announced =
        announced_for(handshake.peer_hints.announced, handshake.rounds.own, sa.connection->local.size());
    LocalProof proof = TRY(
        plan_local_proof(local, sa.own_id, peer_id, *core.config, *core.credentials, handshake.peer_hints, announced));
    report_choice(context, proof, announced);
    if (local.id.is_any()) sa.own_id = identity_with(proof, local, handshake.peer_hints, *sa.own_id);
    return proof;
}

void add_auth(IkeSa& sa, const AuthData& auth, wire::MessageBuilder& message) {
    AuthRounds& rounds = sa.handshake().rounds;
    message.add(wire::AuthPayload{.method = auth.method, .data = auth.data});
    ++rounds.own;
    if (rounds.own_left(*sa.connection)) message.notify(model::NotifyType::another_auth_follows);
}

void read_certificate_requests(Handshake& handshake, const wire::Message& message) {
    auto& known = handshake.peer_hints.authorities;
    if (message.notify(model::NotifyType::http_cert_lookup_supported) != nullptr) handshake.peer_hints.looks_up = true;
    for (const wire::CertreqPayload* request : message.all<wire::CertreqPayload>()) {
        handshake.peer_asked_for_certificates = true;
        // RFC 7670 §3: with an empty Certification Authority field.
        if (request->encoding == model::CertEncoding::raw_public_key && request->authorities.empty())
            handshake.peer_hints.raw_keys = true;
        if (request->encoding == model::CertEncoding::ocsp_content) handshake.peer_hints.ocsp = true;
        if (request->encoding != model::CertEncoding::x509_signature) continue;
        auto authorities = parse_authorities(request->authorities);
        if (!authorities) continue;
        for (Bytes& authority : *authorities)
            if (known.size() < model::limits::certificate_authorities_per_certreq)
                known.push_back(std::move(authority));
    }
}

void add_certificates(Context& context, const LocalProof& proof, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    const auto* signature = std::get_if<SignaturePlan>(&proof);
    if (signature == nullptr || sa.connection->send_cert == model::SendCert::never) return;
    if (sa.connection->send_cert == model::SendCert::if_asked && !sa.handshake().peer_asked_for_certificates) return;
    if (!signature->raw_key.empty())
        message.add(wire::CertPayload{.encoding = model::CertEncoding::raw_public_key, .data = signature->raw_key});
    add_certificate_payloads(context, signature->chain, message);
    add_ocsp_response(context, message);
}

bool is_first_contact(const Context& context) {
    // Who authenticates again has another SA with the peer, under whatever name (§2.4, §2.8.3).
    // Nor does somebody without a name (RFC 7619 §2.3).
    if (context.sa.own_id->type == model::IdType::null) return false;
    if (context.sa.connection->unique == model::UniquePolicy::never || context.sa.reauthenticates()) return false;
    return !context.core.any_established(context.sa.connection->name);
}

wire::CpPayload as_payload(model::CfgType type, const OwnedAttributes& attributes) {
    wire::CpPayload payload{.cfg_type = type, .attributes = {}};
    for (const OwnedAttribute& attribute : attributes)
        payload.attributes.push_back({.type = attribute.type, .value = attribute.value});
    return payload;
}

void count_refused_signature(Context& context, const Error& error) {
    if (error.code == Errc::unsupported || error.code == Errc::bad_length || error.code == Errc::truncated)
        context.count(model::Counter::signature_refused);
}

void note_peer_round(Context& context, const wire::Message& message, const model::Identity& peer,
                     const std::string& how) {
    IkeSa& sa = context.sa;
    AuthRounds& rounds = sa.handshake().rounds;
    // RFC 7619 §2.2: what a peer without proof says about itself is for the log alone.
    sa.peer_anonymous = message.find<wire::AuthPayload>()->method == model::AuthMethod::null;
    if (sa.peer_anonymous) sa.peer_id = {.type = model::IdType::null, .data = {}};
    else sa.peer_id = peer;
    const auto* auth = message.find<wire::AuthPayload>();
    rounds.peer.push_back({.id = peer, .method = auth->method});
    if (auth->method == model::AuthMethod::digital_signature)
        sa.handshake().peer_hints.shown = scheme_of(auth->method, auth->data);
    rounds.peer_follows = message.notify(model::NotifyType::another_auth_follows) != nullptr;
    context.log(model::LogGroup::ike, 1,
                fmt::format("authentication of {}'{}' with {} successful{}", sa.peer_anonymous ? "the unproven " : "",
                            text_of(peer), how,
                            rounds.peer_follows ? ", another one follows" : ""));
}

namespace {

// What all connections together ask for.
struct CertificateRequests {
    bool certificates = false, raw_keys = false, ocsp = false, by_url = false;
    std::set<Bytes> authorities{};  // hashes of their keys

    void add(const model::AuthConfig& round, const Credentials& credentials) {
        if (round.auth == model::AuthClass::psk || round.auth == model::AuthClass::null) return;
        raw_keys = raw_keys || !round.public_keys.empty();
        if (!round.public_keys.empty() && round.certificates.empty() && round.ca_certificates.empty()) return;
        certificates = true;
        if (auto accepted = parse_authorities(acceptable_authorities(round, credentials)))
            for (Bytes& authority : *accepted)
                if (authorities.size() < model::limits::certificate_authorities_per_certreq)
                    authorities.insert(std::move(authority));
    }
};

}  // namespace

std::vector<Bytes> add_certificate_requests(std::span<const std::shared_ptr<const model::Connection>> connections,
                                            const Credentials& credentials, wire::MessageBuilder& message) {
    CertificateRequests requests;
    for (const auto& connection : connections.first(std::min(connections.size(), model::limits::certreq_connections))) {
        if (!connection->send_certreq) continue;
        const bool before = std::exchange(requests.certificates, false);
        for (const model::AuthConfig& round : connection->remote) requests.add(round, credentials);
        if (requests.certificates) {
            requests.ocsp = requests.ocsp || asks_for_ocsp(*connection);
            requests.by_url = requests.by_url || looks_up_urls(*connection);
        }
        requests.certificates = requests.certificates || before;
    }
    Bytes authorities;
    for (const Bytes& authority : requests.authorities) append(authorities, authority);
    if (!authorities.empty())
        message.add(wire::CertreqPayload{.encoding = model::CertEncoding::x509_signature, .authorities = authorities});
    if (requests.raw_keys)
        message.add(wire::CertreqPayload{.encoding = model::CertEncoding::raw_public_key, .authorities = {}});
    if (requests.ocsp) message.add(wire::CertreqPayload{.encoding = model::CertEncoding::ocsp_content, .authorities = {}});
    if (requests.by_url) message.notify(model::NotifyType::http_cert_lookup_supported);
    return {requests.authorities.begin(), requests.authorities.end()};
}

}  // namespace cygnet::ike
