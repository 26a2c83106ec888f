#include "crypto/chain_cache.h"

#include "crypto/prf.h"

namespace cygnet::crypto {

Digest ChainCache::key(ByteView leaf, std::span<const Certificate> anchors, const PathRules& rules) {
    const Digest of_leaf = sha2_256({leaf});
    Bytes octets;
    append(octets, of_leaf);
    for (const Certificate& anchor : anchors) append(octets, anchor.fingerprint());
    octets.push_back(rules.require_ike_usage ? 1 : 0);
    octets.push_back(static_cast<std::uint8_t>(rules.signers));
    for (const std::string& policy : rules.policies) {
        append(octets, bytes_of(policy));
        octets.push_back(0);
    }
    return sha2_256({octets});
}

std::shared_ptr<const ValidPath> ChainCache::find(const Digest& key, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    if (!found->second->path->valid_at(now)) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->path;
}

void ChainCache::remember(const Digest& key, std::shared_ptr<const ValidPath> path) {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
        found->second->path = std::move(path);
        by_use_.splice(by_use_.begin(), by_use_, found->second);
        return;
    }
    by_use_.push_front({key, std::move(path)});
    by_key_[key] = by_use_.begin();
    if (by_use_.size() <= capacity_) return;
    by_key_.erase(by_use_.back().key);
    by_use_.pop_back();
}

void ChainCache::clear() {
    const std::lock_guard lock(mutex_);
    by_use_.clear();
    by_key_.clear();
}

std::size_t ChainCache::size() const {
    const std::lock_guard lock(mutex_);
    return by_use_.size();
}

}  // namespace cygnet::crypto
