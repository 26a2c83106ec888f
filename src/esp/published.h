// One writer replaces a value; readers use it without locks; an old value dies when no reader can hold it
// any more (quiescent-state reclamation).
//
// A reader's slot is 0 while it holds nothing, else the epoch it entered in. Each publication ends an epoch.
// A value retired at the end of epoch e may be held only by readers whose slot is not 0 and at most e.
// All operations are sequentially consistent: if the writer saw a slot as 0, that reader's later entry
// comes after the exchange of the pointer and finds the new value.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"

namespace cygnet::esp {

template <class T>
class Published {
public:
    Published(std::unique_ptr<const T> first, std::size_t readers) : current_(first.release()), slots_(readers) {}
    Published(const Published&) = delete;
    Published& operator=(const Published&) = delete;
    // No reader may be inside.
    ~Published() { delete current_.load(); }

    // ---- readers, each with its own number -----------------------------------------------------
    // The value stays valid until leave(). Not to be nested.
    const T& enter(std::size_t reader) {
        slots_[reader].epoch.store(epoch_.load());
        return *current_.load();
    }
    void leave(std::size_t reader) { slots_[reader].epoch.store(0); }
    // Whether nothing has been published since this reader's enter().
    bool is_newest(const T& held) const { return &held == current_.load(); }

    // ---- the one writer ------------------------------------------------------------------------
    const T& newest() const { return *current_.load(); }
    void publish(std::unique_ptr<const T> next) {
        std::unique_ptr<const T> old(current_.exchange(next.release()));
        retired_.push_back({std::move(old), epoch_.fetch_add(1)});
        reclaim();
    }
    // Frees what no reader holds; returns how many values still wait.
    std::size_t reclaim() {
        std::erase_if(retired_, [&](const Retired& retired) { return !held(retired.epoch); });
        return retired_.size();
    }

private:
    struct alignas(64) Slot {
        std::atomic<std::uint64_t> epoch{0};
    };
    struct Retired {
        std::unique_ptr<const T> value;
        std::uint64_t epoch;
    };

    bool held(std::uint64_t epoch) const {
        for (const Slot& slot : slots_) {
            const std::uint64_t entered = slot.epoch.load();
            if (entered != 0 && entered <= epoch) return true;
        }
        return false;
    }

    std::atomic<const T*> current_;
    std::atomic<std::uint64_t> epoch_{1};
    std::vector<Slot> slots_;
    std::vector<Retired> retired_;
};

}  // namespace cygnet::esp
