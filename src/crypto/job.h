// Slow work as values: the core describes a job, the driver runs it (on any thread, or at once in
// the simulator) and hands the result back. Nothing slow ever happens inside Engine::step.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/key_exchange.h"
#include "crypto/signature.h"
#include "crypto/x509.h"

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
};
// Validates the path to one of `anchors` and then the signature over `octets` by the leaf's key.
struct VerifyJob {
    std::vector<Bytes> certificates;           // DER, leaf first, as received
    std::vector<Certificate> extra;            // intermediates of our own store
    std::vector<Certificate> anchors;
    std::vector<Certificate> pinned;           // non-empty: the leaf must be one of these, which are trusted as they are
    std::int64_t now = 0;                      // seconds since 1970
    model::AuthMethod method{};
    Bytes auth_data;                           // of the AUTH payload
    Bytes octets;
    model::Identity identity;                  // what the peer claims; must be the subject or a subjectAltName
};
// Verifies the signature over `octets` by one of the raw public keys that the operator trusts (RFC 7670): no path, and the
// identity is the operator's word.
struct VerifyRawKeyJob {
    std::vector<PublicKey> trusted;
    model::AuthMethod method{};
    Bytes auth_data;
    Bytes octets;
};
using Job = std::variant<KeOfferJob, KeAnswerJob, KeFinishJob, SignJob, VerifyJob, VerifyRawKeyJob>;

struct SignedAuth {
    model::AuthMethod method{};
    Bytes auth_data;  // of the AUTH payload, for method 14 with its AlgorithmIdentifier prefix
};
struct VerifiedPeer {
    Certificate leaf;
    Certificate anchor;
    std::string scheme;  // for people: "ECDSA with SHA2_256"
};
struct VerifiedKey {
    PublicKey key;
    std::string scheme;
};
using JobResult = std::variant<Result<KeOffer>, Result<KeAnswer>, Result<SecretBytes>, Result<SignedAuth>,
                               Result<VerifiedPeer>, Result<VerifiedKey>>;

// Pure; any thread.
JobResult run(Job job);

}  // namespace cygnet::crypto
