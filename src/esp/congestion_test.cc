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
    ASSERT_TRUE(decapsulate_traffic_class({}, packet.data(), inner, 3));
    EXPECT_EQ(packet[1], 0xb8 | 3);
    EXPECT_EQ(testing::ipv4_header_checksum(ByteView(packet).first(20)), 0);
    EXPECT_EQ(inner.traffic_class, 0xb8 | 3);
}

TEST(Congestion, marks_ipv6_and_nothing_beside) {
    const testing::PacketShape shape{
        .source = "2001:db8:1::1", .destination = "2001:db8:2::1", .traffic_class = 0xb8 | 2};
    Bytes packet = testing::make_packet(shape);
    InnerPacket inner = *parse_inner(packet.data(), packet.size());
    ASSERT_TRUE(decapsulate_traffic_class({}, packet.data(), inner, 3));
    auto marked = shape;
    marked.traffic_class = 0xb8 | 3;
    EXPECT_EQ(packet, testing::make_packet(marked));
}

// RFC 4301 §5.1.2.1, as configured.
TEST(TrafficClass, goes_out_as_configured) {
    constexpr std::uint8_t inner = 46 << 2 | 2;
    EXPECT_EQ(outer_traffic_class({}, inner), inner);
    EXPECT_EQ(outer_traffic_class({.copy_ecn = false}, inner), 46 << 2);
    EXPECT_EQ(outer_traffic_class({.dscp_out = false}, inner), 2);
}

TEST(TrafficClass, comes_in_as_configured) {
    const auto after = [](const model::TunnelHeaders& rules, std::uint8_t outer, std::string_view source,
                          std::string_view destination) {
        Bytes packet = testing::make_packet({.source = source, .destination = destination, .traffic_class = 10 << 2 | 2});
        InnerPacket inner = parse_inner(packet.data(), packet.size()).value();
        EXPECT_TRUE(decapsulate_traffic_class(rules, packet.data(), inner, outer));
        EXPECT_EQ(parse_inner(packet.data(), packet.size())->traffic_class, inner.traffic_class);
        if (inner.family == model::Family::v4) {
            EXPECT_EQ(testing::ipv4_header_checksum(ByteView(packet).first(20)), 0);
        }
        return inner.traffic_class;
    };
    for (const auto& [source, destination] : {std::pair{"10.1.0.1", "10.2.0.1"}, {"2001:db8:1::1", "2001:db8:2::1"}}) {
        EXPECT_EQ(after({}, 46 << 2 | 3, source, destination), 10 << 2 | 3);
        EXPECT_EQ(after({.copy_ecn = false}, 46 << 2 | 3, source, destination), 10 << 2 | 2);
        EXPECT_EQ(after({.dscp_in = true}, 46 << 2 | 3, source, destination), 46 << 2 | 3);
        EXPECT_EQ(after({.copy_ecn = false, .dscp_in = true}, 46 << 2 | 3, source, destination), 46 << 2 | 2);
    }
}

}  // namespace
}  // namespace cygnet::esp
