#include "esp/published.h"

#include <gtest/gtest.h>

#include <thread>

namespace cygnet::esp {
namespace {

// Says when it dies, and is recognisably dead afterwards.
struct Traced {
    explicit Traced(int number, std::atomic<int>* alive) : value(number), alive_count(alive) { ++*alive_count; }
    ~Traced() {
        value = -1;
        --*alive_count;
    }
    Traced(const Traced&) = delete;
    int value;
    std::atomic<int>* alive_count;
};

TEST(Published, frees_an_old_value_when_its_reader_has_left) {
    std::atomic<int> alive{0};
    {
        Published<Traced> published(std::make_unique<Traced>(1, &alive), 2);
        const Traced& held = published.enter(0);
        published.publish(std::make_unique<Traced>(2, &alive));
        published.publish(std::make_unique<Traced>(3, &alive));
        EXPECT_EQ(published.reclaim(), 2U);
        EXPECT_EQ(held.value, 1);
        EXPECT_FALSE(published.is_newest(held));
        const Traced& newest = published.enter(1);
        EXPECT_EQ(newest.value, 3);
        EXPECT_TRUE(published.is_newest(newest));
        published.leave(0);
        EXPECT_EQ(published.reclaim(), 0U);
        EXPECT_EQ(alive, 1);
        published.leave(1);
    }
    EXPECT_EQ(alive, 0);
}

TEST(Published, frees_at_once_when_nobody_reads) {
    std::atomic<int> alive{0};
    Published<Traced> published(std::make_unique<Traced>(1, &alive), 4);
    published.publish(std::make_unique<Traced>(2, &alive));
    EXPECT_EQ(alive, 1);
    EXPECT_EQ(published.newest().value, 2);
}

TEST(Published, never_frees_what_a_reader_holds_and_frees_all_in_the_end) {
    constexpr int publications = 20000;
    constexpr std::size_t readers = 3;
    std::atomic<int> alive{0};
    std::atomic<bool> done{false};
    Published<Traced> published(std::make_unique<Traced>(0, &alive), readers);
    std::vector<std::thread> threads;
    for (std::size_t reader = 0; reader < readers; ++reader)
        threads.emplace_back([&, reader] {
            int last = 0;
            while (!done) {
                const Traced& value = published.enter(reader);
                const int first_look = value.value;
                EXPECT_GE(first_look, last);
                EXPECT_EQ(value.value, first_look);
                last = first_look;
                published.leave(reader);
            }
        });
    for (int i = 1; i <= publications; ++i) {
        published.publish(std::make_unique<Traced>(i, &alive));
        if (i % 64 == 0) std::this_thread::yield();
    }
    done = true;
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(published.reclaim(), 0U);
    EXPECT_EQ(alive, 1);
}

}  // namespace
}  // namespace cygnet::esp
