// Paths that were valid once, so that a peer's next handshake costs one verification instead of one for each certificate.
//
// A path enters only when its leaf's key has signed an AUTH payload as well: a stranger with copies or variants of somebody's
// certificate adds nothing. It is found by the exact octets of the leaf, the set of anchors and the rules, whatever else the
// peer sends along. The least recently used one leaves when there are too many. Any thread.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "crypto/x509.h"
#include "model/limits.h"

namespace cygnet::crypto {

class ChainCache {
public:
    explicit ChainCache(std::size_t capacity = model::limits::validated_chains) : capacity_(capacity) {}

    // What a path is found by; `leaf` in DER.
    static Digest key(ByteView leaf, std::span<const Certificate> anchors, const PathRules& rules);

    // Nothing when it is not there, or not valid at `now`.
    std::shared_ptr<const ValidPath> find(const Digest& key, std::int64_t now);
    void remember(const Digest& key, std::shared_ptr<const ValidPath> path);
    void clear();
    std::size_t size() const;

private:
    struct Entry {
        Digest key{};
        std::shared_ptr<const ValidPath> path{};
    };
    mutable std::mutex mutex_;
    std::size_t capacity_;
    std::list<Entry> by_use_;  // most recent first
    std::map<Digest, std::list<Entry>::iterator> by_key_;
};

}  // namespace cygnet::crypto
