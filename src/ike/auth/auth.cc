#include "ike/auth/auth.h"

#include <algorithm>
#include <tuple>

#include "crypto/prf.h"
#include "ike/auth/signature_choice.h"
#include "ike/explain.h"
#include "model/config_index.h"

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

std::unexpected<Error> refuse_peer(Explanation why) {
    return fail(explained(std::move(refuse_peer(std::string()).error()), std::move(why)));
}

std::unexpected<Error> tell_operator(std::string detail) {
    return fail(Error{.code = Errc::not_found,
                      .where = "own credentials",
                      .reaction = Reaction::end_sa,
                      .notify = static_cast<std::uint16_t>(model::NotifyType::authentication_failed),
                      .detail = std::move(detail)});
}

std::unexpected<Error> tell_operator(Explanation why) {
    return fail(explained(std::move(tell_operator(std::string()).error()), std::move(why)));
}

const crypto::PrivateKey* private_key_of(const crypto::Certificate& certificate, const Credentials& credentials) {
    const auto& key = certificate.public_key();
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
        return other.is_ca() && certificate.is_issued_by(other);
    });
    return issuer == store.end() ? nullptr : &*issuer;
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
        if (last.is_self_issued()) break;
        const crypto::Certificate* issuer = find_issuer(last, credentials.authorities);
        if (issuer == nullptr) issuer = find_issuer(last, credentials.certificates);
        if (issuer == nullptr) break;
        if (const auto& key = issuer->public_key()) chain.authority_hashes.push_back(key->spki_hash());
        if (issuer->is_self_issued()) break;
        chain.certificates.push_back(*issuer);
    }
    return chain;
}

// Whether a path by names alone leads from the first of `shown` to one of `anchors`, over the others and our own store.
bool issued_below(std::span<const Bytes> shown, std::span<const Bytes> anchors, const Credentials& credentials) {
    auto leaf = crypto::Certificate::parse(shown.front());
    if (!leaf) return false;
    std::vector<crypto::Certificate> known = parsed(anchors, credentials);
    for (const crypto::Certificate& one : parsed(shown.subspan(1), credentials)) known.push_back(one);
    known.insert(known.end(), credentials.authorities.begin(), credentials.authorities.end());
    known.insert(known.end(), credentials.certificates.begin(), credentials.certificates.end());
    crypto::Certificate at = *leaf;
    for (std::size_t steps = 0; steps < model::limits::certificates_per_message; ++steps) {
        if (std::ranges::find(anchors, at.der()) != anchors.end()) return true;
        const crypto::Certificate* issuer = at.is_self_issued() ? nullptr : find_issuer(at, known);
        if (issuer == nullptr) return false;
        at = crypto::Certificate(*issuer);
    }
    return false;
}

bool has_wildcard_rdn(const model::Identity& pattern) {
    return pattern.type == model::IdType::der_asn1_dn && text_of(pattern).find("=*") != std::string::npos;
}

bool peer_can_verify(const Chain& chain, const PeerHints& hints) {
    if (hints.authorities.empty()) return true;
    return std::ranges::any_of(chain.authority_hashes, [&](const Bytes& hash) {
        return std::ranges::find(hints.authorities, hash) != hints.authorities.end();
    });
}

// Words of one family mean the certificates too: what one broken algorithm can forge is worth nothing there.
crypto::PathRules::Signers signers_of(const model::AuthConfig& remote) {
    using enum crypto::PathRules::Signers;
    if (remote.key_kinds.empty() || remote.of_ike_alone) return any;
    const auto is_post_quantum = [](model::KeyKind kind) { return kind >= model::KeyKind::ml_dsa_44; };
    if (std::ranges::all_of(remote.key_kinds, is_post_quantum)) return post_quantum;
    return std::ranges::none_of(remote.key_kinds, is_post_quantum) ? classic : any;
}

bool certifies(const crypto::Certificate& certificate, const model::Identity& id) {
    return std::ranges::any_of(certificate.identities(), [&](const model::Identity& known) {
        const bool names = known.type == model::IdType::der_asn1_dn && id.type == known.type;
        return names ? crypto::same_distinguished_name(known.data, id.data) : known == id;
    });
}

// One credential that could be used.
struct Option {
    SignaturePlan plan;
    bool names_us = false;  // it certifies our configured identity
    bool known = false;     // of a CA, or of a kind, that the peer asked for
    bool wanted = false;    // it certifies the identity that the peer asked for
    std::string text;       // for errors
    std::vector<Bytes> authorities{};          // by which it is certified
    std::optional<SignatureChoice> choice{};   // how it would sign
};

