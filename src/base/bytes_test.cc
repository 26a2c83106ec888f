#include "base/bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace cygnet {
namespace {

TEST(Hex, is_lowercase_without_separators) {
    EXPECT_EQ(hex(Bytes{0x00, 0x0f, 0xa5, 0xff}), "000fa5ff");
    EXPECT_EQ(hex({}), "");
}

RC_GTEST_PROP(Hex, comes_back_from_its_text, (const Bytes& bytes)) {
    RC_ASSERT(from_hex(hex(bytes)) == bytes);
}

TEST(Hex, skips_blanks_and_colons) {
    EXPECT_EQ(from_hex("de:AD be\nEF"), (Bytes{0xde, 0xad, 0xbe, 0xef}));
}

TEST(Hex, refuses_an_odd_count_and_foreign_characters) {
    EXPECT_FALSE(from_hex("abc"));
    EXPECT_FALSE(from_hex("0x12"));
    EXPECT_FALSE(from_hex("1g"));
}

// RFC 4648 §10.
TEST(Base64, decodes_the_rfc_examples) {
    const std::pair<std::string_view, std::string_view> examples[] = {
        {"", ""},         {"Zg==", "f"},        {"Zm8=", "fo"},        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"}, {"Zm9vYmE=", "fooba"}, {"Zm9vYmFy", "foobar"},
    };
    for (const auto& [text, decoded] : examples) {
        const auto bytes = from_base64(text);
        ASSERT_TRUE(bytes) << text;
        EXPECT_EQ(text_of(*bytes), decoded);
    }
}

TEST(Base64, refuses_what_no_encoder_writes) {
    EXPECT_FALSE(from_base64("Z"));
    EXPECT_FALSE(from_base64("Zg==Zg=="));
    EXPECT_FALSE(from_base64("Zg==="));
    EXPECT_FALSE(from_base64("Zm9v!"));
}

TEST(Octets, are_joined_in_order) {
    EXPECT_EQ(concat({bytes_of("ab"), {}, bytes_of("c")}), (Bytes{'a', 'b', 'c'}));
    Bytes to{1};
    append(to, Bytes{2, 3});
    EXPECT_EQ(to, (Bytes{1, 2, 3}));
}

TEST(Octets, are_equal_only_with_equal_length) {
    EXPECT_TRUE(equal(bytes_of("abc"), bytes_of("abc")));
    EXPECT_FALSE(equal(bytes_of("abc"), bytes_of("ab")));
    EXPECT_FALSE(equal(bytes_of("abc"), bytes_of("abd")));
}

}  // namespace
}  // namespace cygnet
