// Cutting and joining: what the segmenter makes of a super-packet, and what the coalescer makes of that.
#include <gtest/gtest.h>

#include "base/rng.h"
#include "dataplane/checksum.h"
#include "dataplane/coalescer.h"
#include "dataplane/segmenter.h"
#include "esp/test_packets.h"

namespace cygnet::dataplane {
namespace {

using esp::testing::make_packet;
using esp::testing::PacketShape;

struct SuperPacket {
    VnetHeader header;
    Bytes octets;
};

esp::InnerPacket inner_of(const Bytes& packet) { return esp::parse_inner(packet.data(), packet.size()).value(); }

// As the kernel hands it over: the checksum field holds the pseudo-header's sum.
SuperPacket super_packet(const PacketShape& shape, std::uint16_t segment, std::uint8_t tcp_flags = 0x10) {
    SuperPacket result{{}, make_packet(shape)};
    Bytes& packet = result.octets;
    const esp::InnerPacket inner = inner_of(packet);
    const std::size_t at = inner.transport_offset, size = packet.size() - at;
    const bool tcp = shape.protocol == esp::protocol::tcp;
    const bool v4 = inner.family == model::Family::v4;
    std::uint8_t* transport = packet.data() + at;
    if (v4) store_be<std::uint16_t>(packet.data() + 6, 0x4000);  // do not fragment
    if (v4) finish_ipv4_header(packet.data(), 20);
    if (tcp) {
        store_be<std::uint32_t>(transport + 4, 0xffff'fc00);  // the sequence wraps on the way
        transport[13] = tcp_flags;
    } else {
        store_be(transport + 4, static_cast<std::uint16_t>(size));
    }
    const std::uint16_t field = tcp ? 16 : 6;
    store_be(transport + field, pseudo_header(packet.data(), inner.family, shape.protocol, size).folded());
    result.header = {.flags = vnet::needs_checksum,
                     .gso_type = !tcp ? vnet::gso_udp
                                 : v4 ? vnet::gso_tcp4
                                      : vnet::gso_tcp6,
                     .header_size = static_cast<std::uint16_t>(at + (tcp ? 20 : 8)),
                     .gso_size = segment,
                     .checksum_start = static_cast<std::uint16_t>(at),
                     .checksum_offset = field};
    return result;
}

std::vector<Bytes> cut(const SuperPacket& packet) {
    const auto segments = Segmenter::of(packet.header, packet.octets.data(), inner_of(packet.octets));
    std::vector<Bytes> pieces;
    if (!segments) return pieces;
    for (std::size_t i = 0; i < segments->count(); ++i) {
        pieces.emplace_back(segments->size_of(i));
        segments->write(i, pieces.back().data());
    }
    return pieces;
}

bool is_sound(const Bytes& packet) {
    const auto inner = inner_of(packet);
    if (inner.size != packet.size()) return false;
    if (inner.family == model::Family::v4 && esp::testing::ipv4_header_checksum(ByteView(packet).first(20)) != 0)
        return false;
    ChecksumSum sum =
        pseudo_header(packet.data(), inner.family, inner.protocol, packet.size() - inner.transport_offset);
    sum.add(packet.data() + inner.transport_offset, packet.size() - inner.transport_offset);
    return sum.checksum() == 0;
}

// Keeps copies of what it is given.
class Collector final : public PacketSink {
public:
    void write(std::span<const iovec> pieces, std::size_t packets) override {
        SuperPacket whole;
        std::memcpy(&whole.header, pieces[0].iov_base, sizeof whole.header);
        for (const iovec& piece : pieces.subspan(1)) {
            const auto* octets = static_cast<const std::uint8_t*>(piece.iov_base);
            append(whole.octets, {octets, piece.iov_len});
        }
        written.push_back(std::move(whole));
        count += packets;
    }
    std::vector<SuperPacket> written;
    std::size_t count = 0;
};

struct Joined {
    Collector sink;
    explicit Joined(std::vector<Bytes>& packets, TunOffload offload = TunOffload::tcp_and_udp) {
        Coalescer coalescer(sink, offload);
        for (Bytes& packet : packets) coalescer.add(packet.data(), inner_of(packet));
        coalescer.flush();
    }
};

const PacketShape tcp4{.protocol = esp::protocol::tcp, .payload = 10000};
const PacketShape tcp6{
    .source = "2001:db8:1::1", .destination = "2001:db8:2::1", .protocol = esp::protocol::tcp, .payload = 10000};
const PacketShape udp4{.payload = 10000};
const PacketShape udp6{.source = "2001:db8:1::1", .destination = "2001:db8:2::1", .payload = 10000};

class EveryFlow : public ::testing::TestWithParam<PacketShape> {};

TEST_P(EveryFlow, is_cut_into_sound_packets_and_joined_to_the_same_super_packet) {
    for (const std::uint16_t segment : std::initializer_list<std::uint16_t>{100, 1000, 1348, 9999, 10000}) {
        const SuperPacket original = super_packet(GetParam(), segment);
        auto pieces = cut(original);
        ASSERT_EQ(pieces.size(), (10000U + segment - 1) / segment);
        for (const Bytes& piece : pieces) EXPECT_TRUE(is_sound(piece));
        const std::size_t count = pieces.size();
        const Joined joined(pieces);
        EXPECT_EQ(joined.sink.count, count);
        if (count > 1 && count <= 64) {
            ASSERT_EQ(joined.sink.written.size(), 1U);
            EXPECT_EQ(joined.sink.written[0].octets, original.octets);
            EXPECT_EQ(std::memcmp(&joined.sink.written[0].header, &original.header, sizeof(VnetHeader)), 0);
        }
        // Cut again, the pieces are the same but for the IPv4 identification.
        std::size_t at = 0;
        for (const SuperPacket& whole : joined.sink.written) {
            if (whole.header.gso_type == vnet::gso_none) {
                EXPECT_TRUE(is_sound(whole.octets));
                ++at;
                continue;
            }
            for (const Bytes& again : cut(whole)) {
                EXPECT_TRUE(is_sound(again));
                ++at;
            }
        }
        EXPECT_EQ(at, count);
    }
}
INSTANTIATE_TEST_SUITE_P(all, EveryFlow, ::testing::Values(tcp4, tcp6, udp4, udp6));

TEST(Segmenter, ends_the_data_with_the_last_piece_only) {
    constexpr std::uint8_t ack_psh_fin_cwr = 0x99;
    const auto pieces = cut(super_packet(tcp4, 4000, ack_psh_fin_cwr));
    ASSERT_EQ(pieces.size(), 3U);
    EXPECT_EQ(pieces[0][33], 0x90);
    EXPECT_EQ(pieces[1][33], 0x10);
    EXPECT_EQ(pieces[2][33], 0x19);
    EXPECT_EQ(load_be<std::uint32_t>(pieces[2].data() + 24), 0xffff'fc00U + 8000U);
    EXPECT_EQ(load_be<std::uint16_t>(pieces[2].data() + 4), 2);
}

TEST(Segmenter, finishes_the_checksum_of_a_single_packet) {
    SuperPacket packet = super_packet(udp4, 0);
    packet.header.gso_type = vnet::gso_none;
    const auto pieces = cut(packet);
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_TRUE(is_sound(pieces[0]));
    packet.header.flags = 0;
    EXPECT_EQ(cut(packet)[0], packet.octets);
}

TEST(Segmenter, refuses_headers_that_contradict_the_packet) {
    const auto refused = [](auto change) {
        SuperPacket packet = super_packet(tcp4, 1000);
        change(packet);
        return cut(packet).empty();
    };
    EXPECT_TRUE(refused([](SuperPacket& p) { p.header.gso_size = 0; }));
    EXPECT_TRUE(refused([](SuperPacket& p) { p.header.gso_type = vnet::gso_udp; }));
    EXPECT_TRUE(refused([](SuperPacket& p) { p.header.gso_type = 3; }));
    EXPECT_TRUE(refused([](SuperPacket& p) { p.octets[32] = 0x40; }));
    EXPECT_TRUE(refused([](SuperPacket& p) {
        p.header.gso_type = vnet::gso_none;
        p.header.checksum_start = 65000;
    }));
}

TEST(Segmenter, survives_random_headers) {
    SeededRng rng(9);
    for (int i = 0; i < 20000; ++i) {
        SuperPacket packet = super_packet(rng.below(2) == 0 ? tcp4 : udp6, 1000);
        packet.octets.resize(inner_of(packet.octets).transport_offset + rng.below(40));
        const std::size_t length_at = packet.octets[0] >> 4 == 4 ? 2 : 4;
        store_be(packet.octets.data() + length_at,
                 static_cast<std::uint16_t>(packet.octets.size() - (length_at == 2 ? 0 : 40)));
        Bytes random = rng.bytes(sizeof(VnetHeader));
        random[1] = static_cast<std::uint8_t>(rng.below(7));
        std::memcpy(&packet.header, random.data(), random.size());
        packet.header.checksum_start = static_cast<std::uint16_t>(rng.below(80));
        packet.header.checksum_offset = static_cast<std::uint16_t>(rng.below(40));
        if (!esp::parse_inner(packet.octets.data(), packet.octets.size())) continue;
        for (const Bytes& piece : cut(packet)) EXPECT_LE(piece.size(), packet.octets.size());
    }
}

TEST(Coalescer, keeps_the_order_of_a_flow_when_something_cannot_be_joined) {
    auto pieces = cut(super_packet(tcp4, 1000));
    pieces[3][33] = 0x11;  // FIN
    const Joined joined(pieces);
    std::uint32_t expected = 0xffff'fc00;
    for (const SuperPacket& whole : joined.sink.written) {
        EXPECT_EQ(load_be<std::uint32_t>(whole.octets.data() + 24), expected);
        expected += static_cast<std::uint32_t>(whole.octets.size() - 40);
    }
    EXPECT_EQ(joined.sink.count, 10U);
    EXPECT_GT(joined.sink.written.size(), 2U);
}

TEST(Coalescer, does_not_vouch_for_a_packet_with_a_wrong_checksum) {
    auto pieces = cut(super_packet(tcp4, 5000));
    pieces[1].back() ^= 1;
    const Joined joined(pieces);
    ASSERT_EQ(joined.sink.written.size(), 2U);
    EXPECT_EQ(joined.sink.written[1].header.flags, 0);
    EXPECT_FALSE(is_sound(joined.sink.written[1].octets));
}

TEST(Coalescer, does_not_join_over_a_gap_another_acknowledgement_or_congestion_mark) {
    const auto joins = [](auto change) {
        auto pieces = cut(super_packet(tcp4, 5000));
        change(pieces[1]);
        const Joined joined(pieces);
        return joined.sink.written.size() == 1;
    };
    const auto repair = [](Bytes& packet) {
        finish_ipv4_header(packet.data(), 20);
        store_be<std::uint16_t>(packet.data() + 36, 0);
        ChecksumSum sum = pseudo_header(packet.data(), model::Family::v4, 6, packet.size() - 20);
        sum.add(packet.data() + 20, packet.size() - 20);
        store_be(packet.data() + 36, sum.checksum());
    };
    EXPECT_TRUE(joins([&](Bytes& p) { repair(p); }));
    EXPECT_FALSE(joins([&](Bytes& p) { p[27] ^= 1, repair(p); }));  // sequence
    EXPECT_FALSE(joins([&](Bytes& p) { p[31] ^= 1, repair(p); }));  // acknowledgement
    EXPECT_FALSE(joins([&](Bytes& p) { p[34] ^= 1, repair(p); }));  // window
    EXPECT_FALSE(joins([&](Bytes& p) { p[1] ^= 3, repair(p); }));   // ECN
    EXPECT_FALSE(joins([&](Bytes& p) { p[8] -= 1, repair(p); }));   // time to live
    EXPECT_FALSE(joins([&](Bytes& p) { p[20] ^= 1, repair(p); }));  // another flow
}

TEST(Coalescer, joins_over_a_push_and_passes_it_on) {
    for (const std::size_t pushing : {0U, 3U, 9U}) {
        auto pieces = cut(super_packet(tcp4, 1000));
        constexpr std::size_t flags = 33, checksum = 36;
        Bytes& piece = pieces[pushing];
        ASSERT_EQ(piece[flags] & 0x08, 0);
        piece[flags] |= 0x08;
        store_be<std::uint16_t>(piece.data() + checksum, 0);
        ChecksumSum sum = pseudo_header(piece.data(), model::Family::v4, 6, piece.size() - 20);
        sum.add(piece.data() + 20, piece.size() - 20);
        store_be(piece.data() + checksum, sum.checksum());
        const Joined joined(pieces);
        ASSERT_EQ(joined.sink.written.size(), 1U);
        EXPECT_NE(joined.sink.written[0].octets[flags] & 0x08, 0);
        // Cut again, the last piece has it.
        const auto again = cut(joined.sink.written[0]);
        for (std::size_t i = 0; i < again.size(); ++i) EXPECT_EQ((again[i][flags] & 0x08) != 0, i == 9);
    }
}

TEST(Coalescer, keeps_flows_apart_when_they_alternate) {
    PacketShape other = tcp4;
    other.source_port = 1001;
    const SuperPacket one = super_packet(tcp4, 1000), two = super_packet(other, 1000);
    const auto a = cut(one), b = cut(two);
    std::vector<Bytes> mixed;
    for (std::size_t i = 0; i < a.size(); ++i) {
        mixed.push_back(a[i]);
        mixed.push_back(b[i]);
    }
    const Joined joined(mixed);
    ASSERT_EQ(joined.sink.written.size(), 2U);
    EXPECT_EQ(joined.sink.written[0].octets.size(), one.octets.size());
    EXPECT_EQ(joined.sink.written[1].octets.size(), two.octets.size());
}

TEST(Coalescer, takes_more_flows_than_it_can_hold) {
    std::vector<Bytes> packets;
    for (std::uint16_t port = 0; port < 100; ++port) {
        PacketShape shape = tcp4;
        shape.source_port = port;
        for (const Bytes& piece : cut(super_packet(shape, 5000))) packets.push_back(piece);
    }
    const Joined joined(packets);
    EXPECT_EQ(joined.sink.count, 200U);
    EXPECT_EQ(joined.sink.written.size(), 100U);
}

TEST(Coalescer, joins_nothing_for_a_device_without_offload) {
    auto pieces = cut(super_packet(tcp4, 1000));
    const Joined none(pieces, TunOffload::none);
    EXPECT_EQ(none.sink.written.size(), pieces.size());
    auto udp = cut(super_packet(udp4, 1000));
    const Joined tcp_only(udp, TunOffload::tcp);
    EXPECT_EQ(tcp_only.sink.written.size(), udp.size());
}

}  // namespace
}  // namespace cygnet::dataplane
