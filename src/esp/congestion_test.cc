#include "esp/congestion.h"

#include <gtest/gtest.h>

#include "esp/test_packets.h"

namespace cygnet::esp {
namespace {

constexpr auto not_ect = Ecn::not_ect, ect0 = Ecn::ect0, ect1 = Ecn::ect1, ce = Ecn::ce;

// RFC 6040 §4.2 [89], RFC 4301 §5.1.2 [173]: in and out.
TEST(Congestion, follows_the_table_of_rfc_6040) {
    struct Row {
        Ecn inner, outer;
        std::optional<Ecn> leaves;
    };
    // RFC 6040 figure 4, row by row.
    const Row rows[] = {
        {not_ect, not_ect, not_ect}, {not_ect, ect0, not_ect}, {not_ect, ect1, not_ect}, {not_ect, ce, std::nullopt},
        {ect0, not_ect, ect0},       {ect0, ect0, ect0},       {ect0, ect1, ect1},       {ect0, ce, ce},
        {ect1, not_ect, ect1},       {ect1, ect0, ect1},       {ect1, ect1, ect1},       {ect1, ce, ce},
        {ce, not_ect, ce},           {ce, ect0, ce},           {ce, ect1, ce},           {ce, ce, ce}};
    for (const Row& row : rows)
        EXPECT_EQ(decapsulated_ecn(row.inner, row.outer), row.leaves)
            << static_cast<int>(row.inner) << " in " << static_cast<int>(row.outer);
}

TEST(Congestion, keeps_the_ipv4_checksum_right) {
    Bytes packet = testing::make_packet({.traffic_class = 0xb8 | 2});
    InnerPacket inner = *parse_inner(packet.data(), packet.size());
    ASSERT_TRUE(decapsulate_ecn(packet.data(), inner, 3));
    EXPECT_EQ(packet[1], 0xb8 | 3);
    EXPECT_EQ(testing::ipv4_header_checksum(ByteView(packet).first(20)), 0);
    EXPECT_EQ(inner.traffic_class, 0xb8 | 3);
}

TEST(Congestion, marks_ipv6_and_nothing_beside) {
    const testing::PacketShape shape{
        .source = "2001:db8:1::1", .destination = "2001:db8:2::1", .traffic_class = 0xb8 | 2};
    Bytes packet = testing::make_packet(shape);
    InnerPacket inner = *parse_inner(packet.data(), packet.size());
    ASSERT_TRUE(decapsulate_ecn(packet.data(), inner, 3));
    auto marked = shape;
    marked.traffic_class = 0xb8 | 3;
    EXPECT_EQ(packet, testing::make_packet(marked));
}

}  // namespace
}  // namespace cygnet::esp
