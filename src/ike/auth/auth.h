// Authentication of both sides as plans: who we are and with which credential we prove it, and how the
// peer's proof is checked. RFC 7296 §2.15, §2.16, §3.6 to §3.8, RFC 7427.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "crypto/job.h"
#include "ike/auth/announcements.h"
#include "ike/auth/key_pads.h"
#include "ike/credentials.h"
#include "ike/keys.h"
#include "model/config.h"
#include "model/limits.h"
#include "wire/payloads.h"

namespace cygnet::ike {

// The body of an ID payload: type, three reserved octets, data (the part that AUTH covers, §2.15).
Bytes id_payload_body(const model::Identity& identity);

// ---- our own proof ------------------------------------------------------------------------------

struct SharedKeyPlan {
    std::shared_ptr<const model::SharedSecret> secret;
};
struct SignaturePlan {
    crypto::PrivateKey key;
    crypto::SignatureScheme scheme{};
    bool old_method = false;  // the peer announced no signature hashes (RFC 7427 §4)
    model::AuthMethod method = model::AuthMethod::digital_signature;
    std::vector<crypto::Certificate> chain{};  // to send: leaf first, without the anchor
    Bytes raw_key{};                           // or this SubjectPublicKeyInfo (RFC 7670)
    bool announced = false;                    // the peer says that it takes this (RFC 9593)
    const char* why = "";                      // this scheme, for the log
};
struct NullPlan {};     // RFC 7619: we prove nothing
struct ResumedPlan {};  // RFC 5723 §4.3.3: the keys of a resumed SA are the proof
using LocalProof = std::variant<SharedKeyPlan, SignaturePlan, NullPlan, ResumedPlan>;

// RFC 4739: how far the authentication has come on both sides, which may each prove several identities.
struct PeerRound {
    model::Identity id{};
    model::AuthMethod method{};
};
struct AuthRounds {
    std::vector<PeerRound> peer{};  // that were verified
    bool peer_follows = false;      // the last of them announced another one
    bool peer_supports = false;     // MULTIPLE_AUTH_SUPPORTED came
    std::size_t own = 0;            // AUTH payloads that we have sent
    bool resumed = false;           // RFC 5723: by a ticket, in one round

