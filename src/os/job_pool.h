// Threads for slow work: key exchange, signatures, certificate paths, host names. Values in, values out.
#pragma once

#include <functional>
#include <memory>

#include "os/event_loop.h"

namespace cygnet::os {

class JobPool {
public:
    JobPool(EventLoop& loop, unsigned threads);
    // Finishes what has begun and forgets what has not.
    ~JobPool();

    // `work` runs on some thread of the pool; what it returns runs on the loop's thread afterwards.
    using Finish = std::move_only_function<void()>;
    void submit(std::move_only_function<Finish()> work);
    // The same for work that is done as fast as it is handed over: the loop's thread does it itself, between what else it
    // has to do. When more pieces than its share wait, a thread of the pool takes several at once: to wake it costs as much
    // as a piece.
    void submit_brief(std::move_only_function<Finish()> work);
    static constexpr std::size_t share_of_loop = 12;
    static constexpr std::size_t brief_at_once = 8;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace cygnet::os
