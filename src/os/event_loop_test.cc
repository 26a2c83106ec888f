#include "os/event_loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "os/fd.h"
#include "os/job_pool.h"

namespace cygnet::os {
namespace {

TEST(EventLoop, calls_timers_in_the_order_of_their_times) {
    EventLoop loop;
    std::vector<int> order;
    Timer late(loop, [&] {
        order.push_back(2);
        loop.stop();
    });
    Timer early(loop, [&] { order.push_back(1); });
    late.set(now() + milliseconds(20));
    early.set(now() + milliseconds(5));
    loop.run();
    EXPECT_EQ(order, (std::vector{1, 2}));
}

TEST(EventLoop, a_timer_that_is_set_again_fires_once_at_the_new_time) {
    EventLoop loop;
    int fired = 0;
    Instant at;
    Timer timer(loop, [&] {
        ++fired;
        at = now();
    });
    const Instant start = now();
    timer.set(start + milliseconds(5));
    timer.set(start + milliseconds(30));
    Timer end(loop, [&] { loop.stop(); });
    end.set(start + milliseconds(60));
    loop.run();
    EXPECT_EQ(fired, 1);
    EXPECT_GE(at - start, milliseconds(30));
}

TEST(EventLoop, a_timer_may_set_itself_again) {
    EventLoop loop;
    int fired = 0;
    std::unique_ptr<Timer> timer;
    timer = std::make_unique<Timer>(loop, [&] {
        if (++fired == 3) return loop.stop();
        timer->set(now() + milliseconds(1));
    });
    timer->set(now());
    loop.run();
    EXPECT_EQ(fired, 3);
}

TEST(EventLoop, never_and_cancel_mean_that_nothing_fires) {
    EventLoop loop;
    bool fired = false;
    Timer cancelled(loop, [&] { fired = true; });
    cancelled.set(now() + milliseconds(1));
    cancelled.cancel();
    Timer never(loop, [&] { fired = true; });
    never.set(Instant::never());
    Timer end(loop, [&] { loop.stop(); });
    end.set(now() + milliseconds(10));
    loop.run();
    EXPECT_FALSE(fired);
}

TEST(EventLoop, a_watch_calls_back_as_long_as_octets_wait) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const Fd reader(ends[0]), writer(ends[1]);
    EventLoop loop;
    std::string read;
    ReadWatch watch(loop, reader.number(), [&] {
        char one = 0;
        ASSERT_EQ(::read(reader.number(), &one, 1), 1);
        read.push_back(one);
        if (read.size() == 3) loop.stop();
    });
    ASSERT_EQ(::write(writer.number(), "abc", 3), 3);
    loop.run();
    EXPECT_EQ(read, "abc");
}

TEST(EventLoop, signals_arrive_as_callbacks) {
    EventLoop loop;
    int arrived = 0;
    loop.on_signals({SIGUSR1}, [&](int number) {
        arrived = number;
        loop.stop();
    });
    ::raise(SIGUSR1);
    loop.run();
    EXPECT_EQ(arrived, SIGUSR1);
}

TEST(JobPool, work_runs_elsewhere_and_its_result_here) {
    EventLoop loop;
    JobPool pool(loop, 2);
    const auto here = std::this_thread::get_id();
    int finished = 0;
    for (int i = 0; i < 10; ++i) {
        pool.submit([&, here]() -> JobPool::Finish {
            EXPECT_NE(std::this_thread::get_id(), here);
            return [&, here] {
                EXPECT_EQ(std::this_thread::get_id(), here);
                if (++finished == 10) loop.stop();
            };
        });
    }
    loop.run();
    EXPECT_EQ(finished, 10);
}

TEST(JobPool, ends_with_work_still_waiting) {
    EventLoop loop;
    std::atomic<bool> began = false;
    {
        JobPool pool(loop, 1);
        for (int i = 0; i < 100; ++i)
            pool.submit([&]() -> JobPool::Finish {
                began = true;
                std::this_thread::sleep_for(milliseconds(1));
                return [] {};
            });
        while (!began) std::this_thread::yield();
    }
    EXPECT_TRUE(began);
}

TEST(JobPool, a_little_brief_work_stays_here) {
    EventLoop loop;
    JobPool pool(loop, 2);
    const auto here = std::this_thread::get_id();
    bool submitted = false;
    std::size_t finished = 0;
    for (std::size_t i = 0; i < JobPool::share_of_loop; ++i)
        pool.submit_brief([&, here]() -> JobPool::Finish {
            EXPECT_TRUE(submitted);  // never within submit_brief()
            EXPECT_EQ(std::this_thread::get_id(), here);
            return [&] {
                if (++finished == JobPool::share_of_loop) loop.stop();
            };
        });
    submitted = true;
    loop.run();
}

TEST(JobPool, brief_work_is_shared_when_there_is_more_of_it) {
    EventLoop loop;
    JobPool pool(loop, 1);
    std::atomic<int> begun = 0;
    std::array<std::thread::id, JobPool::share_of_loop + 1> workers;
    std::size_t finished = 0;
    for (std::thread::id& worker : workers)
        pool.submit_brief([&]() -> JobPool::Finish {
            worker = std::this_thread::get_id();
            // None goes on until two have begun, which one thread alone could never do.
            ++begun;
            while (begun < 2) std::this_thread::yield();
            return [&] {
                if (++finished == workers.size()) loop.stop();
            };
        });
    loop.run();
    EXPECT_NE(std::ranges::adjacent_find(workers, std::not_equal_to{}), workers.end());
}

TEST(JobPool, a_thread_takes_several_brief_pieces_at_once) {
    EventLoop loop;
    JobPool pool(loop, 1);
    const auto here = std::this_thread::get_id();
    std::atomic<std::size_t> elsewhere = 0;
    std::size_t finished = 0;
    for (std::size_t i = 0; i < JobPool::share_of_loop + 1; ++i)
        pool.submit_brief([&]() -> JobPool::Finish {
            if (std::this_thread::get_id() != here) ++elsewhere;
            return [&] {
                if (++finished == JobPool::share_of_loop + 1) loop.stop();
            };
        });
    // The loop does not run yet: only the thread can have done them.
    while (elsewhere < JobPool::brief_at_once) std::this_thread::yield();
    loop.run();
    EXPECT_EQ(elsewhere, JobPool::brief_at_once);
}

TEST(JobPool, brief_work_that_brings_more_goes_on) {
    EventLoop loop;
    JobPool pool(loop, 1);
    int rounds = 0;
    std::function<void()> next = [&] {
        pool.submit_brief([&]() -> JobPool::Finish {
            return [&] {
                if (++rounds == 100) return loop.stop();
                next();
            };
        });
    };
    next();
    loop.run();
    EXPECT_EQ(rounds, 100);
}

TEST(JobPool, may_end_before_its_loop_with_brief_work_waiting) {
    EventLoop loop;
    int begun = 0;
    {
        JobPool pool(loop, 1);
        pool.submit_brief([&]() -> JobPool::Finish {
            ++begun;
            return [] {};
        });
    }
    loop.post([&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(begun, 0);
}

}  // namespace
}  // namespace cygnet::os
