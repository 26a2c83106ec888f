#include "esp/policy_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "esp/forwarding_table.h"
#include "esp/test_packets.h"

namespace cygnet::esp {
namespace {

using testing::make_packet;
using testing::selectors;

InnerPacket inner(const testing::PacketShape& shape) {
    const Bytes packet = make_packet(shape);
    return *parse_inner(packet.data(), packet.size());
}

// The policy table does not look at the runtime, so that these need no keys.
ChildPointer child(std::uint64_t id, std::initializer_list<std::string_view> local,
                   std::initializer_list<std::string_view> remote) {
    return std::make_shared<const Child>(Child{.id = model::ChildId{id},
                                               .local = compile(selectors(local)),
                                               .remote = compile(selectors(remote)),
                                               .udp_encapsulation = true});
}

std::uint64_t found(const PolicyTable& table, const testing::PacketShape& shape) {
    const Child* match = table.find(inner(shape));
    return match != nullptr ? static_cast<std::uint64_t>(match->id) : 0;
}

TEST(PolicyTable, finds_the_longest_remote_prefix) {
    PolicyTable table;
    table = table.with(child(1, {"0.0.0.0/0"}, {"0.0.0.0/0"}), 1);
    table = table.with(child(2, {"0.0.0.0/0"}, {"10.2.0.0/16"}), 2);
    table = table.with(child(3, {"0.0.0.0/0"}, {"10.2.0.7"}), 3);
    EXPECT_EQ(found(table, {.destination = "192.0.2.1"}), 1U);
    EXPECT_EQ(found(table, {.destination = "10.2.9.9"}), 2U);
    EXPECT_EQ(found(table, {.destination = "10.2.0.7"}), 3U);
}

TEST(PolicyTable, has_no_child_for_other_sources_families_and_destinations) {
    const auto table = PolicyTable().with(child(1, {"10.1.0.0/16"}, {"10.2.0.0/16"}), 1);
    EXPECT_EQ(found(table, {}), 1U);
    EXPECT_EQ(found(table, {.source = "10.3.0.1"}), 0U);
    EXPECT_EQ(found(table, {.destination = "10.3.0.1"}), 0U);
    EXPECT_EQ(found(table, {.source = "2001:db8::1", .destination = "2001:db8::2"}), 0U);
}

TEST(PolicyTable, prefers_ports_to_protocols_to_anything) {
    PolicyTable table;
    table = table.with(child(1, {"10.1.0.0/16"}, {"10.2.0.0/16[udp/2000]"}), 1);
    table = table.with(child(2, {"10.1.0.0/16"}, {"10.2.0.0/16[udp]"}), 2);
    table = table.with(child(3, {"10.1.0.0/16"}, {"10.2.0.0/16"}), 3);
    EXPECT_EQ(found(table, {}), 1U);
    EXPECT_EQ(found(table, {.destination_port = 2001}), 2U);
    EXPECT_EQ(found(table, {.protocol = protocol::tcp}), 3U);
}

TEST(PolicyTable, falls_back_to_a_shorter_prefix_when_the_longer_one_has_other_ports) {
    PolicyTable table;
    table = table.with(child(1, {"10.1.0.0/16"}, {"10.2.0.1[tcp/80]"}), 1);
    table = table.with(child(2, {"10.1.0.0/16"}, {"10.2.0.0/16"}), 2);
    EXPECT_EQ(found(table, {}), 2U);
}

// RFC 4301 §4.1 [172]: several SAs with the same selectors.
TEST(PolicyTable, uses_the_child_that_was_activated_last_and_returns_to_the_older_one) {
    const auto old_child = child(1, {"10.1.0.0/16"}, {"10.2.0.0/16"});
    const auto new_child = child(2, {"10.1.0.0/16"}, {"10.2.0.0/16"});
    const auto table = PolicyTable().with(old_child, 1).with(new_child, 2);
    EXPECT_EQ(found(table, {}), 2U);
    EXPECT_EQ(found(table.without(*new_child), {}), 1U);
    EXPECT_EQ(found(table.without(*old_child), {}), 2U);
    EXPECT_EQ(found(table.without(*old_child).without(*new_child), {}), 0U);
}

// RFC 9611 §4: a worker's own child comes first, then that of all workers, then one of another worker; a trap is last.
TEST(PolicyTable, gives_each_worker_its_own_child) {
    const auto of = [](std::uint64_t id, model::Resource resource) {
        return given_to(*child(id, {"10.1.0.0/16"}, {"10.2.0.0/16"}), resource);
    };
    const auto shared = of(1, model::every_resource), zero = of(2, 0), one = of(3, 1), newer = of(4, 1);
    const auto trap = make_policy({.id = model::PolicyId{1}, .local = selectors({"10.1.0.0/16"}), .remote = selectors({"10.2.0.0/16"})});
    const auto of_worker = [](const PolicyTable& table, model::Resource worker) {
        const Child* match = table.find(inner({}), worker);
        return match != nullptr ? static_cast<std::uint64_t>(match->id) : 0;
    };
    const auto table = PolicyTable().with(trap, 0).with(zero, 1).with(one, 2).with(shared, 3).with(newer, 4);
    EXPECT_EQ(of_worker(table, 0), 2U);
    EXPECT_EQ(of_worker(table, 1), 4U) << "a rekeyed one";
    EXPECT_EQ(of_worker(table, 2), 1U);
    EXPECT_EQ(of_worker(table, model::every_resource), 1U);
    const auto without = table.without(*shared);
    EXPECT_EQ(of_worker(without, 0), 2U);
    EXPECT_NE(of_worker(without, 2), 0U) << "rather one of another than none";
    EXPECT_EQ(of_worker(without.without(*zero).without(*one).without(*newer), 2), 0U);
}

TEST(PolicyTable, takes_a_trap_only_where_no_child_is) {
    const auto policy = [](std::uint64_t id, std::initializer_list<std::string_view> remote) {
        return make_policy({.id = model::PolicyId{id},
                            .kind = model::PolicyKind::trap,
                            .local = selectors({"10.1.0.0/16"}),
                            .remote = selectors(remote)});
    };
    const auto trap = policy(1, {"10.2.0.0/16"}), other = policy(2, {"10.2.0.0/16[tcp]"});
    const auto up = child(7, {"10.1.0.0/16"}, {"10.2.0.0/16"});
    const auto table = PolicyTable().with(trap, 0).with(other, 0).with(up, 1);
    EXPECT_EQ(found(table, {}), 7U);
    EXPECT_EQ(table.find(inner({.protocol = protocol::tcp}))->policy, model::PolicyId{2}) << "it is more specific";
    const auto down = table.without(*up).without(*other);
    ASSERT_NE(down.find(inner({})), nullptr);
    EXPECT_EQ(down.find(inner({}))->policy, model::PolicyId{1});
    EXPECT_EQ(down.without(*trap).find(inner({})), nullptr);
}

// RFC 4301 §7.3 [87]: later fragments go through a child with ports only where both sides agreed on it.
TEST(PolicyTable, matches_later_fragments_by_protocol_where_that_was_agreed) {
    InnerPacket later = inner({.protocol = protocol::udp});
    later.fragment = true;
    later.ports_known = false;
    for (const bool agreed : {false, true}) {
        const auto one = std::make_shared<const Child>(Child{.id = model::ChildId{1},
                                                             .local = compile(selectors({"10.1.0.0/16"}), agreed),
                                                             .remote = compile(selectors({"10.2.0.0/16[udp/2000]"}), agreed)});
        const auto table = PolicyTable().with(one, 1);
        EXPECT_EQ(table.find(later) != nullptr, agreed);
        later.protocol = protocol::tcp;
        EXPECT_EQ(table.find(later), nullptr);
        later.protocol = protocol::udp;
    }
}

TEST(PacketSelector, of_a_packet_are_its_two_ends) {
    const auto ends = ends_of(inner({}));
    EXPECT_EQ(ends.local.text(), "10.1.0.1/32[udp/1000]");
    EXPECT_EQ(ends.remote.text(), "10.2.0.1/32[udp/2000]");
    const auto v6 = ends_of(inner({.source = "2001:db8::1", .destination = "2001:db8::2", .protocol = protocol::icmpv6}));
    EXPECT_EQ(v6.remote.addresses.text(), "2001:db8::2/128");
}

TEST(PolicyTable, matches_icmp_by_type_and_code) {
    const auto table = PolicyTable().with(child(1, {"10.1.0.0/16[icmp/8]"}, {"10.2.0.0/16[icmp/8]"}), 1);
    EXPECT_EQ(found(table, {.protocol = protocol::icmp, .source_port = 0x0800}), 1U);
    EXPECT_EQ(found(table, {.protocol = protocol::icmp, .source_port = 0x0000}), 0U);
}

// RFC 4301 §7 [176]: not to a port-selective SA.
TEST(PolicyTable, gives_later_fragments_to_any_and_opaque_ports_only) {
    Bytes packet = make_packet();
    store_be<std::uint16_t>(packet.data() + 6, 0x0001);
    const InnerPacket fragment = *parse_inner(packet.data(), packet.size());
    const auto with_port = PolicyTable().with(child(1, {"10.1.0.0/16"}, {"10.2.0.0/16[udp/2000]"}), 1);
    EXPECT_EQ(with_port.find(fragment), nullptr);
    const auto opaque = PolicyTable().with(child(2, {"10.1.0.0/16"}, {"10.2.0.0/16[udp/opaque]"}), 1);
    EXPECT_NE(opaque.find(fragment), nullptr);
    EXPECT_EQ(found(opaque, {}), 0U);
}

TEST(PolicyTable, covers_a_range_with_exactly_its_addresses) {
    SeededRng rng(3);
    for (int i = 0; i < 200; ++i) {
        const auto first = static_cast<std::uint32_t>(rng.below(1 << 10));
        const auto last = static_cast<std::uint32_t>(first + rng.below(1 << 10));
        const model::AddressRange range{model::IpAddress::v4(first), model::IpAddress::v4(last)};
        std::uint64_t next = first;
        for (const PrefixKey& prefix : prefixes_of(PacketSelector::of(model::TrafficSelector::of(range)))) {
            EXPECT_EQ(prefix.address.low, next);
            next += 1ULL << (32 - prefix.bits);
        }
        EXPECT_EQ(next, last + 1ULL);
    }
    for (const auto family : {model::Family::v4, model::Family::v6}) {
        const auto all = prefixes_of(PacketSelector::of(model::TrafficSelector::all(family)));
        ASSERT_EQ(all.size(), 1U);
        EXPECT_EQ(all[0].bits, 0);
    }
    const auto half = *model::AddressRange::parse("2001:db8::1-2001:db8::ffff:ffff:ffff:ffff");
    EXPECT_EQ(prefixes_of(PacketSelector::of(model::TrafficSelector::of(half))).size(), 64U);
}

TEST(PolicyTable, agrees_with_a_linear_search_over_random_policies) {
    SeededRng rng(11);
    for (int round = 0; round < 30; ++round) {
        PolicyTable table;
        std::vector<std::pair<unsigned, ChildPointer>> all;  // prefix length, child
        for (std::uint64_t id = 1; id <= 40; ++id) {
            const unsigned bits = 20 + static_cast<unsigned>(rng.below(13));
            model::TrafficSelectors remote{model::TrafficSelector::of(model::AddressRange::prefix(
                model::IpAddress::v4(0x0a020000U + static_cast<std::uint32_t>(rng.below(64)) * 64), bits))};
            auto made = std::make_shared<const Child>(
                Child{model::ChildId{id}, nullptr, compile(selectors({"0.0.0.0/0"})), compile(remote), {}, true});
            table = table.with(made, id);
            all.emplace_back(bits, made);
            if (rng.below(4) == 0) {
                table = table.without(*all[0].second);
                all.erase(all.begin());
            }
        }
        for (int i = 0; i < 200; ++i) {
            InnerPacket packet = inner({});
            packet.destination.low = 0x0a020000U + rng.below(4096);
            const Child* expected = nullptr;
            unsigned longest = 0;
            for (const auto& [bits, made] : all)
                if (made->accepts_outbound(packet) && bits >= longest) {
                    longest = bits;
                    expected = made.get();
                }
            ASSERT_EQ(table.find(packet), expected);
        }
    }
}

TEST(SnapshotMap, keeps_old_copies_as_they_were) {
    SnapshotMap<SpiKey, int> empty;
    auto full = empty;
    for (std::uint32_t spi = 1; spi <= 5000; ++spi) full = full.with({spi}, static_cast<int>(spi));
    auto some = full;
    for (std::uint32_t spi = 1; spi <= 5000; spi += 2) some = some.without({spi});
    for (std::uint32_t spi = 1; spi <= 5000; ++spi) {
        EXPECT_EQ(empty.find({spi}), nullptr);
        ASSERT_NE(full.find({spi}), nullptr);
        EXPECT_EQ(*full.find({spi}), static_cast<int>(spi));
        EXPECT_EQ(some.find({spi}) == nullptr, spi % 2 == 1);
    }
    EXPECT_EQ(full.find({5001}), nullptr);
}

}  // namespace
}  // namespace cygnet::esp
