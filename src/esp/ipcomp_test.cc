#include "esp/ipcomp.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/rng.h"
#include "esp/test_packets.h"
#include "esp/transport_mode.h"

namespace cygnet::esp {
namespace {

using testing::make_packet;
using testing::PacketShape;

constexpr std::uint16_t cpi_in = 0x1234, cpi_out = 2;

model::ChildSaSpec compressing_spec() {
    model::ChildSaSpec spec = testing::test_spec();
    spec.ipcomp = {.cpi_in = cpi_in, .cpi_out = cpi_out};
    return spec;
}

// A packet of UDP with these octets.
Bytes packet_of(ByteView payload, PacketShape shape = {}) {
    shape.payload = payload.size();
    Bytes packet = make_packet(shape);
    std::ranges::copy(payload, packet.end() - static_cast<std::ptrdiff_t>(payload.size()));
    return packet;
}
Bytes noise(std::size_t size) { return SeededRng(7).bytes(size); }

// RFC 1951 §3.2.4: blocks of no compression, written by hand.
Bytes stored(ByteView octets) {
    Bytes stream;
    do {
        const ByteView block = octets.first(std::min<std::size_t>(octets.size(), 0xffff));
        octets = octets.subspan(block.size());
        const auto size = static_cast<std::uint16_t>(block.size());
        stream.push_back(octets.empty() ? 1 : 0);
        for (const unsigned word : {unsigned{size}, 0xffffU & ~size}) {
            stream.push_back(static_cast<std::uint8_t>(word));
            stream.push_back(static_cast<std::uint8_t>(word >> 8));
        }
        append(stream, block);
    } while (!octets.empty());
    return stream;
}
// RFC 3173 §3.3.
Bytes ipcomp_text(std::uint8_t next_header, std::uint16_t cpi, ByteView stream, std::uint8_t flags = 0) {
    Bytes text{next_header, flags, static_cast<std::uint8_t>(cpi >> 8), static_cast<std::uint8_t>(cpi)};
    append(text, stream);
    return text;
}

class Compressed : public ::testing::Test {
protected:
    // Text of this protocol as the peer's ESP carries it; what the child makes of it.
    Drop receive(Bytes text, std::uint8_t protocol = protocol::ipcomp) {
        const std::size_t alignment = child->sa->in.shape.alignment;
        const std::size_t padding = (0 - (text.size() + 2)) & (alignment - 1);
        for (std::size_t i = 1; i <= padding; ++i) text.push_back(static_cast<std::uint8_t>(i));
        text.push_back(static_cast<std::uint8_t>(padding));
        text.push_back(protocol);
        esp = testing::seal_text(peer, ++sequence, text);
        packet = {.esp = esp.data(), .size = static_cast<std::uint32_t>(esp.size())};
        decapsulate(*child, {&packet, 1}, Instant());
        if (is_compressed(*child, packet)) packet.drop = compression->decompress(*child, packet, room.data());
        return packet.drop;
    }
    ByteView arrived() const { return {packet.data(), packet.inner.size}; }

