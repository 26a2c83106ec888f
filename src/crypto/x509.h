// Certificates and path validation, RFC 5280 and RFC 4945.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/signature.h"
#include "model/identity.h"

namespace cygnet::crypto {

using Digest = std::array<std::uint8_t, 32>;  // SHA2-256

// A parsed certificate, cheap to copy.
class Certificate {
public:
    struct Impl;
    explicit Certificate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
    // One certificate, PEM or DER; trailing octets are an error, and so is a length that is not in its shortest form: the
    // same certificate has one DER encoding.
    static Result<Certificate> parse(ByteView pem_or_der);

    const Bytes& der() const;
    const Digest& fingerprint() const;            // of der()
    const Bytes& subject() const;                 // DER Name
    std::string subject_text() const;             // "C=CH, O=Cygnet, CN=moon", as swanctl prints DNs
    std::string issuer_text() const;
    const std::vector<model::Identity>& identities() const;  // subject DN and every subjectAltName
    const std::vector<Bytes>& general_names() const;         // every subjectAltName as DER GeneralName
    bool is_ca() const;                           // basicConstraints cA
    std::int64_t not_before() const;              // seconds since 1970 (UTC)
    std::int64_t not_after() const;
    const Result<PublicKey>& public_key() const;
    // By name and by key identifiers (RFC 5280 §4.2.1.1), without a look at the signature.
    bool is_issued_by(const Certificate& issuer) const;
    bool is_self_issued() const;
    // Where its issuer says that its revocation can be looked up: http URLs of §4.2.1.13 and §4.2.2.1.
    const std::vector<std::string>& crl_uris() const;
    const std::vector<std::string>& ocsp_uris() const;
    const Impl& impl() const { return *impl_; }
    bool operator==(const Certificate& other) const { return der() == other.der(); }

private:
    std::shared_ptr<const Impl> impl_;
};

// What a path is held to beside the rules that hold for all.
struct PathRules {
    std::int64_t now = 0;                   // seconds since 1970
    std::vector<std::string> policies{};    // OIDs: the path must be valid for one of them; empty: for any or none
    // The keys that sign its certificates: classic ones alone, or such as resist a quantum computer alone.
    enum class Signers : std::uint8_t { any, classic, post_quantum } signers = Signers::any;
    bool require_ike_usage = false;         // a leaf with extended key usages must name that of IKE, RFC 4945 §5.1.3.12
};

// Leaf first, anchor last (the same for a leaf that is trusted as it is).
struct ValidPath {
    std::vector<Certificate> certificates{};
    std::int64_t not_before = 0, not_after = 0;  // when all of its certificates are valid

    const Certificate& leaf() const { return certificates.front(); }
    const Certificate& anchor() const { return certificates.back(); }
    bool valid_at(std::int64_t now) const { return not_before <= now && now <= not_after; }
};

// Validates leaf -> … -> one of `anchors`: signatures, validity, basic constraints, path length, name constraints,
// certificate policies, key usage digitalSignature (RFC 4945 §5.1.3.2), extended key usage (§5.1.3.12), critical extensions,
// and no SHA-1 or weak keys. The error's detail says which certificate failed and why, in one sentence
// ("certificate \"CN=moon\" expired on 2026-01-01").
Result<ValidPath> validate_path(const Certificate& leaf, std::span<const Certificate> intermediates,
                                std::span<const Certificate> anchors, const PathRules& rules);

// A distinguished name written "C=CH, O=Cygnet, CN=moon" (also with / separators) as DER Name.
Result<Bytes> parse_distinguished_name(std::string_view text);
std::string distinguished_name_text(ByteView der_name);

// Whether two DER Names are the same RDN by RDN, whatever their string types, without case
// (RFC 5280 §7.1). A name that is not well-formed is the same as none.
bool same_distinguished_name(ByteView a, ByteView b);
// The same, and a value "*" in the pattern stands for any value.
bool distinguished_name_matches(ByteView pattern, ByteView name);

}  // namespace cygnet::crypto
