// The control thread's loop. Everything that happens on it happens one after the other, so that
// what it calls needs no locks.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "base/instant.h"

namespace cygnet::os {

// Time on the monotonic clock since the first call in this process.
Instant now();
// Seconds since 1970 by the wall clock.
std::int64_t unix_seconds();
// The same at Instant{}, rounded up; it changes when somebody sets the clock.
std::int64_t unix_seconds_at_start();

class EventLoop {
public:
    EventLoop();
    ~EventLoop();

    // Runs callbacks until stop() is called. After restart() it can run again.
    void run();
    void stop();
    void restart();
    // Runs `work` on the loop's thread, later. May be called from any thread.
    void post(std::move_only_function<void()> work);
    // Calls `arrived` with the number of each of these signals instead of its default action.
    void on_signals(std::initializer_list<int> numbers, std::function<void(int)> arrived);

    struct Impl;
    Impl& impl() { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

// Calls back once when its time has come. Setting it again replaces the time.
class Timer {
public:
    Timer(EventLoop& loop, std::function<void()> expired);
    ~Timer();

    void set(Instant at);  // Instant::never() is the same as cancel()
    void cancel();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

// Calls back whenever a descriptor can be read. Does not own the descriptor, which must stay open until
// the watch is gone. The callback reads until nothing is left or as much as is fair.
class ReadWatch {
public:
    ReadWatch(EventLoop& loop, int fd, std::function<void()> readable);
    ~ReadWatch();
    ReadWatch(ReadWatch&&) noexcept;
    ReadWatch& operator=(ReadWatch&&) noexcept;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace cygnet::os
