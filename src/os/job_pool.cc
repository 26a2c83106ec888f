#include "os/job_pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>
#include <signal.h>

namespace cygnet::os {

struct JobPool::Impl : std::enable_shared_from_this<JobPool::Impl> {
    using Work = std::move_only_function<Finish()>;

    explicit Impl(EventLoop& event_loop) : loop(event_loop) {}

    static Work take(std::deque<Work>& queue) {
        Work work = std::move(queue.front());
        queue.pop_front();
        return work;
    }

    void work_until_closed() {
        std::vector<Work> taken;
        for (;;) {
            std::unique_lock lock(mutex);
            arrived.wait(lock, [this] { return closed || !waiting.empty() || may_take_brief(); });
            if (closed) return;
            if (!waiting.empty())
                taken.push_back(take(waiting));
            else
                while (!brief.empty() && taken.size() < brief_at_once) taken.push_back(take(brief));
            lock.unlock();
            for (Work& work : taken) loop.post(work());
            taken.clear();
        }
    }

    // The loop's thread may have one of its share in its hands.
    bool may_take_brief() const { return !brief.empty() && brief.size() + (helping_now ? 1 : 0) > share_of_loop; }

    // One piece in each turn of the loop: datagrams and timers wait for no more than that.
    void help_later() {
        loop.post([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->help();
        });
    }
    void help() {
        std::unique_lock lock(mutex);
        if (brief.empty()) {
            helping = false;
            return;
        }
        Work work = take(brief);
        helping = !brief.empty();
        helping_now = true;
        lock.unlock();
        if (helping) help_later();
        Finish finish = work();
        lock.lock();
        helping_now = false;
        lock.unlock();
        finish();
    }

    EventLoop& loop;
    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<Work> waiting;  // for the threads
    std::deque<Work> brief;    // for whoever comes first
    bool helping = false;      // help() is going to be called,
    bool helping_now = false;  // or is at work
    bool closed = false;
    std::vector<std::thread> threads;
};

JobPool::JobPool(EventLoop& loop, unsigned threads) : impl_(std::make_shared<Impl>(loop)) {
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

void JobPool::submit_brief(std::move_only_function<Finish()> work) {
    bool helps = false, shared = false;
    {
        const std::scoped_lock lock(impl_->mutex);
        impl_->brief.push_back(std::move(work));
        helps = std::exchange(impl_->helping, true);
        shared = impl_->may_take_brief();
    }
    if (!helps) impl_->help_later();
    if (shared) impl_->arrived.notify_one();
}

}  // namespace cygnet::os
