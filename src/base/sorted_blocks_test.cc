#include "base/sorted_blocks.h"

#include <gtest/gtest.h>

#include <set>

namespace cygnet {
namespace {

// A generator of its own, so that each run sees the same.
struct Numbers {
    std::uint64_t state = 1;
    std::uint64_t next(std::uint64_t below) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state >> 33) % below;
    }
};

TEST(SortedBlocks, IsASetInOrder) {
    Numbers numbers;
    SortedBlocks<int, 8> blocks;
    std::set<int> expected;
    for (int i = 0; i < 20'000; ++i) {
        const int value = static_cast<int>(numbers.next(500));
        // It grows at first and shrinks later.
        if (numbers.next(20'000) > static_cast<std::uint64_t>(i))
            ASSERT_EQ(blocks.insert(value), expected.insert(value).second);
        else
            ASSERT_EQ(blocks.erase(value), expected.erase(value) == 1);
        ASSERT_EQ(blocks.size(), expected.size());
        const int probe = static_cast<int>(numbers.next(500));
        ASSERT_EQ(blocks.contains(probe), expected.contains(probe));
        const auto found = blocks.lower_bound(probe);
        const auto wanted = expected.lower_bound(probe);
        ASSERT_EQ(found == blocks.end(), wanted == expected.end());
        if (wanted != expected.end()) {
            ASSERT_EQ(*found, *wanted);
        }
        if (i % 100 == 0) {
            ASSERT_TRUE(std::ranges::equal(blocks, expected));
        }
    }
    for (const int value : expected) ASSERT_TRUE(blocks.erase(value));
    EXPECT_TRUE(blocks.empty());
    EXPECT_EQ(blocks.begin(), blocks.end());
}

TEST(SortedBlocks, WhatComesInOrderStaysInOrder) {
    SortedBlocks<int, 8> blocks;
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(blocks.insert(i));
    for (int i = 0; i < 100; ++i) ASSERT_FALSE(blocks.insert(i));
    int expected = 0;
    for (const int value : blocks) ASSERT_EQ(value, expected++);
    EXPECT_EQ(expected, 100);
}

}  // namespace
}  // namespace cygnet
