// An immutable hash map that is cheap to copy with one key changed: 256 shards, of which a change
// rebuilds one and shares the rest. With n keys a change costs n/256 slots; a look-up is one probe.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cygnet::esp {

// Key: equality comparable, default constructible, with a member or free function hash_of(key).
template <class Key, class Value>
class SnapshotMap {
public:
    const Value* find(const Key& key) const {
        const std::uint64_t hash = hash_of(key);
        const auto& shard = shards_[hash % shard_count];
        if (!shard) return nullptr;
        const std::size_t mask = shard->size() - 1;
        for (std::size_t at = (hash >> shard_bits) & mask; (*shard)[at]; at = (at + 1) & mask)
            if ((*shard)[at]->first == key) return &(*shard)[at]->second;
        return nullptr;
    }

    // Copies that differ in one key. `without` a key that is not there is a plain copy.
    SnapshotMap with(const Key& key, Value value) const { return changed(key, std::move(value)); }
    SnapshotMap without(const Key& key) const { return changed(key, std::nullopt); }

private:
    static constexpr unsigned shard_bits = 8;
    static constexpr std::size_t shard_count = 1U << shard_bits;
    using Slots = std::vector<std::optional<std::pair<Key, Value>>>;

    SnapshotMap changed(const Key& key, std::optional<Value> value) const {
        auto& old = shards_[hash_of(key) % shard_count];
        std::vector<std::pair<Key, Value>> kept;
        if (old)
            for (const auto& slot : *old)
                if (slot && !(slot->first == key)) kept.push_back(*slot);
        if (value) kept.emplace_back(key, std::move(*value));

        SnapshotMap copy = *this;
        copy.shards_[hash_of(key) % shard_count] = kept.empty() ? nullptr : build(std::move(kept));
        return copy;
    }

    // At most two thirds of the slots are taken, so that probes stay short and always end.
    static std::shared_ptr<const Slots> build(std::vector<std::pair<Key, Value>> entries) {
        auto slots = std::make_shared<Slots>(std::bit_ceil(entries.size() + entries.size() / 2 + 1));
        const std::size_t mask = slots->size() - 1;
        for (auto& entry : entries) {
            std::size_t at = (hash_of(entry.first) >> shard_bits) & mask;
            while ((*slots)[at]) at = (at + 1) & mask;
            (*slots)[at] = std::move(entry);
        }
        return slots;
    }

    std::array<std::shared_ptr<const Slots>, shard_count> shards_{};
};

// A good spread of all bits over all bits (the finaliser of the splitmix64 generator).
constexpr std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

}  // namespace cygnet::esp
