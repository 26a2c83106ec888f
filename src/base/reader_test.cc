#include "base/reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace cygnet {
namespace {

TEST(Reader, reads_big_endian_integers_in_order) {
    const Bytes data{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xff};
    Reader reader(data);
    EXPECT_EQ(reader.u8("a"), std::uint8_t{0x01});
    EXPECT_EQ(reader.u16("b"), std::uint16_t{0x0203});
    EXPECT_EQ(reader.u32("c"), std::uint32_t{0x04050607});
    EXPECT_EQ(reader.left(), 1u);
}

TEST(Reader, consumes_nothing_when_a_read_fails) {
    const Bytes data{1, 2, 3};
    Reader reader(data);
    const auto word = reader.u32("SPI");
    ASSERT_FALSE(word);
    EXPECT_EQ(word.error().code, Errc::truncated);
    EXPECT_STREQ(word.error().where, "SPI");
    EXPECT_FALSE(reader.take(4, "body"));
    EXPECT_EQ(reader.left(), 3u);
}

TEST(Reader, takes_views_into_the_same_memory) {
    const Bytes data{1, 2, 3, 4};
    Reader reader(data);
    const auto part = reader.take(3, "part");
    ASSERT_TRUE(part);
    EXPECT_EQ(part->data(), data.data());
    EXPECT_TRUE(equal(reader.rest(), Bytes{4}));
    EXPECT_TRUE(reader.empty());
    EXPECT_TRUE(reader.rest().empty());
}

TEST(Reader, finishes_only_when_everything_was_read) {
    const Bytes data{1};
    Reader reader(data);
    const auto early = reader.finish("payload");
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, Errc::trailing);
    ASSERT_TRUE(reader.u8("octet"));
    EXPECT_TRUE(reader.finish("payload"));
}

RC_GTEST_PROP(Reader, reads_back_what_a_writer_wrote,
              (std::uint8_t a, std::uint16_t b, std::uint32_t c, std::uint64_t d, const Bytes& e)) {
    Bytes out;
    Writer writer(out);
    writer.u8(a);
    writer.u16(b);
    writer.u32(c);
    writer.u64(d);
    writer.bytes(e);
    RC_ASSERT(writer.size() == 15 + e.size());

    Reader reader(out);
    RC_ASSERT(reader.u8("").value() == a);
    RC_ASSERT(reader.u16("").value() == b);
    RC_ASSERT(reader.u32("").value() == c);
    RC_ASSERT(reader.u64("").value() == d);
    RC_ASSERT(equal(reader.rest(), e));
}

TEST(Writer, patches_lengths_known_only_at_the_end) {
    Bytes out;
    Writer writer(out);
    writer.zeros(7);
    writer.patch_u16(0, 0x0102);
    writer.patch_u32(2, 0x03040506);
    EXPECT_EQ(out, (Bytes{1, 2, 3, 4, 5, 6, 0}));
}

}  // namespace
}  // namespace cygnet
