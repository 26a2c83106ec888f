// Hosts for tests: threads, each in a network namespace of its own, joined by a veth pair.
#pragma once

#include <fmt/format.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <mutex>
#include <queue>
#include <string>
#include <thread>

namespace cygnet::dataplane::testing {

// Runs what it is told in its own namespace, one after the other. Sockets and threads made there stay there.
class TestHost {
public:
    TestHost() : thread_([this] { work(); }) { namespace_ = path_.get_future().get(); }
    ~TestHost() {
        post({});
        thread_.join();
    }
    TestHost(const TestHost&) = delete;

    bool made() const { return !namespace_.empty(); }
    const std::string& path() const { return namespace_; }

    template <class Work>
    auto run(Work work) {
        std::packaged_task<decltype(work())()> task(std::move(work));
        auto result = task.get_future();
        post([&task] { task(); });
        return result.get();
    }
    // A shell command; its exit status.
    int shell(const std::string& command) {
        return run([&] {
            const int status = std::system(command.c_str());
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        });
    }

private:
    void post(std::function<void()> work) {
        const std::lock_guard lock(mutex_);
        work_.push(std::move(work));
        arrived_.notify_one();
    }
    void work() {
        const bool alone = ::unshare(CLONE_NEWNET) == 0;
        path_.set_value(alone ? fmt::format("/proc/{}/task/{}/ns/net", ::getpid(), ::gettid()) : "");
        for (;;) {
            std::unique_lock lock(mutex_);
            arrived_.wait(lock, [this] { return !work_.empty(); });
            const auto next = std::move(work_.front());
            work_.pop();
            lock.unlock();
            if (!next) return;
            next();
        }
    }

    std::promise<std::string> path_;
    std::string namespace_;
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::queue<std::function<void()>> work_;
    std::thread thread_;
};

}  // namespace cygnet::dataplane::testing
