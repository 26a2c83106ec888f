// What was learned about revocation, shared by all checks. Every entry was verified against the issuer of a valid path before
// it entered. Bounded; the least recently used leaves. Any thread.
#pragma once

#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "crypto/revocation.h"
#include "model/limits.h"

namespace cygnet::crypto {

class RevocationCache {
public:
    // A decided verdict that still holds at `now`.
    std::optional<Verdict> find(const Certificate& certificate, const Certificate& issuer, std::int64_t now);
    void remember(const Certificate& certificate, const Certificate& issuer, const Verdict& verdict);

    // CRLs by the URL that they came from; a newer one replaces the older.
    void keep(const std::string& url, const Crl& crl);
    std::vector<Crl> crls() const;
    bool has_current_crl(const std::string& url, std::int64_t now) const;

    // URLs that gave nothing usable are left alone for a while.
    void note_failure(const std::string& url, std::int64_t now);
    bool failed_recently(const std::string& url, std::int64_t now) const;

    // Other CRLs were loaded: what was concluded without them is forgotten.
    void forget_verdicts();
    void clear();

    // For list-certs: DER.
    std::vector<Bytes> crl_octets() const;
    std::vector<Bytes> ocsp_octets() const;

private:
    struct Known {
        Digest key{};
        Verdict verdict{};
    };
    struct Kept {
        std::string url{};
        Crl crl;
    };
    void drop_surplus_crls();

    mutable std::mutex mutex_;
    std::list<Known> verdicts_;  // most recent first
    std::map<Digest, std::list<Known>::iterator> verdict_by_key_;
    std::list<Kept> crls_;  // newest first
    std::size_t crl_octets_ = 0;
    std::map<std::string, std::int64_t, std::less<>> failed_until_;
};

}  // namespace cygnet::crypto