// CERTREQ and IDr are hints (§3.7): what the peer wants comes first, then whatever we have. RFC 9593 §3: of what is alike in
// these, the one whose signature the peer prefers.
bool better(const Option& a, const Option& b) {
    const auto rank = [](const Option& one) {
        return std::tuple(one.names_us, one.known, one.wanted, one.choice.has_value());
    };
    if (rank(a) != rank(b)) return rank(a) > rank(b);
    return a.choice && b.choice && a.choice->place < b.choice->place;
}

std::vector<Option> signature_options(const model::AuthConfig& local, const model::Identity& own_id,
                                      const Credentials& credentials, const PeerHints& hints, Explanation& reason) {
    std::vector<Option> options;
    const bool raw_only = local.certificates.empty() && !local.public_keys.empty();
    const auto certificates =
        raw_only ? std::vector<crypto::Certificate>() : candidates(local, credentials, own_id);
    for (const crypto::Certificate& certificate : certificates) {
        const crypto::PrivateKey* key = private_key_of(certificate, credentials);
        if (key == nullptr) {
            reason = {.kind = "certificate",
                      .what = "the private key of certificate \"" + certificate.subject_text() + "\" is not loaded",
                      .advice = "put it into private"};
            continue;
        }
        Chain chain = chain_of(certificate, credentials);
        options.push_back({.plan = {.key = *key, .chain = {}, .raw_key = {}},
                           .names_us = local.id.is_any() || certifies(certificate, own_id),
                           .known = peer_can_verify(chain, hints),
                           .wanted = hints.wanted && certifies(certificate, *hints.wanted),
                           .text = "certificate \"" + certificate.subject_text() + "\""});
        options.back().plan.chain = std::move(chain.certificates);
        options.back().authorities = std::move(chain.authority_hashes);
    }
    for (const Bytes& spki : local.public_keys) {
        const auto key = crypto::PublicKey::from_spki(spki);
        const auto found = key ? credentials.private_keys.find(key->key_id()) : credentials.private_keys.end();
        if (found == credentials.private_keys.end()) {
            reason = {.kind = "certificate",
                      .what = "the private key of the raw public key " + (key ? hex(key->key_id()) : "") + " is not loaded",
                      .advice = "put it into private"};
            continue;
        }
        options.push_back({.plan = {.key = found->second, .chain = {}, .raw_key = spki},
                           .names_us = true,
                           .known = hints.raw_keys,
                           .wanted = false,
                           .text = "raw public key " + hex(key->key_id())});
        break;  // As swanctl: the first one.
    }
    return options;
}

// The best of those that can sign by what `choose` allows.
template <class Choose>
std::optional<SignaturePlan> best_option(std::vector<Option>& options, Choose&& choose) {
    for (Option& option : options) option.choice = choose(option);
    std::ranges::stable_sort(options, better);
    for (Option& option : options) {
        if (!option.choice) continue;
        option.plan.scheme = option.choice->scheme;
        option.plan.method = option.choice->method;
        option.plan.old_method = option.choice->method != model::AuthMethod::digital_signature;
        option.plan.why = option.choice->why;
        return std::move(option.plan);
    }
    return std::nullopt;
}

