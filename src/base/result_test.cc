#include "base/result.h"

#include <memory>

#include <gtest/gtest.h>

#include "base/instant.h"

namespace cygnet {
namespace {

Result<int> half(int value) {
    if (value % 2 != 0) return fail(Errc::bad_value, "half", "an odd number has none");
    return value / 2;
}

Result<int> quarter(int value) {
    const int first = TRY(half(value));
    return TRY(half(first));
}

Result<std::unique_ptr<int>> boxed(int value) { return std::make_unique<int>(value); }

Result<> check(int value) {
    TRY(half(value));
    const std::unique_ptr<int> moved = TRY(boxed(value));
    return *moved == value ? Result<>{} : fail(Errc::state, "check");
}

TEST(Try, yields_the_value) {
    EXPECT_EQ(quarter(12), 3);
    EXPECT_TRUE(check(2));
}

TEST(Try, returns_the_first_error_unchanged) {
    const auto result = quarter(6);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::bad_value);
    EXPECT_STREQ(result.error().where, "half");
    EXPECT_EQ(check(3).error().detail, "an odd number has none");
}

TEST(Error, says_what_where_and_why) {
    const Error error{.code = Errc::bad_length, .where = "SA proposal", .detail = "3 announced, 2 present"};
    EXPECT_EQ(error.text(), "bad length in SA proposal: 3 announced, 2 present");
}

TEST(Error, is_ignored_unless_its_maker_says_otherwise) {
    EXPECT_EQ(half(1).error().reaction, Reaction::ignore);
}

TEST(AssertDeathTest, ends_the_process_and_names_the_condition) {
    const int windows = 2;
    EXPECT_DEATH(ASSERT(windows == 1), "windows == 1");
}

TEST(Instant, adds_and_subtracts_durations) {
    const Instant start = Instant::after_start(seconds(5));
    EXPECT_EQ(start + milliseconds(1) - start, milliseconds(1));
    EXPECT_LT(start - seconds(1), start);
}

TEST(Instant, never_stays_never) {
    EXPECT_EQ(Instant::never() + hours(1), Instant::never());
    EXPECT_GT(Instant::never(), Instant::after_start(hours(24 * 365 * 100)));
}

}  // namespace
}  // namespace cygnet
