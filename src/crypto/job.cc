#include "crypto/job.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "crypto/prf.h"

namespace cygnet::crypto {
namespace {

using model::AuthMethod;

// RFC 7427 §3: one octet of length, the AlgorithmIdentifier, the signature.
Result<SignedAuth> signed_auth(const SignJob& job) {
    if (job.old_method) {
        Bytes signature = TRY(sign_old_method(job.key, job.method, job.octets));
        return SignedAuth{.method = job.method, .auth_data = std::move(signature)};
    }
    const Bytes algorithm = algorithm_identifier(job.scheme);
    const Bytes signature = TRY(sign(job.key, job.scheme, job.octets));
    const auto size = static_cast<std::uint8_t>(algorithm.size());
    return SignedAuth{.method = AuthMethod::digital_signature,
                      .auth_data = concat({{&size, 1}, algorithm, signature})};
}

Result<SignedAuth> run(SignJob& job) {
    SignedAuth made = TRY(signed_auth(job));
    if (!job.staple) return made;
    made.ocsp_response = stapled_response(*job.staple);
    made.look_ups = staple_look_up(*job.staple);
    made.staple = std::move(job.staple);
    return made;
}

// A peer that asked gets no response when none can be had (RFC 4806 §4.2: SHOULD).
Result<SignedAuth> run(SettleStapleJob& job) {
    take_staple(*job.made.staple, job.answers);
    job.made.ocsp_response = stapled_response(*job.made.staple);
    job.made.look_ups.clear();
    return std::move(job.made);
}

std::unexpected<Error> refuse(std::string detail) {
    return fail(Errc::authentication, "certificate", std::move(detail));
}

bool same_without_case(ByteView a, ByteView b) {
    return std::ranges::equal(a, b, [](int x, int y) { return std::tolower(x) == std::tolower(y); });
}

// Exactly: neither a name that the peer sends nor one that a CA certified is a pattern.
bool is_identity(const model::Identity& certified, const model::Identity& claimed) {
    if (certified.type != claimed.type) return false;
    switch (claimed.type) {
        case model::IdType::fqdn:
        case model::IdType::rfc822_addr: return same_without_case(certified.data, claimed.data);
        case model::IdType::der_asn1_dn: return same_distinguished_name(certified.data, claimed.data);
        default: return certified.data == claimed.data;
    }
}

Result<> check_identity(const Certificate& leaf, const model::Identity& claimed) {
    if (claimed.type == model::IdType::der_asn1_gn &&
        std::ranges::find(leaf.general_names(), claimed.data) != leaf.general_names().end())
        return {};
    for (const model::Identity& certified : leaf.identities())
        if (is_identity(certified, claimed)) return {};
    return refuse(
        fmt::format("certificate \"{}\" is not for the identity \"{}\": neither its subject nor a "
                    "subjectAltName is equal to it",
                    leaf.subject_text(), claimed.text(distinguished_name_text)));
}

// The path of a leaf, and how it was found.
struct Trust {
    std::shared_ptr<const ValidPath> path{};
    std::optional<Digest> to_remember{};  // under this key, when the peer has proven that the leaf is its own
};

Result<Trust> find_trust(const VerifyJob& job) {
    const Bytes& der = job.certificates.front();
    const auto pinned = std::ranges::find(job.pinned, der, &Certificate::der);
    if (pinned != job.pinned.end()) return Trust{std::make_shared<ValidPath>(ValidPath{.certificates = {*pinned}})};
    const Digest key = ChainCache::key(der, job.anchors, job.rules);
    if (job.chains && job.pinned.empty())
        if (auto known = job.chains->find(key, job.rules.now)) return Trust{std::move(known)};
    const Certificate leaf = TRY(Certificate::parse(der));
    if (!job.pinned.empty())
        return refuse(
            fmt::format("certificate \"{}\" is not one of those that the connection names", leaf.subject_text()));
    std::vector<Certificate> intermediates = job.extra;
    // RFC 7296 §3.6: certificates after the first are help for the path, so an unreadable one is only no help.
    for (std::size_t i = 1; i < job.certificates.size(); ++i)
        if (auto parsed = Certificate::parse(job.certificates[i])) intermediates.push_back(std::move(*parsed));
    ValidPath path = TRY(validate_path(leaf, intermediates, job.anchors, job.rules));
    return Trust{std::make_shared<ValidPath>(std::move(path)), key};
}

// RFC 7296 §3.6: what a URL yields is used only if its hash is the one that the peer sent.
Result<> take_fetched(VerifyJob& job) {
    for (std::size_t i = 0; i < job.by_url.size(); ++i) {
        const HashAndUrl& wanted = job.by_url[i];
        const bool leaf = wanted.place == 0;
        const auto problem = [&](const std::string& why) -> Result<> {
            if (!leaf) return {};  // help for the path that does not come
            return refuse(fmt::format("the peer's certificate cannot be had from {}: {}", wanted.look_up.url, why));
        };
        if (i >= job.fetched.size()) return problem("nobody asked");
        const Result<Bytes>& content = job.fetched[i].content;
        if (!content) {
            TRY(problem(content.error().detail.empty() ? content.error().text() : content.error().detail));
        } else if (!equal(sha1({*content}), wanted.hash)) {
            TRY(problem("its hash is another one than the peer sent"));
        } else {
            job.certificates[wanted.place] = *content;
        }
    }
    return {};
}

// Verifies the AUTH payload's data and says how it was signed.
template <class AnyVerifyJob>
Result<std::string> verify_auth(const AnyVerifyJob& job, const PublicKey& key) {
    if (job.method != AuthMethod::digital_signature) {
        TRY(verify_old_method(key, job.method, job.octets, job.auth_data));
        return name_of(job.method);
    }
    const ByteView data = job.auth_data;
    if (data.empty() || data.size() < 1U + data.front()) return fail(Errc::truncated, "AUTH payload");
    const SignatureScheme scheme = TRY(parse_algorithm_identifier(data.subspan(1, data.front())));
    TRY(verify(key, scheme, job.octets, data.subspan(1U + data.front())));
    return scheme.text();
}

Result<VerifiedPeer> run(VerifyJob& job) {
    TRY(take_fetched(job));
    if (job.certificates.empty()) return refuse("the peer sent no certificate");
    const Trust trust = TRY(find_trust(job));
    const Certificate& leaf = trust.path->leaf();
    TRY(check_identity(leaf, job.identity));
    const PublicKey key = TRY(leaf.public_key());
    std::string scheme = TRY(verify_auth(job, key));
    if (trust.to_remember && job.chains) job.chains->remember(*trust.to_remember, trust.path);
    VerifiedPeer peer{.leaf = leaf, .anchor = trust.path->anchor(), .scheme = std::move(scheme)};
    if (!job.revocations) return peer;
    peer.revocation = {.path = *trust.path,
                       .others = std::move(job.extra),
                       .policy = job.revocation,
                       .sources = std::move(job.sources),
                       .cache = std::move(job.revocations),
                       .stapled = std::move(job.ocsp_responses),
                       .now = job.rules.now};
    peer.look_ups = TRY(check_revocation(peer.revocation, {}));
    return peer;
}

Result<VerifiedPeer> run(SettleRevocationJob& job) {
    job.peer.look_ups = TRY(check_revocation(job.peer.revocation, job.answers));
    return std::move(job.peer);
}

Result<VerifiedKey> run(VerifyRawKeyJob& job) {
    Error last{.code = Errc::authentication, .where = "raw public key", .detail = "no key is trusted"};
    for (const PublicKey& key : job.trusted) {
        auto scheme = verify_auth(job, key);
        if (scheme) return VerifiedKey{key, *std::move(scheme)};
        last = scheme.error();
    }
    return fail(std::move(last));
}

Result<KeOffer> run(KeOfferJob& job) { return ke_offer(job.method); }
Result<KeAnswer> run(KeAnswerJob& job) { return ke_answer(job.method, job.peer_public); }
Result<SolvedPuzzle> run(PuzzleJob& job) { return SolvedPuzzle{TRY(solve_puzzle(job.puzzle, job.octets))}; }
Result<SecretBytes> run(KeFinishJob& job) { return ke_finish(job.offer, job.peer_public); }

// ---- what is brief --------------------------------------------------------------------------------

bool brief(model::Ke method) {
    switch (method) {
        case model::Ke::curve25519:
        case model::Ke::ecp_256:
        case model::Ke::ml_kem_512:
        case model::Ke::ml_kem_768:
        case model::Ke::ml_kem_1024: return true;
        default: return false;
    }
}
bool brief(KeyType type) { return type == KeyType::ecdsa_256 || type == KeyType::ed25519; }

bool brief(const KeOfferJob& job) { return brief(job.method); }
bool brief(const KeAnswerJob& job) { return brief(job.method); }
bool brief(const KeFinishJob& job) { return brief(job.offer.method); }
bool brief(const SignJob& job) { return brief(job.key.public_key().type()) && !job.staple; }
// A path that is known, whose revocation costs no reading of lists and responses.
bool brief(const VerifyJob& job) {
    if (!job.chains || job.certificates.empty() || !job.by_url.empty() || !job.pinned.empty()) return false;
    if (!job.ocsp_responses.empty() || (job.sources && !job.sources->crls.empty())) return false;
    const auto path = job.chains->find(ChainCache::key(job.certificates.front(), job.anchors, job.rules), job.rules.now);
    return path && path->leaf().public_key() && brief(path->leaf().public_key()->type());
}
bool brief(const VerifyRawKeyJob& job) { return job.trusted.size() == 1 && brief(job.trusted.front().type()); }
bool brief(const SettleStapleJob&) { return false; }
bool brief(const SettleRevocationJob&) { return false; }
bool brief(const PuzzleJob&) { return false; }

}  // namespace

bool is_brief(const Job& job) {
    return std::visit([](const auto& each) { return brief(each); }, job);
}

JobResult run(Job job) {
    return std::visit([](auto& each) -> JobResult { return run(each); }, job);
}

Job::Job(Job&& other) noexcept = default;
Job& Job::operator=(Job&& other) noexcept = default;
Job::~Job() = default;

JobResult::JobResult(JobResult&& other) noexcept = default;
JobResult& JobResult::operator=(JobResult&& other) noexcept = default;
JobResult::~JobResult() = default;

}  // namespace cygnet::crypto
