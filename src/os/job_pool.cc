#include "os/job_pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <pthread.h>
#include <signal.h>

namespace cygnet::os {

struct JobPool::Impl {
    explicit Impl(EventLoop& event_loop) : loop(event_loop) {}

    void work_until_closed() {
        for (;;) {
            std::unique_lock lock(mutex);
            arrived.wait(lock, [this] { return closed || !waiting.empty(); });
            if (closed) return;
            auto work = std::move(waiting.front());
            waiting.pop_front();
            lock.unlock();
            loop.post(work());
        }
    }

    EventLoop& loop;
    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<std::move_only_function<Finish()>> waiting;
    bool closed = false;
    std::vector<std::thread> threads;
};

JobPool::JobPool(EventLoop& loop, unsigned threads) : impl_(std::make_unique<Impl>(loop)) {
    // Signals belong to the loop's thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < std::max(threads, 1U); ++i)
        impl_->threads.emplace_back([impl = impl_.get()] { impl->work_until_closed(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

JobPool::~JobPool() {
    {
        const std::scoped_lock lock(impl_->mutex);
        impl_->closed = true;
    }
    impl_->arrived.notify_all();
    for (auto& thread : impl_->threads) thread.join();
}

void JobPool::submit(std::move_only_function<Finish()> work) {
    {
        const std::scoped_lock lock(impl_->mutex);
        impl_->waiting.push_back(std::move(work));
    }
    impl_->arrived.notify_one();
}

}  // namespace cygnet::os
