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

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace cygnet::os
