#include "crypto/job.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace cygnet::crypto {
namespace {

using model::AuthMethod;

// RFC 7427 §3: one octet of length, the AlgorithmIdentifier, the signature.
Result<SignedAuth> run(SignJob& job) {
    if (job.old_method) return SignedAuth {
            job.method, TRY(sign_old_method(job.key, job.method, job.octets))
        };
    const Bytes algorithm = algorithm_identifier(job.scheme);
    const Bytes signature = TRY(sign(job.key, job.scheme, job.octets));
    const auto size = static_cast<std::uint8_t>(algorithm.size());
    return SignedAuth{AuthMethod::digital_signature, concat({{&size, 1}, algorithm, signature})};
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

Result<Certificate> find_trust(const VerifyJob& job, const Certificate& leaf) {
    if (!job.pinned.empty()) {
        if (std::ranges::find(job.pinned, leaf) != job.pinned.end()) return leaf;
        return refuse(
            fmt::format("certificate \"{}\" is not one of those that the connection names", leaf.subject_text()));
    }
    std::vector<Certificate> intermediates = job.extra;
    // RFC 7296 §3.6: certificates after the first are help for the path, so an unreadable one is only no help.
    for (std::size_t i = 1; i < job.certificates.size(); ++i)
        if (auto parsed = Certificate::parse(job.certificates[i])) intermediates.push_back(std::move(*parsed));
    return validate_path(leaf, intermediates, job.anchors, job.now);
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
    if (job.certificates.empty()) return refuse("the peer sent no certificate");
    const Certificate leaf = TRY(Certificate::parse(job.certificates.front()));
    const Certificate anchor = TRY(find_trust(job, leaf));
    TRY(check_identity(leaf, job.identity));
    const PublicKey key = TRY(leaf.public_key());
    std::string scheme = TRY(verify_auth(job, key));
    return VerifiedPeer{leaf, anchor, std::move(scheme)};
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
Result<SecretBytes> run(KeFinishJob& job) { return ke_finish(job.offer, job.peer_public); }

}  // namespace

JobResult run(Job job) {
    return std::visit([](auto& each) -> JobResult { return run(each); }, job);
}

}  // namespace cygnet::crypto