Result<LocalProof> plan_signature(const model::AuthConfig& local, const model::Identity& own_id,
                                  const Credentials& credentials, const PeerHints& hints,
                                  std::span<const Announcement> announced) {
    Explanation reason{.kind = "certificate",
                       .what = "no certificate with a private key for " + text_of(own_id),
                       .advice = "name one under local.certs, or put it into x509 and its key into private; local.id must be "
                                 "its subject or one of its subjectAltNames"};
    std::vector<Option> options = signature_options(local, own_id, credentials, hints, reason);
    const auto type_of = [](const Option& option) { return option.plan.key.public_key().type(); };
    const bool named = std::ranges::any_of(options, &Option::names_us);
    auto plan = best_option(options, [&](const Option& option) {
        // Who we are comes before how we sign.
        if (named && !option.names_us) return std::optional<SignatureChoice>();
        return choose_announced(type_of(option), local, hints, announced, option.authorities);
    });
    if (plan) {
        plan->announced = true;
        return *std::move(plan);
    }
    // RFC 9593 §3: announcements are hints; the peer may have meant another of its connections.
    plan = best_option(options, [&](const Option& option) { return choose_signature(type_of(option), local, hints); });
    if (plan) return *std::move(plan);
    if (!options.empty())
        reason = {.kind = "certificate",
                  .what = "the peer announced no signature hash that our credential can use",
                  .ours = options.front().text + " with local.auth = " + local.auth_text,
                  .theirs = hashes_text(hints),
                  .advice = "let local.auth allow one of them, or use a key of another type"};
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
        .by_url = proof.by_url,
        .extra = credentials.certificates,
        .anchors = remote.ca_certificates.empty() ? credentials.authorities : parsed(remote.ca_certificates, credentials),
        .pinned = parsed(remote.certificates, credentials),
        .rules = {.now = proof.now,
                  .policies = remote.cert_policies,
                  .signers = signers_of(remote),
                  .require_ike_usage = remote.require_ike_usage},
        .method = proof.method,
        .auth_data = keep(proof.auth_data),
        .octets = proof.octets,
        .identity = proof.id,
        .revocation = remote.revocation,
        .ocsp_responses = proof.ocsp_responses};
    if (!job.certificates.empty()) return job;
    // The peer may leave its certificate out when it believes that we have it.
    const crypto::Certificate* known = find_by_identity(proof.id, job.pinned);
    if (known == nullptr) known = find_by_identity(proof.id, credentials.certificates);
    if (known == nullptr)
        return refuse_peer({.kind = "certificate",
                            .what = text_of(proof.id) + " sent no certificate and none is loaded for it",
                            .advice = "let the peer send it (send_cert = always), or put it under remote.certs"});
    job.certificates.push_back(known->der());
    return job;
}

// RFC 7670 §4: a raw key is trusted because the operator says so. A certificate of such a key is the key.
Result<crypto::VerifyRawKeyJob> verify_raw_key_job(const model::AuthConfig& remote, const PeerProof& proof) {
    std::optional<Bytes> shown = proof.raw_key;
    if (!shown && !proof.certificates.empty()) {
        const auto leaf = crypto::Certificate::parse(proof.certificates.front());
        const auto key = leaf ? leaf->public_key() : Result<crypto::PublicKey>(fail(leaf.error()));
        if (!key) return refuse_peer("the certificate of " + text_of(proof.id) + ": " + key.error().text());
        shown = key->spki();
    }
    crypto::VerifyRawKeyJob job{
        .trusted = {}, .method = proof.method, .auth_data = keep(proof.auth_data), .octets = proof.octets};
    for (const Bytes& spki : remote.public_keys) {
        if (shown && *shown != spki) continue;
        if (auto key = crypto::PublicKey::from_spki(spki)) job.trusted.push_back(std::move(*key));
    }
    if (job.trusted.empty())
        return refuse_peer(text_of(proof.id) + " has a public key that the connection does not name: put it under " +
                           "remote.pubkeys if it is the right one");
    return job;
}

bool trusts_raw_key(const model::AuthConfig& remote, const PeerProof& proof) {
    if (proof.raw_key) return true;
    if (remote.public_keys.empty()) return false;
    return proof.certificates.empty() || (remote.certificates.empty() && remote.ca_certificates.empty());
}

std::unexpected<Error> refuse_anonymous(const model::AuthConfig& remote) {
    return refuse_peer("the peer proves no identity (NULL authentication), the connection expects " +
                       (remote.id.is_any() ? "one" : text_of(remote.id)) + " (remote.auth = " + remote.auth_text + ")");
}

// RFC 7619 §2.1, §2.2: that the peer has the keys, and nothing of what it says about itself.
Result<PeerCheck> check_anonymous(const model::AuthConfig& remote, const PeerProof& proof, model::Prf prf) {
    if (remote.auth != model::AuthClass::null) return refuse_anonymous(remote);
    if (proof.sk_p == nullptr || !shared_key_mic(prf, *proof.sk_p, proof.octets).equals(proof.auth_data))
        return refuse_peer("the AUTH payload of a peer without identity is wrong: somebody changed the handshake");
    return Verified{.how = "NULL authentication (who it is, nobody knows)"};
}

bool is_signature(model::AuthMethod method) {
    using enum model::AuthMethod;
    return method == rsa || method == ecdsa_256 || method == ecdsa_384 || method == ecdsa_521 ||
           method == digital_signature;
}

