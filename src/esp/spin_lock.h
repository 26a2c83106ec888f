// A lock for a few instructions once per batch, taken by another thread almost never.
#pragma once

#include <atomic>

namespace cygnet::esp {

class SpinLock {
public:
    void lock() {
        while (taken_.exchange(true, std::memory_order_acquire))
            while (taken_.load(std::memory_order_relaxed)) {
            }
    }
    void unlock() { taken_.store(false, std::memory_order_release); }

private:
    std::atomic<bool> taken_{false};
};

}  // namespace cygnet::esp
