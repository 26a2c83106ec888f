#include "ike/auth/auth.h"

#include <algorithm>

namespace cygnet::ike {
namespace {

constexpr std::size_t authority_hash_octets = 20;

std::unexpected<Error> refuse_peer(std::string detail) {
    return fail(Error{.code = Errc::authentication,
                      .where = "IKE_AUTH",
                      .reaction = Reaction::end_sa,
                      .notify = static_cast<std::uint16_t>(model::NotifyType::authentication_failed),
                      .detail = std::move(detail)});
}

std::unexpected<Error> tell_operator(std::string detail) {
    return fail(Error{.code = Errc::not_found,
                      .where = "own credentials",
                      .reaction = Reaction::end_sa,
                      .notify = static_cast<std::uint16_t>(model::NotifyType::authentication_failed),
                      .detail = std::move(detail)});
}

const crypto::PrivateKey* private_key_of(const crypto::Certificate& certificate, const Credentials& credentials) {
    const auto key = certificate.public_key();
    if (!key) return nullptr;
    const auto found = credentials.private_keys.find(key->key_id());
    return found == credentials.private_keys.end() ? nullptr : &found->second;
}

// Configured certificates are octets; what the credentials hold parsed is not parsed again for every handshake.
std::vector<crypto::Certificate> parsed(std::span<const Bytes> certificates, const Credentials& credentials) {
    std::vector<crypto::Certificate> all;
    for (const Bytes& der : certificates) {
        const crypto::Certificate* known = nullptr;
        for (const auto* store : {&credentials.certificates, &credentials.authorities})
            for (const crypto::Certificate& certificate : *store)
                if (certificate.der() == der) known = &certificate;
        if (known != nullptr)
            all.push_back(*known);
        else if (auto certificate = crypto::Certificate::parse(der))
            all.push_back(std::move(*certificate));
    }
    return all;
}

// The certificates that a local round may use: the configured ones, or any of ours that names the identity.
std::vector<crypto::Certificate> candidates(const model::AuthConfig& local, const Credentials& credentials,
                                            const model::Identity& own_id) {
    if (!local.certificates.empty()) return parsed(local.certificates, credentials);
    std::vector<crypto::Certificate> found;
    for (const crypto::Certificate& certificate : credentials.certificates) {
        const bool named =
            own_id.is_any() || std::ranges::find(certificate.identities(), own_id) != certificate.identities().end();
        if (named && private_key_of(certificate, credentials) != nullptr) found.push_back(certificate);
    }
    return found;
}

const crypto::Certificate* find_issuer(const crypto::Certificate& certificate,
                                       std::span<const crypto::Certificate> store) {
    const auto issuer = std::ranges::find_if(store, [&](const crypto::Certificate& other) {
        return other.is_ca() && other.subject_text() == certificate.issuer_text();
    });
    return issuer == store.end() ? nullptr : &*issuer;
}

bool self_issued(const crypto::Certificate& certificate) {
    return certificate.subject_text() == certificate.issuer_text();
}

// Leaf, then the intermediates that we hold; the self-signed anchor stays home (§3.6).
struct Chain {
    std::vector<crypto::Certificate> certificates;
    std::vector<Bytes> authority_hashes;  // of every CA on the way, the anchor included
};
Chain chain_of(const crypto::Certificate& leaf, const Credentials& credentials) {
    Chain chain{.certificates = {leaf}, .authority_hashes = {}};
    while (chain.certificates.size() < model::limits::certificates_per_message) {
        const crypto::Certificate& last = chain.certificates.back();
        if (self_issued(last)) break;
        const crypto::Certificate* issuer = find_issuer(last, credentials.authorities);
        if (issuer == nullptr) issuer = find_issuer(last, credentials.certificates);
        if (issuer == nullptr) break;
        if (const auto key = issuer->public_key()) chain.authority_hashes.push_back(key->spki_hash());
        if (self_issued(*issuer)) break;
        chain.certificates.push_back(*issuer);
    }
    return chain;
}

bool peer_can_verify(const Chain& chain, const PeerHints& hints) {
    if (hints.authorities.empty()) return true;
    return std::ranges::any_of(chain.authority_hashes, [&](const Bytes& hash) {
        return std::ranges::find(hints.authorities, hash) != hints.authorities.end();
    });
}

model::KeyKind key_kind(crypto::SignatureScheme::Kind kind) {
    using Kind = crypto::SignatureScheme::Kind;
    switch (kind) {
        case Kind::rsa_pkcs1:
        case Kind::rsa_pss: return model::KeyKind::rsa;
        case Kind::ecdsa: return model::KeyKind::ecdsa;
        case Kind::ed25519: return model::KeyKind::ed25519;
        case Kind::ed448: break;
    }
    return model::KeyKind::ed448;
}

// Whether the words after auth = pubkey, rsa/pss-sha384 … allow a scheme, for our own signature or the peer's.
bool scheme_allowed(const crypto::SignatureScheme& scheme, const model::AuthConfig& round) {
    using Kind = crypto::SignatureScheme::Kind;
    const auto& kinds = round.key_kinds;
    if (!kinds.empty() && std::ranges::find(kinds, key_kind(scheme.kind)) == kinds.end()) return false;
    if (round.rsa_pss && scheme.kind == Kind::rsa_pkcs1 && *round.rsa_pss) return false;
    const bool hash_matters = scheme.kind != Kind::ed25519 && scheme.kind != Kind::ed448;
    if (!hash_matters || round.hashes.empty()) return true;
    return std::ranges::find(round.hashes, scheme.hash) != round.hashes.end();
}

// How the peer signed; nothing when it cannot be told, which the verification refuses anyway.
std::optional<crypto::SignatureScheme> scheme_of(const PeerProof& proof) {
    using Kind = crypto::SignatureScheme::Kind;
    switch (proof.method) {
        case model::AuthMethod::rsa: return crypto::SignatureScheme{Kind::rsa_pkcs1, model::SignatureHash::sha1};
        case model::AuthMethod::ecdsa_256: return crypto::SignatureScheme{Kind::ecdsa, model::SignatureHash::sha2_256};
        case model::AuthMethod::ecdsa_384: return crypto::SignatureScheme{Kind::ecdsa, model::SignatureHash::sha2_384};
        case model::AuthMethod::ecdsa_521: return crypto::SignatureScheme{Kind::ecdsa, model::SignatureHash::sha2_512};
        default: break;
    }
    // RFC 7427 §3: one octet of length, the AlgorithmIdentifier, the signature.
    if (proof.auth_data.empty() || proof.auth_data.size() < 1u + proof.auth_data[0]) return std::nullopt;
    const auto scheme = crypto::parse_algorithm_identifier(proof.auth_data.subspan(1, proof.auth_data[0]));
    if (!scheme) return std::nullopt;
    return *scheme;
}

// RFC 7427 §4: method 14 if the peer announced hashes, else the methods of RFC 7296 and RFC 4754.
bool choose_scheme(SignaturePlan& plan, const model::AuthConfig& local, const PeerHints& hints) {
    const crypto::KeyType type = plan.key.public_key().type();
    if (hints.signature_hashes) {
        for (const crypto::SignatureScheme& scheme : crypto::schemes_for(type, *hints.signature_hashes)) {
            if (!scheme_allowed(scheme, local)) continue;
            plan.scheme = scheme;
            return true;
        }
        return false;
    }
    plan.old_method = true;
    switch (type) {
        case crypto::KeyType::rsa: plan.method = model::AuthMethod::rsa; return true;
        case crypto::KeyType::ecdsa_256: plan.method = model::AuthMethod::ecdsa_256; return true;
        case crypto::KeyType::ecdsa_384: plan.method = model::AuthMethod::ecdsa_384; return true;
        case crypto::KeyType::ecdsa_521: plan.method = model::AuthMethod::ecdsa_521; return true;
        case crypto::KeyType::ed25519:
        case crypto::KeyType::ed448: return false;  // RFC 8420: only with RFC 7427.
    }
    return false;
}

Result<LocalProof> plan_signature(const model::AuthConfig& local, const model::Identity& own_id,
                                  const Credentials& credentials, const PeerHints& hints) {
    const std::vector<crypto::Certificate> own = candidates(local, credentials, own_id);
    if (own.empty())
        return tell_operator("no certificate with a private key for " + text_of(own_id) +
                             ": name one under local.certs, or put it into x509 and its key into private");
    std::string reason;
    for (const bool must_be_known : {true, false}) {
        for (const crypto::Certificate& certificate : own) {
            const crypto::PrivateKey* key = private_key_of(certificate, credentials);
            if (key == nullptr) {
                reason = "the private key of certificate \"" + certificate.subject_text() + "\" is not loaded";
                continue;
            }
            Chain chain = chain_of(certificate, credentials);
            // A certificate of a CA that the peer asked for first; then any: CERTREQ is a hint (§3.7).
            if (must_be_known && !peer_can_verify(chain, hints)) continue;
            SignaturePlan plan{.key = *key, .chain = std::move(chain.certificates)};
            if (choose_scheme(plan, local, hints)) return plan;
            reason = "the peer announced no signature hash that certificate \"" + certificate.subject_text() +
                     "\" and local.auth = " + local.auth_text + " allow";
        }
    }
    return tell_operator(std::move(reason));
}

const crypto::Certificate* find_by_identity(const model::Identity& id, std::span<const crypto::Certificate> store) {
    const auto found = std::ranges::find_if(store, [&](const crypto::Certificate& certificate) {
        return std::ranges::find(certificate.identities(), id) != certificate.identities().end();
    });
    return found == store.end() ? nullptr : &*found;
}

Result<crypto::VerifyJob> verify_job(const model::AuthConfig& remote, const PeerProof& proof,
                                     const Credentials& credentials) {
    crypto::VerifyJob job{
        .certificates = proof.certificates,
        .extra = credentials.certificates,
        .anchors = remote.ca_certificates.empty() ? credentials.authorities : parsed(remote.ca_certificates, credentials),
        .pinned = parsed(remote.certificates, credentials),
        .now = proof.now,
        .method = proof.method,
        .auth_data = keep(proof.auth_data),
        .octets = proof.octets,
        .identity = proof.id};
    if (!job.certificates.empty()) return job;
    // The peer may leave its certificate out when it believes that we have it.
    const crypto::Certificate* known = find_by_identity(proof.id, job.pinned);
    if (known == nullptr) known = find_by_identity(proof.id, credentials.certificates);
    if (known == nullptr)
        return refuse_peer(text_of(proof.id) +
                           " sent no certificate and none is loaded for it: let the peer send it "
                           "(send_cert = always), or put it under remote.certs");
    job.certificates.push_back(known->der());
    return job;
}

bool is_signature(model::AuthMethod method) {
    using enum model::AuthMethod;
    return method == rsa || method == ecdsa_256 || method == ecdsa_384 || method == ecdsa_521 ||
           method == digital_signature;
}

}  // namespace

Bytes id_payload_body(const model::Identity& identity) {
    const std::uint8_t head[4] = {static_cast<std::uint8_t>(identity.type), 0, 0, 0};
    return concat({head, identity.data});
}

model::Identity local_identity(const model::AuthConfig& local, const Credentials& credentials,
                               model::IpAddress own_address) {
    if (!local.id.is_any()) return local.id;
    if (local.auth == model::AuthClass::pubkey) {
        const std::vector<crypto::Certificate> own = candidates(local, credentials, local.id);
        if (!local.certificates.empty() && !own.empty())
            return {.type = model::IdType::der_asn1_dn, .data = own.front().subject()};
    }
    return model::Identity::of(own_address);
}

Result<LocalProof> plan_local_proof(const model::AuthConfig& local, const model::Identity& own_id,
                                    const std::optional<model::Identity>& peer_id, const model::Config& config,
                                    const Credentials& credentials, const PeerHints& hints) {
    if (local.auth == model::AuthClass::pubkey) return plan_signature(local, own_id, credentials, hints);
    auto secret = find_shared_secret(config, own_id, peer_id);
    if (!secret)
        return tell_operator(
            "no shared key for " + text_of(own_id) + " and " + (peer_id ? text_of(*peer_id) : "any peer") +
            ": add secrets.ike-<name> with id = " + (peer_id ? text_of(*peer_id) : "<the peer's identity>"));
    return SharedKeyPlan{std::move(secret)};
}

AuthData shared_key_auth(const SharedKeyPlan& plan, model::Prf prf, ByteView octets) {
    return {.method = model::AuthMethod::shared_key,
            .data = keep(shared_key_mic(prf, plan.secret->secret, octets).reveal())};
}

crypto::SignJob sign_job(const SignaturePlan& plan, Bytes octets) {
    return {.key = plan.key,
            .scheme = plan.scheme,
            .octets = std::move(octets),
            .old_method = plan.old_method,
            .method = plan.method};
}

Bytes acceptable_authorities(const model::AuthConfig& remote, const Credentials& credentials) {
    const std::vector<crypto::Certificate> own = parsed(remote.ca_certificates, credentials);
    const auto& authorities = own.empty() ? credentials.authorities : own;
    Bytes hashes;
    std::size_t count = 0;
    for (const crypto::Certificate& authority : authorities) {
        const auto key = authority.public_key();
        if (key && count++ < model::limits::certificate_authorities_per_certreq) append(hashes, key->spki_hash());
    }
    return hashes;
}

Result<std::vector<Bytes>> parse_authorities(ByteView certreq_data) {
    if (certreq_data.size() % authority_hash_octets != 0)
        return fail(Errc::bad_length, "CERTREQ payload", "the length is no multiple of 20");
    if (certreq_data.size() / authority_hash_octets > model::limits::certificate_authorities_per_certreq)
        return fail(Errc::limit, "CERTREQ payload", "too many certification authorities");
    std::vector<Bytes> hashes;
    for (; !certreq_data.empty(); certreq_data = certreq_data.subspan(authority_hash_octets))
        hashes.push_back(keep(certreq_data.first(authority_hash_octets)));
    return hashes;
}

bool expects_certificates(const model::Connection& connection) {
    return connection.send_certreq && std::ranges::any_of(connection.remote, [](const model::AuthConfig& round) {
               return round.auth != model::AuthClass::psk;
           });
}

Result<std::variant<Verified, crypto::VerifyJob>> check_peer(const model::AuthConfig& remote,
                                                             const model::Identity& own_id, const PeerProof& proof,
                                                             model::Prf prf, const model::Config& config,
                                                             const Credentials& credentials) {
    if (!accepts(remote.id, proof.id))
        return refuse_peer("the peer says that it is " + text_of(proof.id) + ", the connection expects " +
                           text_of(remote.id) + ": make remote.id here and local.id there agree");
    if (is_signature(proof.method)) {
        if (remote.auth == model::AuthClass::psk)
            return refuse_peer(text_of(proof.id) +
                               " authenticates with a certificate, the connection expects a pre-shared key "
                               "(remote.auth = psk)");
        const auto scheme = scheme_of(proof);
        if (scheme && !scheme_allowed(*scheme, remote))
            return refuse_peer(text_of(proof.id) + " signs with " + scheme->text() +
                               ", the connection expects remote.auth = " + remote.auth_text);
        return TRY(verify_job(remote, proof, credentials));
    }
    if (proof.method != model::AuthMethod::shared_key)
        return refuse_peer("authentication method " + model::name_of(proof.method) + " of " + text_of(proof.id) +
                           " is not supported");
    if (remote.auth == model::AuthClass::pubkey)
        return refuse_peer(text_of(proof.id) +
                           " authenticates with a pre-shared key, the connection expects a certificate "
                           "(remote.auth = " +
                           remote.auth_text + ")");
    const auto secret = find_shared_secret(config, own_id, proof.id);
    if (!secret)
        return refuse_peer("no shared key for " + text_of(own_id) + " and " + text_of(proof.id) +
                           ": add secrets.ike-<name> with id = " + text_of(proof.id));
    if (!shared_key_mic(prf, secret->secret, proof.octets).equals(proof.auth_data))
        return refuse_peer("the pre-shared keys of " + text_of(own_id) + " and " + text_of(proof.id) +
                           " differ: secrets." + secret->name + " here is not what the peer uses");
    return Verified{.how = "pre-shared key"};
}

std::shared_ptr<const model::SharedSecret> find_shared_secret(const model::Config& config,
                                                              const model::Identity& own_id,
                                                              const std::optional<model::Identity>& peer_id) {
    std::shared_ptr<const model::SharedSecret> best;
    int best_score = -1;
    for (const auto& [name, secret] : config.secrets) {
        int score = 0;
        for (const model::Identity& owner : secret->owners) {
            if (owner.is_any()) continue;
            // Naming the peer says more than naming ourselves, which every secret of ours may do.
            if (peer_id && accepts(owner, *peer_id)) score |= 2;
            if (accepts(owner, own_id)) score |= 1;
        }
        const bool for_everybody =
            secret->owners.empty() || std::ranges::any_of(secret->owners, &model::Identity::is_any);
        if (score == 0 && !for_everybody) continue;
        if (score > best_score) {
            best = secret;
            best_score = score;
        }
    }
    return best;
}

bool accepts(const model::Identity& pattern, const model::Identity& peer) {
    const bool names = pattern.type == model::IdType::der_asn1_dn && peer.type == model::IdType::der_asn1_dn;
    return names ? crypto::distinguished_name_matches(pattern.data, peer.data) : pattern.matches(peer);
}

std::string text_of(const model::Identity& identity) { return identity.text(&crypto::distinguished_name_text); }

}  // namespace cygnet::ike