// In the order of their names; with an index only those that may fit.
std::vector<std::shared_ptr<const model::SharedSecret>> secrets_for(const model::Config& config,
                                                                   const model::Identity& own_id,
                                                                   const std::optional<model::Identity>& peer_id) {
    if (config.index) return config.index->secrets_for(own_id, peer_id ? &*peer_id : nullptr);
    std::vector<std::shared_ptr<const model::SharedSecret>> all;
    for (const auto& [name, secret] : config.secrets) all.push_back(secret);
    return all;
}

Explanation no_secret(const model::Identity& own, const std::optional<model::Identity>& peer) {
    return {.kind = "secret",
            .what = "no shared key for " + text_of(own) + " and " + (peer ? text_of(*peer) : "any peer"),
            .advice = "add a section secrets.ike-<name> with id = " + (peer ? text_of(*peer) : "<the peer's identity>") +
                      " and the secret"};
}

// Who the peer is and how it proves it must be as the connection says.
std::unexpected<Error> wrong_proof(const model::AuthConfig& remote, const std::string& used) {
    return refuse_peer(wrong_method("the connection", remote, used));
}

}  // namespace

Bytes id_payload_body(const model::Identity& identity) {
    const std::uint8_t head[4] = {static_cast<std::uint8_t>(identity.type), 0, 0, 0};
    return concat({head, identity.data});
}

model::Identity local_identity(const model::AuthConfig& local, const Credentials& credentials,
                               model::IpAddress own_address) {
    if (!local.id.is_any()) return local.id;
    if (local.auth == model::AuthClass::null) return {.type = model::IdType::null, .data = {}};
    if (local.auth == model::AuthClass::pubkey) {
        const std::vector<crypto::Certificate> own = candidates(local, credentials, local.id);
        if (!local.certificates.empty() && !own.empty())
            return {.type = model::IdType::der_asn1_dn, .data = own.front().subject()};
    }
    return model::Identity::of(own_address);
}

model::Identity identity_with(const LocalProof& proof, const model::AuthConfig& local, const PeerHints& hints,
                              model::Identity provisional) {
    const auto* signature = std::get_if<SignaturePlan>(&proof);
    if (!local.id.is_any() || signature == nullptr || signature->chain.empty()) return provisional;
    const crypto::Certificate& leaf = signature->chain.front();
    if (hints.wanted && certifies(leaf, *hints.wanted)) return *hints.wanted;
    if (certifies(leaf, provisional)) return provisional;
    return {.type = model::IdType::der_asn1_dn, .data = leaf.subject()};
}

Result<LocalProof> plan_local_proof(const model::AuthConfig& local, const model::Identity& own_id,
                                    const std::optional<model::Identity>& peer_id, const model::Config& config,
                                    const Credentials& credentials, const PeerHints& hints,
                                    std::span<const Announcement> announced) {
    if (local.auth == model::AuthClass::null) return NullPlan{};
    if (local.auth == model::AuthClass::pubkey) return plan_signature(local, own_id, credentials, hints, announced);
    auto secret = find_shared_secret(config, own_id, peer_id);
    if (!secret)
        return tell_operator(no_secret(own_id, peer_id));
    return SharedKeyPlan{std::move(secret)};
}

AuthData null_auth(const SecretBytes& sk_p, model::Prf prf, ByteView octets) {
    return {.method = model::AuthMethod::null, .data = keep(shared_key_mic(prf, sk_p, octets).reveal())};
}

AuthData shared_key_auth(const SharedKeyPlan& plan, KeyPads& pads, model::Prf prf, ByteView octets) {
    return {.method = model::AuthMethod::shared_key,
            .data = keep(crypto::prf(prf, pads.of(prf, plan.secret).reveal(), {octets}).reveal())};
}

AuthData resumed_auth(model::Prf prf, const SecretBytes& sk_p, ByteView octets) {
    return {.method = model::AuthMethod::shared_key, .data = keep(crypto::prf(prf, sk_p.reveal(), {octets}).reveal())};
}

crypto::SignJob sign_job(const SignaturePlan& plan, Bytes octets) {
    return {.key = plan.key,
            .scheme = plan.scheme,
            .octets = std::move(octets),
            .old_method = plan.old_method,
            .method = plan.method,
            .certificate = plan.chain.empty() ? std::nullopt : std::optional(plan.chain.front())};
}

