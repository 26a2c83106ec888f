// Something large that many SAs never need: made once, by the first thread that wants it.
#pragma once

#include <atomic>
#include <memory>

namespace cygnet::esp {

template <class T>
class OnFirstUse {
public:
    OnFirstUse() = default;
    OnFirstUse(const OnFirstUse&) = delete;
    OnFirstUse& operator=(const OnFirstUse&) = delete;
    ~OnFirstUse() { delete made_.load(); }

    // `make` returns a std::unique_ptr<T>. Two threads may both call it; one result stays.
    template <class Make>
    T& get(Make&& make) const {
        T* known = made_.load(std::memory_order_acquire);
        if (known != nullptr) return *known;
        std::unique_ptr<T> fresh = make();
        if (!made_.compare_exchange_strong(known, fresh.get(), std::memory_order_acq_rel, std::memory_order_acquire)) return *known;
        return *fresh.release();
    }
    // nullptr before the first use.
    const T* peek() const { return made_.load(std::memory_order_acquire); }

private:
    mutable std::atomic<T*> made_{nullptr};
};

}  // namespace cygnet::esp
