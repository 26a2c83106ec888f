#include "dataplane/mss_clamp.h"

#include <gtest/gtest.h>

#include "base/big_endian.h"
#include "dataplane/checksum.h"
#include "esp/test_packets.h"

namespace cygnet::dataplane {
namespace {

constexpr std::uint8_t syn = 0x02, ack = 0x10;

// A TCP packet with these options, its checksum finished.
Bytes tcp_packet(Bytes options, std::uint8_t flags, bool v6 = false) {
    while (options.size() % 4 != 0) options.push_back(0);
    Bytes tcp(20);
    store_be<std::uint16_t>(tcp.data(), 1000);
    store_be<std::uint16_t>(tcp.data() + 2, 80);
    tcp[12] = static_cast<std::uint8_t>((20 + options.size()) / 4 << 4);
    tcp[13] = flags;
    append(tcp, options);
    Bytes packet = esp::testing::ip_header({.source = v6 ? "2001:db8:1::1" : "10.1.0.1",
                                            .destination = v6 ? "2001:db8:2::1" : "10.2.0.1",
                                            .protocol = esp::protocol::tcp},
                                           tcp.size());
    const std::size_t at = packet.size();
    append(packet, tcp);
    ChecksumSum sum = pseudo_header(packet.data(), v6 ? model::Family::v6 : model::Family::v4, esp::protocol::tcp, tcp.size());
    sum.add(packet.data() + at, tcp.size());
    store_be(packet.data() + at + 16, sum.checksum());
    return packet;
}

bool checksum_is_right(const Bytes& packet, const esp::InnerPacket& inner) {
    const std::size_t size = packet.size() - inner.transport_offset;
    ChecksumSum sum = pseudo_header(packet.data(), inner.family, esp::protocol::tcp, size);
    sum.add(packet.data() + inner.transport_offset, size);
    return sum.checksum() == 0;
}

Bytes mss(std::uint16_t value) {
    return {2, 4, static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

struct Clamped {
    std::uint16_t mss;
    bool checksum_is_right;
};
Clamped clamped(Bytes packet, std::size_t mss_at, std::size_t mtu) {
    const auto inner = esp::parse_inner(packet.data(), packet.size()).value();
    clamp_mss(packet.data(), inner, mtu, TcpChecksum::complete);
    return {load_be<std::uint16_t>(packet.data() + inner.transport_offset + mss_at), checksum_is_right(packet, inner)};
}

TEST(MssClamp, lowers_what_is_too_large) {
    for (const bool v6 : {false, true}) {
        const auto [value, right] = clamped(tcp_packet(mss(1460), syn, v6), 22, 1300);
        EXPECT_EQ(value, v6 ? 1240 : 1260);
        EXPECT_TRUE(right);
    }
}

TEST(MssClamp, leaves_what_fits) {
    const auto [value, right] = clamped(tcp_packet(mss(1260), syn | ack), 22, 1300);
    EXPECT_EQ(value, 1260);
    EXPECT_TRUE(right);
}

// RFC 1071: the value's octets lie in two words of the sum.
TEST(MssClamp, keeps_the_checksum_at_an_odd_place) {
    for (std::size_t before = 0; before < 4; ++before) {
        Bytes options(before, 1);
        append(options, mss(1460));
        const auto [value, right] = clamped(tcp_packet(options, syn), 20 + before + 2, 1333);
        EXPECT_EQ(value, 1293);
        EXPECT_TRUE(right) << before;
    }
}

TEST(MssClamp, finds_it_behind_other_options) {
    Bytes options{3, 3, 7, 4, 2, 1};
    append(options, mss(9000));
    EXPECT_EQ(clamped(tcp_packet(options, syn), 28, 1400).mss, 1360);
}

TEST(MssClamp, touches_nothing_in_options_that_make_no_sense) {
    for (const Bytes& options : {Bytes{2, 3, 0xff, 0xff}, Bytes{2}, Bytes{0, 2, 4, 0xff, 0xff}, Bytes{9, 0, 2, 4, 0xff, 0xff},
                                 Bytes{9, 40, 2, 4, 0xff, 0xff}, Bytes{1, 1, 1, 2}}) {
        Bytes packet = tcp_packet(options, syn);
        const Bytes before = packet;
        clamp_mss(packet.data(), esp::parse_inner(packet.data(), packet.size()).value(), 1300, TcpChecksum::complete);
        EXPECT_EQ(packet, before);
    }
}

TEST(MssClamp, leaves_the_checksum_to_who_finishes_it) {
    Bytes packet = tcp_packet(mss(1460), syn);
    const auto before = load_be<std::uint16_t>(packet.data() + 36);
    clamp_mss(packet.data(), esp::parse_inner(packet.data(), packet.size()).value(), 1300, TcpChecksum::left_to_us);
    EXPECT_EQ(load_be<std::uint16_t>(packet.data() + 42), 1260);
    EXPECT_EQ(load_be<std::uint16_t>(packet.data() + 36), before);
}

TEST(MssClamp, is_for_packets_that_open_a_connection) {
    const auto opens = [](const Bytes& packet) {
        return opens_tcp(packet.data(), esp::parse_inner(packet.data(), packet.size()).value());
    };
    EXPECT_TRUE(opens(tcp_packet(mss(1460), syn)));
    EXPECT_TRUE(opens(tcp_packet(mss(1460), syn | ack)));
    EXPECT_FALSE(opens(tcp_packet({}, ack)));
    EXPECT_FALSE(opens(esp::testing::make_packet()));
}

}  // namespace
}  // namespace cygnet::dataplane