    model::ChildSaSpec spec = compressing_spec();
    model::ChildSaSpec peer = testing::mirrored(spec);
    ChildPointer child = testing::child_of(spec);
    std::unique_ptr<Compression> compression = std::make_unique<Compression>();
    Bytes room = Bytes(model::limits::decompressed_octets_max);
    std::uint64_t sequence = 0;
    Bytes esp;
    InboundPacket packet;
    const PacketShape inward{.source = "10.2.0.1", .destination = "10.1.0.1"};
};

TEST_F(Compressed, packets_arrive_smaller_and_whole) {
    const ChildPointer sender = testing::child_of(peer);
    for (const PacketShape& shape :
         {inward, PacketShape{.source = "2001:db8:2::1", .destination = "2001:db8:1::1", .protocol = protocol::tcp}}) {
        const Bytes original = packet_of(Bytes(1200, 'x'), shape);
        const InnerPacket inner = *parse_inner(original.data(), original.size());
        const std::uint8_t ip = inner.family == model::Family::v4 ? protocol::ipv4 : protocol::ipv6;
        ASSERT_TRUE(compression->worth_an_attempt(*sender, inner, original.size()));
        Bytes smaller(original.size());
        smaller.resize(compression->compress(*sender, inner, original, ip, smaller.data()));
        ASSERT_GT(smaller.size(), 4U);
        EXPECT_LT(smaller.size(), 200U);
        // RFC 3173 §3.3: the protocol that was, flags of zero, the index that the decompressing node chose.
        EXPECT_EQ(Bytes(smaller.begin(), smaller.begin() + 4), (Bytes{ip, 0, 0x12, 0x34}));
        ASSERT_EQ(receive(smaller), Drop::none);
        EXPECT_EQ(keep(arrived()), original);
        EXPECT_EQ(packet.inner.source, inner.source);
    }
}

// RFC 3173 §2.2: what is no smaller goes without a header, and small packets are not tried.
TEST_F(Compressed, packets_are_never_larger_than_they_were) {
    for (const std::size_t size : {90UL, 91UL, 100UL, 400UL, 1400UL, 9000UL, 65535UL}) {
        const Bytes original = noise(size);
        Bytes room_for_as_much(size);
        EXPECT_EQ(compression->compress(*child, {}, original, protocol::ipv4, room_for_as_much.data()), 0U) << size;
        Bytes half = noise(size);
        std::fill(half.begin() + static_cast<std::ptrdiff_t>(size / 2), half.end(), 0);
        const std::size_t smaller = compression->compress(*child, {}, half, protocol::ipv4, room_for_as_much.data());
        EXPECT_LT(smaller, size) << size;
    }
    EXPECT_FALSE(Compression().worth_an_attempt(*child, {}, 89)) << "RFC 2394 §3";
    EXPECT_TRUE(Compression().worth_an_attempt(*child, {}, 90));
    const InnerPacket nested{.protocol = protocol::ipcomp, .source = {}, .destination = {}};
    EXPECT_FALSE(Compression().worth_an_attempt(*child, nested, 1000)) << "once is enough";
}

TEST_F(Compressed, children_with_padding_keep_it) {
    model::ChildSaSpec padded = compressing_spec();
    padded.tfc_padding = 1000;
    EXPECT_FALSE(compression->worth_an_attempt(*testing::child_of(padded), {}, 500));
    model::ChildSaSpec without = testing::test_spec();
    EXPECT_FALSE(compression->worth_an_attempt(*testing::child_of(without), {}, 500));
}

// RFC 3173 §2.2: it depends on each packet whether it comes so.
TEST_F(Compressed, packets_may_come_as_they_were) {
    const Bytes plain = packet_of(Bytes(300, 'x'), inward);
    EXPECT_EQ(receive(plain, protocol::ipv4), Drop::none);
    EXPECT_EQ(keep(arrived()), plain);
}

// RFC 1951 §3.2.4 and RFC 3173 §3.3 by hand: not a line of it comes from our own writer.
TEST_F(Compressed, packets_of_other_writers_are_opened) {
    const Bytes plain = packet_of(noise(500), inward);
    EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, cpi_in, stored(plain))), Drop::none);
    EXPECT_EQ(keep(arrived()), plain);
    EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, cpi_in, stored(plain), 0xff)), Drop::none) << "flags are ignored";
    // RFC 1951 §3.2.6: a block of fixed codes, 260 letters 'a', most of them by one match of distance 1: no IP packet.
    const Bytes fixed{0x4b, 0x4c, 0x1c, 0x05, 0x00};
    EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, cpi_in, fixed)), Drop::bad_inner_packet);
}

TEST_F(Compressed, packets_are_held_against_the_selectors_when_they_are_open) {
    const Bytes stranger = packet_of(noise(100), {.source = "10.9.0.1", .destination = "10.1.0.1"});
    EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, cpi_in, stored(stranger))), Drop::selector_mismatch);
    const Bytes plain = packet_of(noise(100), inward);
    EXPECT_EQ(receive(ipcomp_text(protocol::ipv6, cpi_in, stored(plain))), Drop::bad_inner_packet) << "another family";
    for (const std::uint8_t wrong : {protocol::ipcomp, protocol::none, protocol::udp})
        EXPECT_EQ(receive(ipcomp_text(wrong, cpi_in, stored(plain))), Drop::bad_next_header) << int{wrong};
}

// F9: each with its own counter.
TEST_F(Compressed, nonsense_is_dropped_by_its_name) {
    const Bytes plain = packet_of(noise(200), inward);
    const Bytes stream = stored(plain);
    for (const int wrong : {0, 2, 3, cpi_in + 1, 61440})
        EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, static_cast<std::uint16_t>(wrong), stream)), Drop::ipcomp_wrong_index) << wrong;
    Bytes longer = stream;
    longer.push_back(0);
    EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, cpi_in, longer)), Drop::ipcomp_trailing);
    for (std::size_t size = 0; size < stream.size() + 4; ++size) {
        Bytes cut = ipcomp_text(protocol::ipv4, cpi_in, stream);
        cut.resize(size);
        EXPECT_EQ(receive(cut), Drop::ipcomp_malformed) << size;
    }
    EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, cpi_in, Bytes{0x07})), Drop::ipcomp_malformed) << "block type 3";
    // RFC 1951 §3.2.6: a match that reaches back beyond the beginning.
    EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, cpi_in, Bytes{0x03, 0x02, 0x00})), Drop::ipcomp_malformed);
    EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, cpi_in, stream)), Drop::none) << "nothing of it is left behind";
}

