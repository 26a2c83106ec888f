// A lock for a few instructions once per batch, taken by another thread almost never.
#pragma once

#include <atomic>
#include <thread>

namespace cygnet::esp {

class SpinLock {
public:
    // Holds it to the end of the block.
    class Guard {
    public:
        explicit Guard(SpinLock& lock) : taken_(lock.taken_) {
            unsigned looks = 0;
            while (taken_.exchange(true, std::memory_order_acquire))
                while (taken_.load(std::memory_order_relaxed))
                    // Its holder may be waiting for this core.
                    if (++looks % looks_before_yield == 0) std::this_thread::yield();
        }
        ~Guard() { taken_.store(false, std::memory_order_release); }
        Guard(const Guard&) = delete;

    private:
        static constexpr unsigned looks_before_yield = 256;
        std::atomic<bool>& taken_;
    };

private:
    std::atomic<bool> taken_{false};
};

}  // namespace cygnet::esp
