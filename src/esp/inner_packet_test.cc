#include "esp/inner_packet.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "esp/test_packets.h"

namespace cygnet::esp {
namespace {

using testing::make_packet;
using testing::PacketShape;

std::optional<InnerPacket> parse(const Bytes& packet) { return parse_inner(packet.data(), packet.size()); }

TEST(InnerPacket, reads_addresses_ports_and_traffic_class_of_ipv4) {
    const auto packet = parse(make_packet({.traffic_class = 0xb9}));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->family, model::Family::v4);
    EXPECT_EQ(packet->source, key_of(*model::IpAddress::parse("10.1.0.1")));
    EXPECT_EQ(packet->destination, key_of(*model::IpAddress::parse("10.2.0.1")));
    EXPECT_EQ(packet->source_port, 1000);
    EXPECT_EQ(packet->destination_port, 2000);
    EXPECT_EQ(packet->traffic_class, 0xb9);
    EXPECT_EQ(packet->transport_offset, 20U);
    EXPECT_EQ(packet->size, 60U);
}

TEST(InnerPacket, reads_ipv6_with_the_traffic_class_across_octets) {
    const auto packet =
        parse(make_packet({.source = "2001:db8:1::1", .destination = "2001:db8:2::2", .traffic_class = 0xb9}));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->destination, key_of(*model::IpAddress::parse("2001:db8:2::2")));
    EXPECT_EQ(packet->traffic_class, 0xb9);
    EXPECT_EQ(packet->destination_port, 2000);
    EXPECT_EQ(packet->transport_offset, 40U);
}

TEST(InnerPacket, finds_the_transport_header_behind_ipv6_extensions) {
    Bytes packet =
        testing::ip_header({.source = "2001:db8::1", .destination = "2001:db8::2", .protocol = 0}, 8 + 16 + 8);
    append(packet, *from_hex("3c00000000000000"));                  // hop-by-hop, then options
    append(packet, *from_hex("11010000000000000000000000000000"));  // destination options, then UDP
    append(packet, *from_hex("03e807d000080000"));
    const auto parsed = parse(packet);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->protocol, protocol::udp);
    EXPECT_TRUE(parsed->ports_known);
    EXPECT_EQ(parsed->source_port, 1000);
    EXPECT_EQ(parsed->transport_offset, 64U);
}

TEST(InnerPacket, knows_no_ports_in_later_fragments) {
    Bytes packet = make_packet();
    store_be<std::uint16_t>(packet.data() + 6, 0x2000);  // the first fragment
    EXPECT_TRUE(parse(packet)->ports_known);
    EXPECT_TRUE(parse(packet)->fragment);
    store_be<std::uint16_t>(packet.data() + 6, 0x0001);  // the last one
    EXPECT_FALSE(parse(packet)->ports_known);

    Bytes six = testing::ip_header({.source = "2001:db8::1", .destination = "2001:db8::2", .protocol = 44}, 16);
    append(six, *from_hex("1100000800000001"
                          "03e807d000080000"));
    ASSERT_TRUE(parse(six));
    EXPECT_FALSE(parse(six)->ports_known);
    EXPECT_EQ(parse(six)->protocol, protocol::udp);
}

TEST(InnerPacket, takes_icmp_type_and_code_as_ports) {
    const auto packet = parse(make_packet({.protocol = protocol::icmp, .source_port = 0x0800}));
    EXPECT_EQ(packet->source_port, 0x0800);
    EXPECT_EQ(packet->destination_port, 0x0800);
}

TEST(InnerPacket, refuses_what_is_not_ip_or_longer_than_there_is) {
    EXPECT_FALSE(parse({}));
    EXPECT_FALSE(parse(Bytes(60, 0x55)));
    Bytes packet = make_packet();
    packet[0] = 0x44;  // header of 16 octets
    EXPECT_FALSE(parse(packet));
    packet[0] = 0x4f;  // header longer than the packet
    EXPECT_FALSE(parse(Bytes(packet.begin(), packet.begin() + 40)));
    packet = make_packet();
    store_be<std::uint16_t>(packet.data() + 2, 61);
    EXPECT_FALSE(parse(packet));
    store_be<std::uint16_t>(packet.data() + 2, 19);
    EXPECT_FALSE(parse(packet));
}

TEST(InnerPacket, never_reads_beyond_a_truncated_packet) {
    SeededRng rng(7);
    for (int i = 0; i < 20000; ++i) {
        Bytes octets = rng.bytes(rng.below(90));
        if (!octets.empty()) octets[0] = rng.below(2) == 0 ? 0x45 : 0x60;
        if (octets.size() > 6 && rng.below(2) == 0) {
            octets[4] = octets[2] = 0;
            octets[5] = octets[3] = static_cast<std::uint8_t>(rng.below(octets.size()));
            octets[6] = static_cast<std::uint8_t>(rng.below(64));
        }
        const auto packet = parse(octets);
        if (!packet) continue;
        EXPECT_LE(packet->size, octets.size());
        EXPECT_LE(packet->transport_offset, packet->size);
    }
}

}  // namespace
}  // namespace cygnet::esp
