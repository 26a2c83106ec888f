#include "crypto/revocation_cache.h"

#include <algorithm>

#include "crypto/prf.h"

namespace cygnet::crypto {
namespace {

namespace limits = model::limits;

Digest key_of(const Certificate& certificate, const Certificate& issuer) {
    return sha2_256({certificate.fingerprint(), issuer.fingerprint()});
}

constexpr std::int64_t failure_memory_s = std::chrono::duration_cast<std::chrono::seconds>(limits::failed_fetch_memory).count();

}  // namespace

std::optional<Verdict> RevocationCache::find(const Certificate& certificate, const Certificate& issuer, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const auto found = verdict_by_key_.find(key_of(certificate, issuer));
    if (found == verdict_by_key_.end() || found->second->verdict.until < now) return std::nullopt;
    verdicts_.splice(verdicts_.begin(), verdicts_, found->second);
    return found->second->verdict;
}

void RevocationCache::remember(const Certificate& certificate, const Certificate& issuer, const Verdict& verdict) {
    const Digest key = key_of(certificate, issuer);
    const std::lock_guard lock(mutex_);
    if (const auto old = verdict_by_key_.find(key); old != verdict_by_key_.end()) {
        verdicts_.erase(old->second);
        verdict_by_key_.erase(old);
    }
    verdicts_.push_front({key, verdict});
    verdict_by_key_[key] = verdicts_.begin();
    if (verdicts_.size() <= limits::revocation_verdicts) return;
    verdict_by_key_.erase(verdicts_.back().key);
    verdicts_.pop_back();
}

void RevocationCache::keep(const std::string& url, const Crl& crl) {
    const std::lock_guard lock(mutex_);
    const auto old = std::ranges::find(crls_, url, &Kept::url);
    if (old != crls_.end()) {
        if (old->crl.this_update() > crl.this_update()) return;
        crl_octets_ -= old->crl.der().size();
        crls_.erase(old);
    }
    crl_octets_ += crl.der().size();
    crls_.push_front({url, crl});
    drop_surplus_crls();
}

void RevocationCache::drop_surplus_crls() {
    while (crls_.size() > limits::cached_crls || crl_octets_ > limits::cached_crl_octets) {
        crl_octets_ -= crls_.back().crl.der().size();
        crls_.pop_back();
    }
}

std::vector<Crl> RevocationCache::crls() const {
    const std::lock_guard lock(mutex_);
    std::vector<Crl> all;
    for (const Kept& kept : crls_) all.push_back(kept.crl);
    return all;
}

bool RevocationCache::has_current_crl(const std::string& url, std::int64_t now) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(crls_, url, &Kept::url);
    return found != crls_.end() && found->crl.next_update() > now;
}

void RevocationCache::note_failure(const std::string& url, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    if (failed_until_.size() >= limits::revocation_verdicts) failed_until_.clear();
    failed_until_[url] = now + failure_memory_s;
}

bool RevocationCache::failed_recently(const std::string& url, std::int64_t now) const {
    const std::lock_guard lock(mutex_);
    const auto found = failed_until_.find(url);
    return found != failed_until_.end() && found->second > now;
}

void RevocationCache::forget_verdicts() {
    const std::lock_guard lock(mutex_);
    verdicts_.clear();
    verdict_by_key_.clear();
}

void RevocationCache::clear() {
    forget_verdicts();
    const std::lock_guard lock(mutex_);
    crls_.clear();
    crl_octets_ = 0;
    failed_until_.clear();
}

std::vector<Bytes> RevocationCache::crl_octets() const {
    const std::lock_guard lock(mutex_);
    std::vector<Bytes> all;
    for (const Kept& kept : crls_) all.push_back(kept.crl.der());
    return all;
}

std::vector<Bytes> RevocationCache::ocsp_octets() const {
    const std::lock_guard lock(mutex_);
    std::vector<Bytes> all;
    for (const Known& known : verdicts_)
        if (!known.verdict.ocsp_response.empty()) all.push_back(known.verdict.ocsp_response);
    return all;
}

}  // namespace cygnet::crypto
