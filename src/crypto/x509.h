// Certificates and path validation, RFC 5280 and RFC 4945.
#pragma once

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

// A parsed certificate, cheap to copy.
class Certificate {
public:
    struct Impl;
    explicit Certificate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
    // One certificate, PEM or DER; trailing octets are an error.
    static Result<Certificate> parse(ByteView pem_or_der);

    const Bytes& der() const;
    const Bytes& subject() const;                 // DER Name
    std::string subject_text() const;             // "C=CH, O=Cygnet, CN=moon", as swanctl prints DNs
    std::string issuer_text() const;
    const std::vector<model::Identity>& identities() const;  // subject DN and every subjectAltName
    const std::vector<Bytes>& general_names() const;         // every subjectAltName as DER GeneralName
    bool is_ca() const;                           // basicConstraints cA
    std::int64_t not_before() const;              // seconds since 1970 (UTC)
    std::int64_t not_after() const;
    Result<PublicKey> public_key() const;
    const Impl& impl() const { return *impl_; }
    bool operator==(const Certificate& other) const { return der() == other.der(); }

private:
    std::shared_ptr<const Impl> impl_;
};

// Validates leaf -> … -> one of `anchors` at `now` (seconds since 1970): signatures, validity, basic constraints,
// path length, name constraints, key usage digitalSignature (RFC 4945 §5.1.3.2) and no SHA-1 or weak keys.
// Returns the anchor. The error's detail says which certificate failed and why, in one sentence
// ("certificate \"CN=moon\" expired on 2026-01-01").
Result<Certificate> validate_path(const Certificate& leaf, std::span<const Certificate> intermediates,
                                  std::span<const Certificate> anchors, std::int64_t now);

// A distinguished name written "C=CH, O=Cygnet, CN=moon" (also with / separators) as DER Name.
Result<Bytes> parse_distinguished_name(std::string_view text);
std::string distinguished_name_text(ByteView der_name);

// Whether two DER Names are the same RDN by RDN, whatever their string types, without case
// (RFC 5280 §7.1). A name that is not well-formed is the same as none.
bool same_distinguished_name(ByteView a, ByteView b);
// The same, and a value "*" in the pattern stands for any value.
bool distinguished_name_matches(ByteView pattern, ByteView name);

}  // namespace cygnet::crypto