    // A peer without RFC 4739 gets the first of our proofs alone.
    bool own_left(const model::Connection& connection) const {
        return own == 0 || (!resumed && peer_supports && own < connection.local.size());
    }
    bool peer_left() const { return peer.empty() || peer_follows; }
};

// What the peer told us before we must prove ourselves.
struct PeerHints {
    std::optional<std::vector<model::SignatureHash>> signature_hashes{};  // SIGNATURE_HASH_ALGORITHMS, if it came
    std::vector<Bytes> authorities{};  // SHA-1 of the SubjectPublicKeyInfo of CAs it trusts (CERTREQ); empty: not said
    bool raw_keys = false;             // it takes raw public keys (CERTREQ)
    bool ocsp = false;                 // it asks for an OCSP response (CERTREQ, RFC 4806)
    bool looks_up = false;             // it takes certificates by hash and URL (HTTP_CERT_LOOKUP_SUPPORTED)
    std::optional<model::Identity> wanted{};  // IDr: who it wants to talk to
    AnnouncedMethods announced{};              // SUPPORTED_AUTH_METHODS (RFC 9593); empty: not said
    std::optional<crypto::SignatureScheme> shown{};  // how it has signed itself
    bool refused_pss = false;                  // a signature with RSA-PSS, the last time
};

// Who we say we are: the configured identity, else the subject of our certificate, else our IKE address.
model::Identity local_identity(const model::AuthConfig& local, const Credentials& credentials,
                               model::IpAddress own_address);

// The same once the credential is chosen: without a configured identity, the one that the peer asks for or the subject, as
// far as the certificate says so.
model::Identity identity_with(const LocalProof& proof, const model::AuthConfig& local, const PeerHints& hints,
                              model::Identity provisional);

// Chooses the credential for one round: a certificate or raw key that names us, of a CA that the peer knows, with a
// signature that both allow; `announced` says which the peer takes in this round, if it says so (RFC 9593). Errors are for the
// operator: no secret for the peer, no private key for a certificate, nothing that the peer can verify.
Result<LocalProof> plan_local_proof(const model::AuthConfig& local, const model::Identity& own_id,
                                    const std::optional<model::Identity>& peer_id, const model::Config& config,
                                    const Credentials& credentials, const PeerHints& hints,
                                    std::span<const Announcement> announced = {});

// The AUTH data of a shared key, at once; of a signature, the job that makes it.
struct AuthData {
    model::AuthMethod method{};
    Bytes data;
};
// RFC 7619 §2.1: `sk_p` is SK_pi of an initiator, SK_pr of a responder.
AuthData null_auth(const SecretBytes& sk_p, model::Prf prf, ByteView octets);
AuthData shared_key_auth(const SharedKeyPlan& plan, KeyPads& pads, model::Prf prf, ByteView octets);
// RFC 5723 §4.3.3: AUTH = prf(SK_px, octets).
AuthData resumed_auth(model::Prf prf, const SecretBytes& sk_p, ByteView octets);
crypto::SignJob sign_job(const SignaturePlan& plan, Bytes octets);

// The CERTREQ data: SHA-1 hashes of the CAs that this side accepts for `remote`, one after the other; empty if none.
Bytes acceptable_authorities(const model::AuthConfig& remote, const Credentials& credentials);
// Its reverse: one entry per hash; a length that is no multiple of 20 is bad_length.
Result<std::vector<Bytes>> parse_authorities(ByteView certreq_data);

// Whether any of our connections may authenticate a peer by certificate, so that a responder asks for one.
bool expects_certificates(const model::Connection& connection);

// ---- the peer's proof ---------------------------------------------------------------------------

struct PeerProof {
    model::Identity id;
    model::AuthMethod method{};
    ByteView auth_data;
    std::vector<Bytes> certificates{};  // DER of the CERT payloads, in order: the first is the leaf (§3.6)
    std::optional<Bytes> raw_key{};     // or SubjectPublicKeyInfo (RFC 7670)
    const SecretBytes* sk_p = nullptr;  // the peer's, for NULL authentication
    std::vector<crypto::HashAndUrl> by_url{};  // instead of some of them: their entries are empty
    std::vector<Bytes> ocsp_responses{};       // that came along (RFC 4806)
    Bytes octets;                       // what AUTH must cover
    std::int64_t now = 0;               // seconds since 1970
};
struct Verified {
    std::string how;  // "pre-shared key"
};
using PeerCheck = std::variant<Verified, crypto::VerifyJob, crypto::VerifyRawKeyJob>;
// A shared key is checked at once; a signature becomes a job. Errors: authentication, with the sentence for the log:
// identity not accepted, method not accepted, no secret, MIC wrong, certificate missing.
Result<PeerCheck> check_peer(const model::AuthConfig& remote, const model::Identity& own_id, const PeerProof& proof,
                             model::Prf prf, KeyPads& pads, const model::Config& config, const Credentials& credentials);

// Whether a peer that proves itself with `method` and these certificates may be the one that `remote` describes: cheap, by
// names, before anything is verified.
bool may_satisfy(const model::AuthConfig& remote, model::AuthMethod method, std::span<const Bytes> certificates,
                 const std::optional<Bytes>& raw_key, const Credentials& credentials);

// How well `pattern` fits an identity that it accepts: the exact one (closest), a pattern less, any least.
inline constexpr unsigned closest = 3;
unsigned closeness(const model::Identity& pattern);

// The secret for a pair of identities: the one whose owners name the most of the two; a secret without owners fits all.
std::shared_ptr<const model::SharedSecret> find_shared_secret(const model::Config& config,
                                                              const model::Identity& own_id,
                                                              const std::optional<model::Identity>& peer_id);

// Whether `pattern`, an identity of the configuration, accepts that of a peer: model::Identity::matches, but distinguished
// names RDN by RDN, whatever their string types (RFC 5280 §7.1).
bool accepts(const model::Identity& pattern, const model::Identity& peer);

// The text of an identity with distinguished names spelled out.
std::string text_of(const model::Identity& identity);

}  // namespace cygnet::ike
