#include "esp/icmp_error.h"

#include <gtest/gtest.h>

#include "esp/decapsulate.h"
#include "esp/test_packets.h"

namespace cygnet::esp {
namespace {

using testing::make_packet;
using testing::test_spec;

// An ICMP error from `router`, about `about`, cut to `quoted` octets.
Bytes error_from(std::string_view router, std::string_view to, ByteView about, std::size_t quoted = 28,
                 std::uint8_t type = 3) {
    Bytes icmp{type, 1, 0, 0, 0, 0, 0, 0};
    append(icmp, about.first(std::min(quoted, about.size())));
    const bool v4 = about[0] >> 4 == 4;
    Bytes packet = testing::ip_header(
        {.source = router, .destination = to, .protocol = v4 ? protocol::icmp : protocol::icmpv6}, icmp.size());
    append(packet, icmp);
    return packet;
}

InnerPacket parsed(ByteView packet) { return parse_inner(packet.data(), packet.size()).value(); }

TEST(IcmpError, quotes_the_packet_it_is_about) {
    const Bytes about = make_packet({.source = "10.2.0.9", .destination = "10.1.0.1", .source_port = 53, .destination_port = 999});
    const Bytes error = error_from("172.16.0.1", "10.2.0.9", about);
    const auto quoted = quoted_packet(error.data(), parsed(error));
    ASSERT_TRUE(quoted);
    // As a packet that travels with the error.
    EXPECT_EQ(quoted->source, key_of(*model::IpAddress::parse("10.1.0.1")));
    EXPECT_EQ(quoted->destination, key_of(*model::IpAddress::parse("10.2.0.9")));
    EXPECT_EQ(quoted->source_port, 999);
    EXPECT_EQ(quoted->destination_port, 53);
}

TEST(IcmpError, of_IPv6_likewise) {
    const Bytes about = make_packet({.source = "2001:db8:2::9", .destination = "2001:db8:1::1"});
    const Bytes error = error_from("2001:db8:f::1", "2001:db8:2::9", about, 1000, 2);
    const auto quoted = quoted_packet(error.data(), parsed(error));
    ASSERT_TRUE(quoted);
    EXPECT_EQ(quoted->source, key_of(*model::IpAddress::parse("2001:db8:1::1")));
    EXPECT_TRUE(quoted->ports_known);
}

TEST(IcmpError, is_not_an_echo_or_a_cut_header) {
    const Bytes about = make_packet();
    for (const int type : {0, 8, 13, 30}) {
        const Bytes echo = error_from("172.16.0.1", "10.2.0.9", about, 28, static_cast<std::uint8_t>(type));
        EXPECT_FALSE(quoted_packet(echo.data(), parsed(echo))) << type;
    }
    for (std::size_t quoted = 0; quoted < 20; ++quoted) {
        const Bytes error = error_from("172.16.0.1", "10.2.0.9", about, quoted);
        EXPECT_FALSE(quoted_packet(error.data(), parsed(error))) << quoted;
    }
}

class Arriving : public ::testing::Test {
protected:
    Drop arrives(ByteView inner, model::IcmpErrors icmp_errors = model::IcmpErrors::yes) {
        model::ChildSaSpec spec = testing::mirrored(test_spec());  // the peer, 10.2.0.0/16
        model::ChildSaSpec here = test_spec();
        here.icmp_errors = icmp_errors;
        const ChildPointer child = testing::child_of(here);
        Bytes text = keep(inner);
        const std::size_t padding = (0 - (text.size() + 2)) & 3;
        for (std::size_t i = 1; i <= padding; ++i) text.push_back(static_cast<std::uint8_t>(i));
        text.push_back(static_cast<std::uint8_t>(padding));
        text.push_back(protocol::ipv4);
        Bytes esp = testing::seal_text(spec, 1, text);
        InboundPacket packet{.esp = esp.data(), .size = static_cast<std::uint32_t>(esp.size())};
        decapsulate(*child, {&packet, 1}, Instant::after_start(seconds(1)));
        return packet.drop;
    }
    // A packet of ours that went through the child, and one that never did.
    Bytes ours = make_packet({.source = "10.1.0.1", .destination = "10.2.0.9"});
    Bytes others = make_packet({.source = "10.1.0.1", .destination = "10.9.0.9"});
};

// RFC 4301 §6.2: a router beyond the selectors may speak about what went through the child, and of nothing else.
TEST_F(Arriving, an_error_about_our_packet_is_accepted) {
    EXPECT_EQ(arrives(error_from("172.16.0.1", "10.1.0.1", ours)), Drop::none);
}
TEST_F(Arriving, an_error_about_another_packet_is_not) {
    EXPECT_EQ(arrives(error_from("172.16.0.1", "10.1.0.1", others)), Drop::selector_mismatch);
    EXPECT_EQ(arrives(error_from("172.16.0.1", "10.1.0.1", ours, 12)), Drop::selector_mismatch);
}
TEST_F(Arriving, no_error_is_accepted_where_the_configuration_says_so) {
    EXPECT_EQ(arrives(error_from("172.16.0.1", "10.1.0.1", ours), model::IcmpErrors::no), Drop::selector_mismatch);
}
// RFC 4301 §6.2 [175]: one who may send through the child can end the connections of its peers, not those of others.
TEST_F(Arriving, an_error_from_within_the_selectors_is_checked_where_the_configuration_says_so) {
    EXPECT_EQ(arrives(error_from("10.2.0.1", "10.1.0.1", others)), Drop::none);
    EXPECT_EQ(arrives(error_from("10.2.0.1", "10.1.0.1", others), model::IcmpErrors::no), Drop::none);
    EXPECT_EQ(arrives(error_from("10.2.0.1", "10.1.0.1", others), model::IcmpErrors::checked), Drop::icmp_mismatch);
    EXPECT_EQ(arrives(error_from("10.2.0.1", "10.1.0.1", ours, 12), model::IcmpErrors::checked), Drop::icmp_mismatch);
    EXPECT_EQ(arrives(error_from("10.2.0.1", "10.1.0.1", ours), model::IcmpErrors::checked), Drop::none);
    EXPECT_EQ(arrives(error_from("172.16.0.1", "10.1.0.1", ours), model::IcmpErrors::checked), Drop::none);
    EXPECT_EQ(arrives(error_from("10.2.0.1", "10.1.0.1", others, 28, 8), model::IcmpErrors::checked), Drop::none);
}
// Two errors of one flow may quote different packets.
TEST_F(Arriving, each_error_of_a_batch_is_checked_for_itself) {
    model::ChildSaSpec here = test_spec();
    here.icmp_errors = model::IcmpErrors::checked;
    const ChildPointer child = testing::child_of(here);
    SelectorCheck check(*child);
    const Bytes good = error_from("10.2.0.1", "10.1.0.1", ours), bad = error_from("10.2.0.1", "10.1.0.1", others);
    const InnerPacket of_good = parsed(good), of_bad = parsed(bad);
    EXPECT_EQ(check.check(good.data(), of_good), Drop::none);
    InnerPacket told;
    EXPECT_FALSE(check.lets_in(bad.data(), bad.size(), told));
    EXPECT_EQ(check.check(bad.data(), of_bad), Drop::icmp_mismatch);
}

}  // namespace
}  // namespace cygnet::esp