Bytes acceptable_authorities(const model::AuthConfig& remote, const Credentials& credentials) {
    const std::vector<crypto::Certificate> own = parsed(remote.ca_certificates, credentials);
    const auto& authorities = own.empty() ? credentials.authorities : own;
    Bytes hashes;
    std::size_t count = 0;
    for (const crypto::Certificate& authority : authorities) {
        const auto& key = authority.public_key();
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
               return round.auth != model::AuthClass::psk && round.auth != model::AuthClass::null;
           });
}

Result<PeerCheck> check_peer(const model::AuthConfig& remote, const model::Identity& own_id, const PeerProof& proof,
                             model::Prf prf, KeyPads& pads, const model::Config& config, const Credentials& credentials) {
    if (proof.method == model::AuthMethod::null) return check_anonymous(remote, proof, prf);
    if (!accepts(remote.id, proof.id))
        return refuse_peer(wrong_peer_identity("the connection", remote.id, proof.id));
    if (is_signature(proof.method)) {
        if (remote.auth == model::AuthClass::psk || remote.auth == model::AuthClass::null)
            return wrong_proof(remote, "a certificate or public key");
        const auto scheme = scheme_of(proof.method, proof.auth_data);
        if (scheme && !scheme_allowed(*scheme, remote))
            return wrong_proof(remote, "a signature with " + scheme->text());
        if (trusts_raw_key(remote, proof)) return TRY(verify_raw_key_job(remote, proof));
        return TRY(verify_job(remote, proof, credentials));
    }
    if (proof.method != model::AuthMethod::shared_key)
        return refuse_peer("authentication method " + model::name_of(proof.method) + " of " + text_of(proof.id) +
                           " is not supported");
    if (remote.auth == model::AuthClass::pubkey || remote.auth == model::AuthClass::null)
        return wrong_proof(remote, "a pre-shared key");
    const auto secret = find_shared_secret(config, own_id, proof.id);
    if (!secret)
        return refuse_peer(no_secret(own_id, proof.id));
    if (!crypto::prf(prf, pads.of(prf, secret).reveal(), {proof.octets}).equals(proof.auth_data))
        return refuse_peer({.kind = "secret",
                            .what = "the pre-shared keys of " + text_of(own_id) + " and " + text_of(proof.id) + " differ",
                            .ours = "secrets." + secret->name,
                            .theirs = "another one",
                            .advice = "copy the same secret to both sides, and mind that the peer may find another "
                                      "section of its own for " + text_of(own_id)});
    return Verified{.how = "pre-shared key"};
}

std::shared_ptr<const model::SharedSecret> find_shared_secret(const model::Config& config,
                                                              const model::Identity& own_id,
                                                              const std::optional<model::Identity>& peer_id) {
    std::shared_ptr<const model::SharedSecret> best;
    int best_score = -1;
    for (const auto& secret : secrets_for(config, own_id, peer_id)) {
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

bool may_satisfy(const model::AuthConfig& remote, model::AuthMethod method, std::span<const Bytes> certificates,
                 const std::optional<Bytes>& raw_key, const Credentials& credentials) {
    using model::AuthClass;
    if (method == model::AuthMethod::null) return remote.auth == AuthClass::null;
    if (remote.auth == AuthClass::null) return false;
    if (remote.auth == AuthClass::any) return true;
    if ((method == model::AuthMethod::shared_key) != (remote.auth == AuthClass::psk)) return false;
    if (remote.auth == AuthClass::psk) return true;
    const auto& keys = remote.public_keys;
    if (raw_key) return std::ranges::find(keys, *raw_key) != keys.end();
    // One that is shown by hash and URL is not there yet.
    if (certificates.empty() || certificates.front().empty()) return true;
    if (!remote.certificates.empty())
        return std::ranges::find(remote.certificates, certificates.front()) != remote.certificates.end();
    return remote.ca_certificates.empty() || issued_below(certificates, remote.ca_certificates, credentials);
}

unsigned closeness(const model::Identity& pattern) {
    if (pattern.is_any()) return 1;
    return pattern.has_wildcards() || has_wildcard_rdn(pattern) ? 2 : closest;
}

bool accepts(const model::Identity& pattern, const model::Identity& peer) {
    const bool names = pattern.type == model::IdType::der_asn1_dn && peer.type == model::IdType::der_asn1_dn;
    return names ? crypto::distinguished_name_matches(pattern.data, peer.data) : pattern.matches(peer);
}

std::string text_of(const model::Identity& identity) { return identity.text(&crypto::distinguished_name_text); }

}  // namespace cygnet::ike