// F9: a bomb costs what an IP packet of full length costs, whatever it would become.
TEST_F(Compressed, bombs_end_where_an_ip_packet_does) {
    for (const std::size_t size : {65536UL, 100'000UL, 50'000'000UL}) {
        z_stream writer{};
        ASSERT_EQ(deflateInit2(&writer, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
        Bytes zeros(size), bomb(60'000);
        writer.next_in = zeros.data();
        writer.avail_in = static_cast<uInt>(size);
        writer.next_out = bomb.data();
        writer.avail_out = static_cast<uInt>(bomb.size());
        ASSERT_EQ(deflate(&writer, Z_FINISH), Z_STREAM_END);
        bomb.resize(writer.total_out);
        deflateEnd(&writer);
        EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, cpi_in, bomb)), Drop::ipcomp_too_long) << size;
    }
    const Bytes longest = packet_of(Bytes(65535 - 28, 'x'), inward);
    const InnerPacket inner = *parse_inner(longest.data(), longest.size());
    Bytes smaller(longest.size());
    smaller.resize(compression->compress(*testing::child_of(peer), inner, longest, protocol::ipv4, smaller.data()));
    EXPECT_EQ(receive(smaller), Drop::none) << "the longest packet that there is";
    EXPECT_EQ(packet.inner.size, 65535U);
}

TEST_F(Compressed, flipped_bits_are_no_worse_than_other_nonsense) {
    const Bytes plain = packet_of(Bytes(120, 'x'), inward);
    Bytes text(plain.size());
    text.resize(compression->compress(*testing::child_of(peer), {}, plain, protocol::ipv4, text.data()));
    ASSERT_GT(text.size(), 4U);
    for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
        Bytes wrong = text;
        wrong[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        if (receive(wrong) != Drop::none) continue;
        EXPECT_TRUE(child->accepts_inbound(packet.inner)) << bit;
    }
}

TEST_F(Compressed, text_of_a_child_without_compression_is_refused) {
    child = testing::child_of(testing::test_spec());
    EXPECT_EQ(receive(ipcomp_text(protocol::ipv4, cpi_in, stored(packet_of(noise(100), inward)))), Drop::bad_next_header);
}

TEST_F(Compressed, payloads_of_transport_mode_arrive_behind_their_header) {
    const auto host = [](const char* text) {
        return model::TrafficSelectors{model::TrafficSelector::of(model::AddressRange::single(*model::IpAddress::parse(text)))};
    };
    spec = compressing_spec();
    spec.mode = model::ChildMode::transport;
    spec.local = host("192.0.2.1");
    spec.remote = host("192.0.2.2");
    child = testing::child_of(spec);
    const Bytes plain = packet_of(Bytes(400, 'x'), {.source = "192.0.2.2", .destination = "192.0.2.1"});
    const Bytes payload(plain.begin() + 20, plain.end());
    Bytes text(payload.size());
    text.resize(compression->compress(*testing::child_of(peer), {}, payload, protocol::udp, text.data()));
    ASSERT_GT(text.size(), 4U);
    ASSERT_EQ(receive(text), Drop::none);
    EXPECT_EQ(packet.next_header, protocol::udp);
    Bytes whole(packet.payload_size + transport_header_max);
    InnerPacket inner;
    EXPECT_EQ(rebuild(*child, packet, whole.data(), inner), Drop::none);
    EXPECT_EQ(Bytes(whole.begin() + 20, whole.begin() + inner.size), payload);
}

// RFC 3173 §2.2, the adaptive algorithm.
TEST(CompressionLuck, spares_flows_that_do_not_become_smaller) {
    CompressionLuck luck;
    constexpr unsigned packets = 10'000;
    unsigned attempts = 0;
    for (unsigned i = 0; i < packets; ++i) {
        if (!luck.worth_an_attempt(1)) continue;
        ++attempts;
        luck.attempted(1, false);
    }
    EXPECT_LE(attempts, 10 + packets / model::limits::ipcomp_packets_spared_max);
    EXPECT_GE(attempts, packets / (model::limits::ipcomp_packets_spared_max + 1)) << "it is tried again";
    EXPECT_TRUE(luck.worth_an_attempt(2)) << "another flow";

    while (!luck.worth_an_attempt(1)) continue;
    luck.attempted(1, true);
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(luck.worth_an_attempt(1)) << "after one success all is as in the beginning";
        luck.attempted(1, true);
    }
    luck.attempted(1, false);
    EXPECT_FALSE(luck.worth_an_attempt(1));
    EXPECT_TRUE(luck.worth_an_attempt(1)) << "one failure spares one packet";
}

}  // namespace
}  // namespace cygnet::esp
