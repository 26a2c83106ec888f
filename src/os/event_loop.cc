#include "os/event_loop.h"

#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <signal.h>

#include "os/asio_loop.h"

namespace cygnet::os {

namespace {

std::chrono::steady_clock::time_point start_of_clock() {
    static const auto start = std::chrono::steady_clock::now();
    return start;
}

void wait_for_signal(asio::signal_set& signals, const std::shared_ptr<std::function<void(int)>>& arrived) {
    signals.async_wait([&signals, arrived](asio::error_code error, int number) {
        if (error) return;
        (*arrived)(number);
        wait_for_signal(signals, arrived);
    });
}

}  // namespace

Instant now() {
    const auto start = start_of_clock();
    const auto elapsed = std::chrono::steady_clock::now() - start;
    return Instant::after_start(std::chrono::duration_cast<Duration>(elapsed));
}

std::int64_t unix_seconds() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<seconds>(since_1970).count();
}

std::int64_t unix_seconds_at_start() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::ceil<seconds>(since_1970 - now().since_start()).count();
}

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {
    // Writing to a client that has left is an error of that write, not the end of the process.
    ::signal(SIGPIPE, SIG_IGN);
}
EventLoop::~EventLoop() = default;

void EventLoop::run() { impl_->context.run(); }
void EventLoop::stop() { impl_->context.stop(); }
void EventLoop::restart() { impl_->context.restart(); }

void EventLoop::post(std::move_only_function<void()> work) {
    asio::post(impl_->context, [work = std::move(work)]() mutable { work(); });
}

void EventLoop::on_signals(std::initializer_list<int> numbers, std::function<void(int)> arrived) {
    auto signals = std::make_unique<asio::signal_set>(impl_->context);
    for (const int number : numbers) signals->add(number);
    wait_for_signal(*signals, std::make_shared<std::function<void(int)>>(std::move(arrived)));
    impl_->signals.push_back(std::move(signals));
}

// ---- Timer --------------------------------------------------------------------------------------

// A deadline that moves away, as most do before they are reached, costs nothing: the wait for the old one ends and looks again.
struct Timer::Impl : std::enable_shared_from_this<Timer::Impl> {
    Impl(asio::io_context& context, std::function<void()> callback)
        : timer(context), expired(std::move(callback)) {}

    void wait_for(Instant deadline) {
        waits_for = deadline;
        timer.expires_at(start_of_clock() + deadline.since_start());
        timer.async_wait([weak = weak_from_this(), number = ++generation](asio::error_code error) {
            const auto self = weak.lock();
            if (error || !self || self->generation != number) return;
            self->look();
        });
    }
    void look() {
        waits_for = Instant::never();
        if (at == Instant::never()) return;
        if (now() < at) return wait_for(at);
        at = Instant::never();
        expired();
    }

    asio::steady_timer timer;
    std::function<void()> expired;
    std::uint64_t generation = 0;  // a wait that was already queued when the next one began is void
    Instant at = Instant::never(), waits_for = Instant::never();
};

Timer::Timer(EventLoop& loop, std::function<void()> expired)
    : impl_(std::make_shared<Impl>(loop.impl().context, std::move(expired))) {}

Timer::~Timer() = default;

void Timer::set(Instant at) {
    impl_->at = at;
    if (at < impl_->waits_for) impl_->wait_for(at);
}

void Timer::cancel() { impl_->at = Instant::never(); }

// ---- ReadWatch ----------------------------------------------------------------------------------

struct ReadWatch::Impl : std::enable_shared_from_this<ReadWatch::Impl> {
    Impl(asio::io_context& context, int fd, std::function<void()> callback)
        : descriptor(context, fd), readable(std::move(callback)) {}
    ~Impl() { descriptor.release(); }

    void wait() {
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              [weak = weak_from_this()](asio::error_code error) {
                                  const auto self = weak.lock();
                                  if (error || !self) return;
                                  self->readable();
                                  self->wait();
                              });
    }

    asio::posix::stream_descriptor descriptor;
    std::function<void()> readable;
};

ReadWatch::ReadWatch(EventLoop& loop, int fd, std::function<void()> readable)
    : impl_(std::make_shared<Impl>(loop.impl().context, fd, std::move(readable))) {
    impl_->wait();
}
ReadWatch::~ReadWatch() = default;
ReadWatch::ReadWatch(ReadWatch&&) noexcept = default;
ReadWatch& ReadWatch::operator=(ReadWatch&&) noexcept = default;

}  // namespace cygnet::os
