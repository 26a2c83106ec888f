#include "ike/feature/hash_and_url.h"

#include <algorithm>

#include "crypto/prf.h"

namespace cygnet::ike {
namespace {

constexpr std::size_t hash_octets = 20;  // SHA-1, RFC 7296 §3.6

// Where the certificate's authority publishes it; empty if it does not.
std::string place_of(const crypto::Certificate& certificate, const Bytes& hash, const Credentials& credentials) {
    if (!credentials.revocation) return {};
    for (const auto& authority : credentials.revocation->authorities)
        if (!authority.cert_uri_base.empty() && certificate.is_issued_by(authority.certificate))
            return authority.cert_uri_base + hex(hash);
    return {};
}

}  // namespace

bool looks_up_urls(const model::Connection& connection) { return connection.hash_and_url != model::HashAndUrl::no; }

void add_certificate_payloads(Context& context, std::span<const crypto::Certificate> chain, wire::MessageBuilder& message) {
    const bool by_url = looks_up_urls(*context.sa.connection) && context.sa.handshake().peer_hints.looks_up;
    for (const crypto::Certificate& certificate : chain) {
        const Bytes hash = by_url ? keep(crypto::sha1({certificate.der()})) : Bytes{};
        const std::string url = by_url ? place_of(certificate, hash, *context.core.credentials) : std::string();
        if (url.empty())
            message.add(wire::CertPayload{.encoding = model::CertEncoding::x509_signature, .data = certificate.der()});
        else
            message.add(wire::CertPayload{.encoding = model::CertEncoding::hash_and_url_cert,
                                          .data = concat({hash, bytes_of(url)})});
    }
}

std::optional<crypto::HashAndUrl> read_hash_and_url(const model::Connection& connection, const wire::CertPayload& payload) {
    if (!looks_up_urls(connection) || payload.data.size() <= hash_octets) return std::nullopt;
    const ByteView url = payload.data.subspan(hash_octets);
    const bool clean = std::ranges::all_of(url, [](std::uint8_t c) { return c > 0x20 && c < 0x7f; });
    if (!clean || url.size() > model::limits::look_up_uri_octets || !base::text_of(url).starts_with("http://")) return std::nullopt;
    const auto author = connection.hash_and_url == model::HashAndUrl::internal ? crypto::LookUp::Author::trusted_peer
                                                                               : crypto::LookUp::Author::peer;
    return crypto::HashAndUrl{
        .hash = keep(payload.data.first(hash_octets)),
        .look_up = {.kind = crypto::LookUp::Kind::certificate, .author = author, .url = std::string(base::text_of(url))}};
}

}  // namespace cygnet::ike
