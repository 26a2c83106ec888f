// A CERTREQ of encoding 14 asks for an OCSP response beside the certificate, a CERT of encoding 14 is one. `ocsp` in a
// connection says whether we ask and whether we answer.
#include "ike/feature/ocsp.h"

#include <algorithm>

#include "ike/feature/feature.h"

namespace cygnet::ike {
namespace {

// Of the handshake.
struct OcspState {
    Bytes response{};  // about the certificate of our present round
};

bool answers(const model::Connection& connection) {
    return connection.ocsp == model::OcspInIke::reply || connection.ocsp == model::OcspInIke::both;
}

const crypto::Certificate* issuer_of(const crypto::Certificate& leaf, const Credentials& credentials) {
    for (const auto* store : {&credentials.authorities, &credentials.certificates}) {
        const auto found = std::ranges::find_if(
            *store, [&](const crypto::Certificate& each) { return each.is_ca() && leaf.is_issued_by(each); });
        if (found != store->end()) return &*found;
    }
    return nullptr;
}

void before_signature(Context& context, crypto::SignJob& job) {
    if (!context.sa.handshake().peer_hints.ocsp || !answers(*context.sa.connection) || !job.certificate) return;
    const Credentials& credentials = *context.core.credentials;
    const crypto::Certificate* issuer = issuer_of(*job.certificate, credentials);
    if (issuer == nullptr) return;
    job.staple = crypto::Staple{.leaf = *job.certificate,
                                .issuer = *issuer,
                                .sources = credentials.revocation,
                                .cache = context.core.revocations,
                                .now = context.unix_seconds()};
}

void after_signature(Context& context, const crypto::SignedAuth& made) {
    if (made.staple) context.sa.handshake().features.of<OcspState>().response = made.ocsp_response;
}

}  // namespace

// RFC 4806 §4.1: a CERTREQ of its own; without hashes any responder that the CA chose will do.
bool asks_for_ocsp(const model::Connection& connection) {
    return connection.ocsp == model::OcspInIke::request || connection.ocsp == model::OcspInIke::both;
}

// RFC 4806 §4.2: separate from the other CERT payloads.
void add_ocsp_response(Context& context, wire::MessageBuilder& message) {
    const OcspState* state = context.sa.handshake().features.find<OcspState>();
    if (state != nullptr && !state->response.empty())
        message.add(wire::CertPayload{.encoding = model::CertEncoding::ocsp_content, .data = state->response});
}

const Feature ocsp{.name = "OCSP in IKE",
                   .rfc = "RFC 4806",
                   .before_signature = before_signature,
                   .after_signature = after_signature};

}  // namespace cygnet::ike
