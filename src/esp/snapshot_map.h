// An immutable hash map that is cheap to copy with one key changed: 256 shards, of which a change
// rebuilds one and shares the rest. With n keys a change costs n/256 slots; a look-up is one or two probes.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "esp/shared_array.h"

namespace cygnet::esp {

// Key: equality comparable, default constructible, with a member or free function hash_of(key). Value: one that is
// false, as a null pointer is, stands for none.
template <class Key, class Value>
class SnapshotMap {
public:
    const Value* find(const Key& key) const {
        const std::uint64_t hash = hash_of(key);
        const Slots* shard = shards_[hash % shard_count];
        if (shard == nullptr) return nullptr;
        for (std::size_t at = first_slot(hash, shard->size()); (*shard)[at].value; at = next_slot(at, shard->size()))
            if ((*shard)[at].key == key) return &(*shard)[at].value;
        return nullptr;
    }

    // Copies that differ in one key. `without` a key that is not there is a plain copy.
    SnapshotMap with(const Key& key, Value value) const { return changed(key, std::move(value)); }
    SnapshotMap without(const Key& key) const { return changed(key, {}); }

private:
    struct Slot {
        Key key{};
        Value value{};  // null: the slot is free
    };
    using Slots = std::vector<Slot>;

    // The shard is named by the lowest bits of a hash, the slot by the highest.
    static std::size_t first_slot(std::uint64_t hash, std::size_t slots) { return static_cast<std::size_t>((hash >> 32) * slots >> 32); }
    static std::size_t next_slot(std::size_t at, std::size_t slots) { return at + 1 == slots ? 0 : at + 1; }

    SnapshotMap changed(const Key& key, Value value) const {
        const std::size_t number = hash_of(key) % shard_count;
        const Slots* old = shards_[number];
        std::vector<Slot> kept;
        if (old != nullptr)
            for (const Slot& slot : *old)
                if (slot.value && !(slot.key == key)) kept.push_back(slot);
        if (value) kept.push_back({key, std::move(value)});

        SnapshotMap other;
        other.shards_ = shards_.with(number, kept.empty() ? nullptr : build(std::move(kept)));
        return other;
    }

    // Two thirds of the slots are taken, so that probes stay short and always end.
    static std::shared_ptr<const Slots> build(std::vector<Slot> entries) {
        auto slots = std::make_shared<Slots>(entries.size() + entries.size() / 2 + 1);
        for (Slot& entry : entries) {
            std::size_t at = first_slot(hash_of(entry.key), slots->size());
            while ((*slots)[at].value) at = next_slot(at, slots->size());
            (*slots)[at] = std::move(entry);
        }
        return slots;
    }

    static constexpr std::size_t shard_count = SharedArray<Slots>::size;
    SharedArray<Slots> shards_{};
};

// A good spread of all bits over all bits (the finaliser of the splitmix64 generator).
constexpr std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

}  // namespace cygnet::esp
