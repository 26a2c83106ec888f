#include "esp/table_view.h"

#include <gtest/gtest.h>

#include <deque>

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
    in_rows([&](const Bytes& packet) { ASSERT_EQ(view.outbound(parsed(packet)), table.outbound(parsed(packet))); });
    SeededRng rng(12);
    for (unsigned i = 0; i < 5000; ++i) {
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
        std::deque<InnerPacket> batch;  // it stays where it is
        SelectorCheck check(*child);
        std::size_t let_in = 0;
        in_rows([&](const Bytes& packet) {
            const InnerPacket& inner = batch.emplace_back(parsed(packet));
            const Drop drop = check.check(packet.data(), inner);
            ASSERT_EQ(drop, check_selectors(*child, packet.data(), inner));
            let_in += drop == Drop::none;
        });
        EXPECT_GT(let_in, 100U);
        EXPECT_LT(let_in, batch.size() - 100);
    }
}

}  // namespace
}  // namespace cygnet::esp
