// A lock for a few instructions once per batch, taken by another thread almost never.
#pragma once

#include <atomic>

namespace cygnet::esp {

class SpinLock {
public:
    // Holds it to the end of the block.
    class Guard {
    public:
        explicit Guard(SpinLock& lock) : taken_(lock.taken_) {
            // With more workers than cores the holder may be waiting for this core: after a few looks we sleep.
            while (taken_.exchange(true, std::memory_order_acquire)) taken_.wait(true, std::memory_order_relaxed);
        }
        ~Guard() {
            taken_.store(false, std::memory_order_release);
            taken_.notify_one();
        }
        Guard(const Guard&) = delete;

    private:
        std::atomic<bool>& taken_;
    };

private:
    std::atomic<bool> taken_{false};
};

}  // namespace cygnet::esp
