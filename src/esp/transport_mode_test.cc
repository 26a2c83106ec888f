#include "esp/transport_mode.h"

#include <gtest/gtest.h>

#include "esp/test_packets.h"

namespace cygnet::esp {
namespace {

using testing::make_packet;
using testing::PacketBuffer;
using testing::PacketShape;

model::IpAddress ip(std::string_view text) { return *model::IpAddress::parse(text); }

// RFC 768, RFC 793: over the pseudo-header and the segment; 0 when the checksum in it is right.
std::uint16_t transport_checksum(ByteView packet) {
    const InnerPacket inner = *parse_inner(packet.data(), packet.size());
    const bool v4 = inner.family == model::Family::v4;
    const ByteView addresses = packet.subspan(v4 ? 12 : 8, v4 ? 8 : 32);
    const ByteView segment = packet.subspan(inner.transport_offset);
    std::uint32_t sum = inner.protocol + static_cast<std::uint32_t>(segment.size());
    for (const ByteView part : {addresses, segment})
        for (std::size_t i = 0; i < part.size(); ++i) sum += std::uint32_t{part[i]} << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

Bytes with_checksum(const PacketShape& shape) {
    Bytes packet = make_packet(shape);
    const std::size_t transport = packet.size() - shape.payload - (shape.protocol == protocol::tcp ? 20 : 8);
    store_be(packet.data() + transport + (shape.protocol == protocol::tcp ? 16 : 6), transport_checksum(packet));
    return packet;
}

// Host a sends to host b, which may see other addresses than a does.
struct Hosts {
    Hosts(const char* a, const char* b, std::optional<std::pair<const char*, const char*>> seen_by_b = {}) {
        model::ChildSaSpec spec = testing::test_spec();
        spec.mode = model::ChildMode::transport;
        sender = end(spec, a, b);
        model::ChildSaSpec other = testing::mirrored(spec);
        other.mode = model::ChildMode::transport;
        if (seen_by_b) other.original = {.local = ip(b), .remote = ip(a)};
        receiver = end(other, seen_by_b ? seen_by_b->second : b, seen_by_b ? seen_by_b->first : a);
    }
    static ChildPointer end(model::ChildSaSpec& spec, const char* local, const char* remote) {
        spec.local = {model::TrafficSelector::of(model::AddressRange::single(ip(local)))};
        spec.remote = {model::TrafficSelector::of(model::AddressRange::single(ip(remote)))};
        spec.path = {.local = {ip(local), 4500}, .remote = {ip(remote), 4500}};
        return make_child(spec, *SaRuntime::make(spec));
    }
    // What the receiver's host gets of the sender's packet.
    Drop carry(const Bytes& packet, Bytes& arrived) {
        const InnerPacket inner = *parse_inner(packet.data(), packet.size());
        const auto at = transport_payload(inner);
        if (!at) return Drop::not_transportable;
        PacketBuffer buffer(ByteView(packet).subspan(*at));
        const OutboundPacket out{buffer.inner(), buffer.size, inner.protocol};
        EXPECT_EQ(encapsulate(*sender->sa, {&out, 1}, now), 1U);
        InboundPacket in{.esp = buffer.esp().data(), .size = static_cast<std::uint32_t>(buffer.esp().size()), .outer_traffic_class = inner.traffic_class};
        decapsulate(*receiver, {&in, 1}, now);
        if (in.drop != Drop::none) return in.drop;
        arrived.resize(in.payload_size + transport_header_max);
        InnerPacket rebuilt;
        const Drop drop = rebuild(*receiver, in, arrived.data(), rebuilt);
        arrived.resize(rebuilt.size);
        return drop;
    }

    ChildPointer sender, receiver;
    Instant now = Instant::after_start(seconds(1));
};

class TransportMode : public ::testing::TestWithParam<PacketShape> {};

// RFC 4303 §3.1.1: the packet arrives as it was sent.
TEST_P(TransportMode, carries_what_follows_the_header) {
    const PacketShape& shape = GetParam();
    const std::string source(shape.source), destination(shape.destination);
    Hosts hosts(source.c_str(), destination.c_str());
    const Bytes packet = with_checksum(shape);
    Bytes arrived;
    ASSERT_EQ(hosts.carry(packet, arrived), Drop::none);
    ASSERT_EQ(arrived.size(), packet.size());
    const InnerPacket before = *parse_inner(packet.data(), packet.size()), after = *parse_inner(arrived.data(), arrived.size());
    EXPECT_EQ(after.source, before.source);
    EXPECT_EQ(after.destination, before.destination);
    EXPECT_EQ(after.protocol, before.protocol);
    EXPECT_EQ(after.traffic_class, before.traffic_class);
    EXPECT_TRUE(equal(ByteView(arrived).subspan(after.transport_offset), ByteView(packet).subspan(before.transport_offset)));
    EXPECT_EQ(transport_checksum(arrived), 0U);
    if (before.family == model::Family::v4) {
        EXPECT_EQ(testing::ipv4_header_checksum(ByteView(arrived).first(20)), 0U);
    }
}

// RFC 7296 §2.23.1 [85], RFC 3948 §3.1.2: checksums hold for the addresses that the receiver sees.
TEST_P(TransportMode, mends_checksums_behind_a_nat) {
    const PacketShape& shape = GetParam();
    const bool v4 = shape.source.find(':') == shape.source.npos;
    const std::string source(shape.source), destination(shape.destination);
    Hosts hosts(source.c_str(), destination.c_str(), v4 ? std::pair{"203.0.113.9", "10.7.7.7"} : std::pair{"2001:db8:ffff::9", "fd00::7:7"});
    Bytes arrived;
    ASSERT_EQ(hosts.carry(with_checksum(shape), arrived), Drop::none);
    EXPECT_EQ(transport_checksum(arrived), 0U);
}

INSTANTIATE_TEST_SUITE_P(Packets, TransportMode,
                         ::testing::Values(PacketShape{.source = "192.0.2.1", .destination = "192.0.2.2", .traffic_class = 0xb8},
                                           PacketShape{.source = "192.0.2.1", .destination = "192.0.2.2", .protocol = protocol::tcp, .payload = 33},
                                           PacketShape{.source = "2001:db8::1", .destination = "2001:db8::2", .payload = 0},
                                           PacketShape{.source = "2001:db8::1", .destination = "2001:db8::2", .protocol = protocol::tcp}));

// RFC 4303 §3.3.4: only whole packets are covered in transport mode.
TEST(TransportModeRefusals, has_no_place_for_fragments_and_options) {
    Hosts hosts("192.0.2.1", "192.0.2.2");
    Bytes fragment = make_packet({.source = "192.0.2.1", .destination = "192.0.2.2"});
    fragment[6] = 0x20;
    Bytes arrived;
    EXPECT_EQ(hosts.carry(fragment, arrived), Drop::not_transportable);
    Bytes options = make_packet({.source = "192.0.2.1", .destination = "192.0.2.2"});
    options[0] = 0x46;
    EXPECT_EQ(hosts.carry(options, arrived), Drop::not_transportable);
}

// RFC 4301 §5.2 [170]: the selectors of the child hold for what came.
TEST(TransportModeRefusals, drops_what_is_outside_the_selectors) {
    Hosts hosts("192.0.2.1", "192.0.2.2");
    auto narrow = std::make_shared<Child>(*hosts.receiver);
    narrow->local = compile(testing::selectors({"192.0.2.2[udp/53]"}));
    hosts.receiver = narrow;
    Bytes arrived;
    EXPECT_EQ(hosts.carry(make_packet({.source = "192.0.2.1", .destination = "192.0.2.2", .destination_port = 53}), arrived), Drop::none);
    EXPECT_EQ(hosts.carry(make_packet({.source = "192.0.2.1", .destination = "192.0.2.2", .destination_port = 54}), arrived), Drop::selector_mismatch);
}

}  // namespace
}  // namespace cygnet::esp
