// draft-nikander-esp-beet-mode: the inner addresses are the SA's, and the outer header has others.
#include <gtest/gtest.h>

#include "esp/path_mtu.h"
#include "esp/test_packets.h"
#include "esp/transport_mode.h"

namespace cygnet::esp {
namespace {

using testing::make_packet;
using testing::PacketBuffer;
using testing::PacketShape;

model::IpAddress ip(std::string_view text) { return *model::IpAddress::parse(text); }
model::TrafficSelectors host(std::string_view text) { return {model::TrafficSelector::of(model::AddressRange::single(ip(text)))}; }

model::ChildSaSpec beet_spec(std::string_view local, std::string_view remote) {
    model::ChildSaSpec spec = testing::test_spec();
    spec.mode = model::ChildMode::beet;
    spec.local = host(local);
    spec.remote = host(remote);
    return spec;
}
model::ChildSaSpec peer_of(const model::ChildSaSpec& spec) {
    model::ChildSaSpec peer = testing::mirrored(spec);
    peer.mode = spec.mode;
    return peer;
}

class BeetMode : public ::testing::TestWithParam<PacketShape> {};

TEST_P(BeetMode, brings_a_packet_to_the_addresses_that_it_had) {
    const PacketShape& shape = GetParam();
    const model::ChildSaSpec spec = beet_spec(shape.source, shape.destination);
    const auto sender = testing::child_of(spec), receiver = testing::child_of(peer_of(spec));
    Bytes packet = make_packet(shape);
    const InnerPacket inner = *parse_inner(packet.data(), packet.size());
    const std::size_t at = *transport_payload(inner);
    PacketBuffer buffer(ByteView(packet).subspan(at));
    const OutboundPacket out{buffer.inner(), buffer.size, inner.protocol};
    ASSERT_EQ(encapsulate(*sender->sa, {&out, 1}, Instant()), 1U);
    EXPECT_EQ(buffer.esp().size(), encapsulated_size(sender->sa->out.shape, packet.size() - at)) << "without the inner header";

    InboundPacket in{.esp = buffer.esp().data(), .size = static_cast<std::uint32_t>(buffer.esp().size())};
    ASSERT_EQ(decapsulate(*receiver, {&in, 1}, Instant()), 1U);
    Bytes arrived(in.payload_size + transport_header_max);
    InnerPacket rebuilt;
    ASSERT_EQ(rebuild(*receiver, in, arrived.data(), rebuilt), Drop::none);
    arrived.resize(rebuilt.size);
    EXPECT_EQ(rebuilt.source, inner.source);
    EXPECT_EQ(rebuilt.destination, inner.destination);
    EXPECT_EQ(Bytes(arrived.begin() + static_cast<std::ptrdiff_t>(at), arrived.end()),
              Bytes(packet.begin() + static_cast<std::ptrdiff_t>(at), packet.end()));
}
INSTANTIATE_TEST_SUITE_P(Families, BeetMode,
                         ::testing::Values(PacketShape{.source = "10.1.0.1", .destination = "10.2.0.1"},
                                           PacketShape{.source = "2001:db8:1::1", .destination = "2001:db8:2::1", .protocol = protocol::tcp}));

TEST(BeetModeSa, needs_one_address_at_each_end) {
    EXPECT_TRUE(SaRuntime::make(beet_spec("10.1.0.1", "10.2.0.1")));
    model::ChildSaSpec wide = beet_spec("10.1.0.1", "10.2.0.1");
    wide.remote = testing::selectors({"10.2.0.0/16"});
    EXPECT_FALSE(SaRuntime::make(wide));
    EXPECT_FALSE(SaRuntime::make(beet_spec("10.1.0.1", "2001:db8:2::1"))) << "two families";
    model::ChildSaSpec two = beet_spec("10.1.0.1", "10.2.0.1");
    two.remote = testing::selectors({"10.2.0.1/32", "10.2.0.2/32"});
    EXPECT_FALSE(SaRuntime::make(two));
    two.remote = testing::selectors({"10.2.0.1/32[tcp/80]", "10.2.0.1/32[udp]"});
    EXPECT_TRUE(SaRuntime::make(two)) << "ports are another matter";
    model::ChildSaSpec none = beet_spec("10.1.0.1", "10.2.0.1");
    none.local.clear();
    EXPECT_FALSE(SaRuntime::make(none));
}

// The inner header does not count, of whichever family it is.
TEST(BeetModeSa, leaves_room_for_the_inner_header_that_does_not_travel) {
    const auto v4 = testing::child_of(beet_spec("10.1.0.1", "10.2.0.1"));
    const auto v6 = testing::child_of(beet_spec("2001:db8:1::1", "2001:db8:2::1"));
    EXPECT_EQ(inner_mtu(*v4, 1500), payload_mtu(*v4, 1500) + 20);
    EXPECT_EQ(inner_mtu(*v6, 1500), payload_mtu(*v6, 1500) + 40) << "over IPv4";
}

}  // namespace
}  // namespace cygnet::esp
