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
    // has to do, and the threads of the pool help when more pieces than its share wait.
    void submit_brief(std::move_only_function<Finish()> work);
    static constexpr std::size_t share_of_loop = 4;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace cygnet::os
