#include "vici/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "model/limits.h"

namespace cygnet::vici {
namespace {

Bytes octets(std::string_view text) { return keep(bytes_of(text)); }

// facts-vici 3
TEST(ViciMessage, EncodesTheExamplesOfTheProtocol) {
    Section pair;
    pair.add("key1", "value1");
    EXPECT_EQ(encode(pair), octets(std::string("\x03\x04" "key1" "\x00\x06" "value1", 14)));
    Section nested;
    nested.add_section("s").add_list("l");
    EXPECT_EQ(encode(nested), octets("\x01\x01s\x04\x01l\x06\x02"));
    Section list;
    list.add_list("l", {"a", ""});
    EXPECT_EQ(encode(list), octets(std::string("\x04\x01l\x05\x00\x01" "a\x05\x00\x00\x06", 11)));
    EXPECT_EQ(encode(Section()), Bytes());
}

TEST(ViciMessage, RefusesWhatIsMalformed) {
    const auto code = [](std::string_view bytes) {
        const auto decoded = decode(bytes_of(bytes));
        return decoded ? std::string("decoded") : std::string(name_of(decoded.error().code));
    };
    EXPECT_EQ(code(std::string_view("\x03\x04key1\x00\x06value", 13)), "truncated");
    EXPECT_EQ(code("\x03\x04key"), "truncated");
    EXPECT_EQ(code("\x03"), "truncated");
    EXPECT_EQ(code("\x01\x01s"), "truncated") << "not closed";
    EXPECT_EQ(code("\x02"), "bad value") << "closed, never opened";
    EXPECT_EQ(code("\x07"), "bad value");
    EXPECT_EQ(code("\x05"), "bad value") << "an item outside of a list";
    EXPECT_EQ(code("\x04\x01l\x04\x01m\x06\x06"), "bad value") << "lists do not nest";
    EXPECT_EQ(code(std::string_view("\x04\x01l\x03\x01k\x00\x00\x06", 10)), "bad value");
    EXPECT_EQ(code(std::string_view("\x00", 1)), "bad value");
}

TEST(ViciMessage, BoundsNestingInBothDirections) {
    std::string deep;
    for (std::size_t i = 0; i <= model::limits::vici_nesting; ++i) deep += "\x01\x01s";
    for (std::size_t i = 0; i <= model::limits::vici_nesting; ++i) deep += "\x02";
    const auto decoded = decode(bytes_of(deep));
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, Errc::limit);
}

TEST(ViciMessage, RefusesNamesAndValuesThatDoNotFit) {
    Section name;
    name.add(std::string(256, 'x'), "");
    EXPECT_EQ(encode(name).error().code, Errc::limit);
    Section value;
    value.add("k", std::string(65536, 'x'));
    EXPECT_EQ(encode(value).error().code, Errc::limit);
    Section most;
    most.add(std::string(255, 'n'), std::string(65535, 'v'));
    EXPECT_TRUE(encode(most));
}

TEST(ViciMessage, FindsEntriesByNameAndKind) {
    Section message;
    message.add("k", "v").add_list("l", {"a", "b"}).add_flag("on", true).add_flag("off", false);
    message.add_section("s").add("inner", std::uint64_t{7});
    EXPECT_EQ(message.text("k"), "v");
    EXPECT_EQ(message.text("l"), std::nullopt);
    EXPECT_THAT(*message.list("l"), testing::ElementsAre("a", "b"));
    EXPECT_TRUE(message.flag("on"));
    EXPECT_FALSE(message.has("off"));
    EXPECT_EQ(message.section("s")->text("inner"), "7");
    EXPECT_EQ(raw_text(message), "k=v l=[a b] on=yes s {inner=7}");
}

Section arbitrary(int depth) {
    Section section;
    const auto text = [] { return *rc::gen::container<std::string>(rc::gen::arbitrary<char>()); };
    const int count = *rc::gen::inRange(0, 4);
    for (int i = 0; i < count; ++i) {
        const std::string name = "n" + std::to_string(i);
        switch (*rc::gen::inRange(0, depth > 0 ? 3 : 2)) {
            case 0: section.add(name, text()); break;
            case 1: section.add_list(name, *rc::gen::container<List>(rc::gen::container<std::string>(
                                               rc::gen::arbitrary<char>()))); break;
            default: section.add_section(name) = arbitrary(depth - 1);
        }
    }
    return section;
}

TEST(ViciMessage, DecodesWhatItEncodes) {
    EXPECT_TRUE(rc::check([] {
        const Section section = arbitrary(3);
        const auto bytes = encode(section);
        RC_ASSERT(bytes.has_value());
        const auto back = decode(*bytes);
        RC_ASSERT(back.has_value());
        RC_ASSERT(*back == section);
        RC_ASSERT(*encode(*back) == *bytes);
    }));
}

}  // namespace
}  // namespace cygnet::vici
