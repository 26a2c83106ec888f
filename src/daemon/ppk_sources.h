// Executes the core's ObtainPpks effects on threads of their own: one-time keys out of folders of pads and out of key
// management entities (ETSI GS QKD 014).
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "ike/effects.h"
#include "os/event_loop.h"
#include "os/job_pool.h"

namespace cygnet::daemon {

class PpkSources {
public:
    explicit PpkSources(os::EventLoop& loop) : loop_(loop) {}
    // Gives up what is under way.
    ~PpkSources();

    // `finished` is called once, later, on the loop's thread, within twice limits::ppk_deadline.
    void start(ike::PpkWish wish, std::move_only_function<void(Result<model::PpkAnswer>)> finished);

private:
    os::EventLoop& loop_;
    std::atomic<bool> give_up_ = false;
    std::unique_ptr<os::JobPool> threads_;  // made for the first wish
};

// What a wish comes to. Blocks, until limits::ppk_deadline at most for each source and id, or until `give_up` is set.
Result<model::PpkAnswer> obtain_ppks(const ike::PpkWish& wish, const std::atomic<bool>& give_up);

}  // namespace cygnet::daemon
