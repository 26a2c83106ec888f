#include "vici/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cygnet::vici {
namespace {

TEST(Values, ReadBooleans) {
    for (const char* word : {"yes", "True", "ENABLED", "1"}) EXPECT_EQ(parse_bool(word), true);
    for (const char* word : {"no", "False", "disabled", "0"}) EXPECT_EQ(parse_bool(word), false);
    for (const char* word : {"", "y", "on", "2"}) EXPECT_EQ(parse_bool(word), std::nullopt);
}

TEST(Values, ReadTimes) {
    EXPECT_EQ(parse_time("90"), seconds(90));
    EXPECT_EQ(parse_time("90s"), seconds(90));
    EXPECT_EQ(parse_time("3 m"), seconds(180));
    EXPECT_EQ(parse_time("4h"), hours(4));
    EXPECT_EQ(parse_time("2D"), hours(48));
    for (const char* text : {"", "s", "soon", "1h30m", "-1", "1.5h", "999999999999h", "18446744073709551615"})
        EXPECT_EQ(parse_time(text), std::nullopt) << text;
}

TEST(Values, ReadNumbersAndVolumes) {
    EXPECT_EQ(parse_number("0x10", 100), 16u);
    EXPECT_EQ(parse_number("101", 100), std::nullopt);
    EXPECT_EQ(parse_number("", 100), std::nullopt);
    EXPECT_EQ(parse_number("0x", 100), std::nullopt);
    EXPECT_EQ(parse_volume("500"), 500u);
    EXPECT_EQ(parse_volume("2k"), 2048u);
    EXPECT_EQ(parse_volume("1 G"), 1073741824u);
    EXPECT_EQ(parse_volume("18446744073709551615k"), std::nullopt);
}

TEST(Values, SplitLists) {
    EXPECT_THAT(split_list(" a , b,,c c "), testing::ElementsAre("a", "b", "c c"));
    EXPECT_THAT(split_list(""), testing::IsEmpty());
}

TEST(Values, ReadInlineBlobs) {
    EXPECT_EQ(parse_inline_blob("0x0aff"), (Bytes{10, 255}));
    EXPECT_EQ(parse_inline_blob("0sYWJj"), (Bytes{'a', 'b', 'c'}));
    EXPECT_EQ(parse_inline_blob("0xzz"), std::nullopt);
    EXPECT_EQ(parse_inline_blob("abc"), std::nullopt);
}

}  // namespace
}  // namespace cygnet::vici
