#include "esp/table_view.h"

#include <gtest/gtest.h>

#include <tuple>

#include "base/rng.h"
#include "esp/selector_check.h"
#include "esp/test_packets.h"

namespace cygnet::esp {
namespace {

using testing::make_packet;
using testing::selectors;

InnerPacket parsed(ByteView packet) { return *parse_inner(packet.data(), packet.size()); }

// A few flows that differ in one thing each, as random packets of them come.
const std::vector<Bytes>& packets_of_flows() {
    static const std::vector<Bytes> packets = [] {
        std::vector<Bytes> made;
        for (const std::string_view destination : {"10.2.0.1", "10.2.0.2", "10.3.0.1"})
            for (const std::string_view source : {"10.1.0.1", "10.9.0.1"})
                for (const std::uint8_t protocol : {protocol::udp, protocol::tcp})
                    for (const std::uint16_t port : {std::uint16_t{1000}, std::uint16_t{1001}}) {
                        made.push_back(make_packet({.source = source, .destination = destination, .protocol = protocol, .source_port = port}));
                        made.push_back(make_packet({.source = source, .destination = destination, .protocol = protocol, .destination_port = port}));
                        made.push_back(made.back());
                        made.back()[7] = 1;  // a later fragment
                    }
        made.push_back(make_packet({.source = "2001:db8:1::1", .destination = "2001:db8:2::1"}));
        made.push_back(make_packet({.source = "2001:db8:1::1", .destination = "2001:db8:3::1"}));
        return made;
    }();
    return packets;
}

// Rows of one to three packets of one flow.
template <class Look>
void in_rows(Look look) {
    SeededRng rng(11);
    for (unsigned i = 0; i < 5000; ++i) {
        const Bytes& packet = packets_of_flows()[rng.below(packets_of_flows().size())];
        for (std::uint64_t times = 1 + rng.below(3); times != 0; --times) look(packet);
    }
}

bool describe_alike(const InnerPacket& a, const InnerPacket& b) {
    const auto fields = [](const InnerPacket& packet) {
        return std::tuple(packet.family, packet.protocol, packet.traffic_class, packet.fragment, packet.dont_fragment,
                          packet.ports_known, packet.source, packet.destination, packet.source_port, packet.destination_port,
                          packet.transport_offset, packet.size);
    };
    return fields(a) == fields(b);
}

// Whatever octets differ, and wherever the packet ends: where the last packet tells what the next one is, parsing says the same.
TEST(LastPacket, tells_what_parsing_tells) {
    SeededRng rng(13);
    std::size_t told = 0, parsed_alike = 0;
    for (unsigned i = 0; i < 200'000; ++i) {
        Bytes packet = packets_of_flows()[rng.below(packets_of_flows().size())];
        LastPacket last;
        last.remember(packet.data(), parsed(packet));
        for (std::uint64_t changes = rng.below(3); changes != 0; --changes)
            packet[rng.below(28)] = static_cast<std::uint8_t>(rng.below(256));
        const std::size_t available = rng.below(4) == 0 ? rng.below(packet.size()) : packet.size();
        InnerPacket by_last, by_parsing;
        if (!last.tells(packet.data(), available, by_last)) continue;
        ++told;
        ASSERT_TRUE(parse_inner(packet.data(), available, by_parsing));
        ASSERT_TRUE(describe_alike(by_last, by_parsing)) << i;
        parsed_alike += available != packet.size() || packet.size() != by_last.size;
    }
    EXPECT_GT(told, 20'000U);
    EXPECT_GT(parsed_alike, 100U);
}

TEST(LastPacket, tells_nothing_of_another_packet) {
    const Bytes packet = make_packet();
    LastPacket last;
    last.remember(packet.data(), parsed(packet));
    InnerPacket inner;
    for (const std::size_t differs : {0, 1, 6, 7, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}) {
        Bytes other = packet;
        other[differs] ^= 1;
        EXPECT_FALSE(last.tells(other.data(), other.size(), inner)) << differs;
    }
    for (std::size_t available = 0; available < packet.size(); ++available)
        EXPECT_FALSE(last.tells(packet.data(), available, inner)) << available;
}

TEST(TableView, answers_as_its_table_does_whatever_came_before) {
    ForwardingTable table;
    std::uint32_t number = 0;
    for (const auto* remote : {"10.2.0.0/16", "10.2.0.1[tcp]", "10.2.0.2[udp/1001]", "2001:db8:2::/48"}) {
        auto spec = testing::test_spec();
        spec.id = model::ChildId{++number};
        spec.spi_in = 1000 + number;
        spec.remote = selectors({remote});
        const ChildPointer child = testing::child_of(spec);
        table = table.with_inbound(child).with_outbound(child, number);
    }
    TableView view(table);
    in_rows([&](const Bytes& packet) {
        InnerPacket inner;
        ASSERT_EQ(view.outbound(packet.data(), packet.size(), inner), table.outbound(parsed(packet)));
        ASSERT_TRUE(describe_alike(inner, parsed(packet)));
    });
    InnerPacket inner;
    EXPECT_EQ(view.outbound(packets_of_flows()[0].data(), 19, inner), std::nullopt);
    SeededRng rng(12);
    for (unsigned i = 0; i < 5000; ++i) {
        const std::uint32_t expected[] = {1001, 1001, 5, 1000 + i % 6};
        view.expect(expected);
        const auto spi = static_cast<std::uint32_t>(1000 + rng.below(6));
        ASSERT_EQ(view.inbound(spi), table.inbound(spi)) << spi;
    }
}

TEST(SelectorCheck, answers_as_a_fresh_one_does_whatever_came_before) {
    auto spec = testing::test_spec();
    spec.local = selectors({"10.2.0.1[udp/1001]", "10.2.0.2[tcp]", "2001:db8:2::/48"});
    spec.remote = selectors({"10.1.0.0/16", "2001:db8:1::/48"});
    for (const auto errors : {model::IcmpErrors::yes, model::IcmpErrors::no, model::IcmpErrors::checked}) {
        spec.icmp_errors = errors;
        const ChildPointer child = testing::child_of(spec);
        SelectorCheck check(*child);
        std::size_t let_in = 0, kept_out = 0;
        in_rows([&](const Bytes& packet) {
            InnerPacket inner;
            const bool known = check.lets_in(packet.data(), packet.size(), inner);
            if (!known) inner = parsed(packet);
            const Drop drop = known ? Drop::none : check.check(packet.data(), inner);
            ASSERT_EQ(drop, check_selectors(*child, packet.data(), parsed(packet)));
            ASSERT_TRUE(describe_alike(inner, parsed(packet)));
            ++(drop == Drop::none ? let_in : kept_out);
        });
        EXPECT_GT(let_in, 100U);
        EXPECT_GT(kept_out, 100U);
    }
}

}  // namespace
}  // namespace cygnet::esp
