#include "dataplane/too_big.h"

#include <gtest/gtest.h>

#include "base/big_endian.h"
#include "dataplane/checksum.h"
#include "esp/icmp_error.h"
#include "esp/test_packets.h"
#include "model/limits.h"

namespace cygnet::dataplane {
namespace {

using esp::testing::make_packet;

esp::InnerPacket parsed(const Bytes& packet) { return esp::parse_inner(packet.data(), packet.size()).value(); }

// RFC 4301 §8.2.1 [174], RFC 1191 §4: the message names the MTU and quotes the packet.
TEST(TooBig, tells_the_sender_of_an_IPv4_packet) {
    const Bytes packet = make_packet({.payload = 1400});
    TooBigMessage message;
    const std::size_t size = write_too_big(packet.data(), parsed(packet), 1321, message);
    ASSERT_EQ(size, 576U);
    const auto error = esp::parse_inner(message.data(), size).value();
    EXPECT_EQ(error.destination, parsed(packet).source);
    EXPECT_EQ(error.source, parsed(packet).destination);
    EXPECT_EQ(error.source_port, 3 * 256 + 4);
    EXPECT_EQ(load_be<std::uint16_t>(message.data() + 26), 1321);
    ChecksumSum header, icmp;
    header.add(message.data(), 20);
    icmp.add(message.data() + 20, size - 20);
    EXPECT_EQ(header.checksum(), 0);
    EXPECT_EQ(icmp.checksum(), 0);
    EXPECT_TRUE(std::equal(message.begin() + 28, message.begin() + 576, packet.begin()));
}

TEST(TooBig, tells_the_sender_of_an_IPv6_packet) {
    const Bytes packet = make_packet({.source = "2001:db8:1::1", .destination = "2001:db8:2::1", .payload = 1400});
    TooBigMessage message;
    const std::size_t size = write_too_big(packet.data(), parsed(packet), 1400, message);
    ASSERT_EQ(size, 1280U);
    const auto error = esp::parse_inner(message.data(), size).value();
    EXPECT_EQ(error.destination, parsed(packet).source);
    EXPECT_EQ(error.source_port, 2 * 256);
    EXPECT_EQ(load_be<std::uint32_t>(message.data() + 44), 1400U);
    ChecksumSum sum = pseudo_header(message.data(), model::Family::v6, esp::protocol::icmpv6, size - 40);
    sum.add(message.data() + 40, size - 40);
    EXPECT_EQ(sum.checksum(), 0);
}

// RFC 1122 §3.2.2 and RFC 4443 §2.4 (e).
TEST(TooBig, is_not_said_about_errors_fragments_and_groups) {
    TooBigMessage message;
    const auto answered = [&](const Bytes& packet) { return write_too_big(packet.data(), parsed(packet), 1300, message) != 0; };
    EXPECT_TRUE(answered(make_packet()));
    EXPECT_FALSE(answered(make_packet({.destination = "224.0.0.5"})));
    EXPECT_FALSE(answered(make_packet({.destination = "255.255.255.255"})));
    EXPECT_FALSE(answered(make_packet({.source = "0.0.0.0"})));
    EXPECT_FALSE(answered(make_packet({.source = "127.0.0.1"})));
    EXPECT_FALSE(answered(make_packet({.source = "ff02::1", .destination = "2001:db8::1"})));
    EXPECT_FALSE(answered(make_packet({.protocol = esp::protocol::icmp, .source_port = 3 * 256, .destination_port = 0})));
    EXPECT_TRUE(answered(make_packet({.protocol = esp::protocol::icmp, .source_port = 8 * 256, .destination_port = 0})));
    Bytes later = make_packet({.payload = 600});
    store_be<std::uint16_t>(later.data() + 6, 10);
    EXPECT_FALSE(answered(later));
}

TEST(TooBig, is_said_so_often_and_no_more) {
    IcmpBudget budget;
    unsigned said = 0;
    for (int i = 0; i < 5000; ++i) said += budget.take(Instant::after_start(seconds(5)));
    EXPECT_EQ(said, model::limits::icmp_errors_per_second);
    EXPECT_TRUE(budget.take(Instant::after_start(seconds(6))));
}

}  // namespace
}  // namespace cygnet::dataplane
