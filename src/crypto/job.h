// Slow work as values: the core describes a job, the driver runs it (on any thread, or at once in
// the simulator) and hands the result back. Nothing slow ever happens inside Engine::step.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/chain_cache.h"
#include "crypto/key_exchange.h"
#include "crypto/puzzle.h"
#include "crypto/revocation.h"
#include "crypto/signature.h"
#include "crypto/x509.h"
#include "model/ppk.h"

namespace cygnet::crypto {

struct KeOfferJob {
    model::Ke method;
};
struct KeAnswerJob {
    model::Ke method;
    Bytes peer_public;
};
struct KeFinishJob {
    KeOffer offer;
    Bytes peer_public;
};
// Signs `octets` with the first of `schemes`, or with an old AUTH method when `old_method` is not none.
struct SignJob {
    PrivateKey key;
    SignatureScheme scheme;
    Bytes octets;
    bool old_method = false;
    model::AuthMethod method{};
    std::optional<Certificate> certificate{};  // whose key it is
    std::optional<Staple> staple{};            // the peer asked for an OCSP response about our certificate
};
// A certificate of which the peer sent hash and URL instead (RFC 7296 §3.6): its place among `certificates` is empty.
struct HashAndUrl {
    std::size_t place = 0;
    Bytes hash{};  // SHA-1
    LookUp look_up{};
};
// Validates the path to one of `anchors`, then the signature over `octets` by the leaf's key, then looks whether the path
// was revoked, as far as that is known.
struct VerifyJob {
    std::vector<Bytes> certificates;           // DER, leaf first, as received
    std::vector<HashAndUrl> by_url{};
    std::vector<Answer> fetched{};             // for them, in their order
    std::vector<Certificate> extra;            // intermediates of our own store
    std::vector<Certificate> anchors;
    std::vector<Certificate> pinned;           // non-empty: the leaf must be one of these, which are trusted as they are
    PathRules rules{};
    std::shared_ptr<ChainCache> chains{};      // may be none
    model::AuthMethod method{};
    Bytes auth_data;                           // of the AUTH payload
    Bytes octets;
    model::Identity identity;                  // what the peer claims; must be the subject or a subjectAltName
    model::Revocation revocation{};
    std::shared_ptr<const RevocationSources> sources{};
    std::shared_ptr<RevocationCache> revocations{};  // none: nothing is checked
    std::vector<Bytes> ocsp_responses{};       // that came with the certificates (RFC 4806)
};
// Verifies the signature over `octets` by one of the raw public keys that the operator trusts (RFC 7670): no path, and the
// identity is the operator's word.
struct VerifyRawKeyJob {
    std::vector<PublicKey> trusted;
    model::AuthMethod method{};
    Bytes auth_data;
    Bytes octets;
};
// Proof of work over octets of the responder's choice.
struct PuzzleJob {
    Puzzle puzzle;
    Bytes octets;
};

struct SignedAuth {
    model::AuthMethod method{};
    Bytes auth_data;  // of the AUTH payload, for method 14 with its AlgorithmIdentifier prefix
    std::optional<Staple> staple{};
    Bytes ocsp_response{};               // about our certificate
    std::vector<LookUp> look_ups{};      // not empty: one may be had there
};
struct VerifiedPeer {
    Certificate leaf;
    Certificate anchor;
    std::string scheme;  // for people: "ECDSA with SHA2_256"
    RevocationCheck revocation{};
    std::vector<LookUp> look_ups{};  // not empty: undecided until they are answered
};
struct VerifiedKey {
    PublicKey key;
    std::string scheme;
};
// Continue with what was looked up; each result may want more.
struct SettleStapleJob {
    SignedAuth made;
    std::vector<Answer> answers;
};
struct SettleRevocationJob {
    VerifiedPeer peer;
    std::vector<Answer> answers;
};
// Its special members are compiled once, in job.cc: as inline ones they are most of what each file that includes this costs.
struct Job : std::variant<KeOfferJob, KeAnswerJob, KeFinishJob, SignJob, VerifyJob, VerifyRawKeyJob, SettleStapleJob,
                          SettleRevocationJob, PuzzleJob> {
    using variant::variant;
    Job(Job&& other) noexcept;
    Job& operator=(Job&& other) noexcept;
    ~Job();
};
struct SolvedPuzzle {
    Bytes keys;
};
// Its special members are compiled once, in job.cc: as inline ones they are most of what each file that includes this costs.
struct JobResult : std::variant<Result<KeOffer>, Result<KeAnswer>, Result<SecretBytes>, Result<SignedAuth>,
                                Result<VerifiedPeer>, Result<VerifiedKey>, Result<SolvedPuzzle>, Result<model::PpkAnswer>> {
    using variant::variant;
    JobResult(JobResult&& other) noexcept;
    JobResult& operator=(JobResult&& other) noexcept;
    ~JobResult();
};

// Any thread; beside the caches that a job names there is no state.
JobResult run(Job job);

// Whether it takes well below a millisecond, so that handing it to another thread costs about as much as doing it: one
// operation or two on a small curve or a lattice, and nothing of which only the peer knows how much it is.
bool is_brief(const Job& job);

}  // namespace cygnet::crypto
