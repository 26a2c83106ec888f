// Whether the certificates of a valid path were revoked: CRLs (RFC 5280 §6.3) and OCSP (RFC 6960).
//
// Nothing here fetches anything. A check says what it would like to look up; its owner has that fetched and continues the
// check with the answers, until it is decided. What was found is remembered for all.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/look_up.h"
#include "crypto/x509.h"
#include "model/config.h"

namespace cygnet::crypto {

// A certificate revocation list, cheap to copy.
class Crl {
public:
    struct Impl;
    explicit Crl(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
    static Result<Crl> parse(ByteView pem_or_der);

    const Bytes& der() const;
    std::string issuer_text() const;
    std::int64_t this_update() const;  // seconds since 1970
    std::int64_t next_update() const;  // of a CRL without one: this_update()
    bool is_signed_by(const Certificate& issuer) const;
    const Impl& impl() const { return *impl_; }
    bool operator==(const Crl& other) const { return der() == other.der(); }

private:
    std::shared_ptr<const Impl> impl_;
};

// What is known about one certificate.
struct Verdict {
    enum class Standing : std::uint8_t { unknown, good, revoked } standing{};
    std::int64_t until = 0;   // when it has to be asked again, seconds since 1970
    std::string detail{};     // "was revoked on 2026-01-01 (keyCompromise)", or why it is unknown
    Bytes ocsp_response{};    // that says so, if one did

    bool decided() const { return standing != Standing::unknown; }
};

// The verdict of CRLs about one certificate of a valid path; `others` help to find the issuers of the CRLs, who must not be
// revoked either.
Verdict judge_by_crls(std::span<const Certificate> path, std::size_t position, std::span<const Certificate> others,
                      std::span<const Crl> crls, std::int64_t now);

// The request of RFC 6960 §4.1 for one certificate, and the verdict of a response: signed by the issuer or by one whom the
// issuer delegated (§4.2.2.2), and fresh.
Bytes ocsp_request(const Certificate& certificate, const Certificate& issuer);
Verdict judge_by_ocsp(ByteView response, const Certificate& certificate, const Certificate& issuer,
                      std::span<const Certificate> others, std::int64_t now);

// What operators say about where to look.
struct RevocationSources {
    struct Authority {
        Certificate certificate;
        std::vector<std::string> crl_uris{}, ocsp_uris{};
        std::string cert_uri_base{};  // certificates that it issued are there, by the hex SHA-1 of their DER
    };
    std::vector<Authority> authorities{};
    std::vector<Crl> crls{};  // loaded from files
};

class RevocationCache;

// The check of one path, between its rounds.
struct RevocationCheck {
    ValidPath path{};
    std::vector<Certificate> others{};
    model::Revocation policy{};
    std::shared_ptr<const RevocationSources> sources{};
    std::shared_ptr<RevocationCache> cache{};
    std::vector<Bytes> stapled{};  // OCSP responses that the peer sent (RFC 4806)
    std::int64_t now = 0;

    // ---- its progress
    std::set<std::string> tried{};
    std::vector<Crl> fetched{};
    std::string last_failure{};
};

// One round: takes in the answers of the round before and returns what to look up next; nothing: the path is acceptable.
// Fails when a certificate was revoked, or when what the policy wants to know cannot be learned.
Result<std::vector<LookUp>> check_revocation(RevocationCheck& check, std::span<const Answer> answers);

// The OCSP response about our own certificate that a peer asked for (RFC 4806 §4.2): from the cache, or where to ask.
struct Staple {
    Certificate leaf, issuer;
    std::shared_ptr<const RevocationSources> sources{};
    std::shared_ptr<RevocationCache> cache{};
    std::int64_t now = 0;
};
Bytes stapled_response(const Staple& staple);            // empty: not known
std::vector<LookUp> staple_look_up(const Staple& staple);  // at most one
void take_staple(const Staple& staple, std::span<const Answer> answers);

}  // namespace cygnet::crypto
