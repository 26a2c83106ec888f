#include "dataplane/held_packets.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace cygnet::dataplane {
namespace {

const model::PolicyId trap{1}, other{2};
const Instant start = Instant::after_start(seconds(100));

HeldPackets::Held packet(std::uint8_t number, std::size_t size = 100) {
    return {.header = {}, .packet = std::vector<std::uint8_t>(size, number), .packets = 1, .ends = {}, .until = start};
}

std::vector<int> all(HeldPackets& held) {
    std::vector<int> numbers;
    held.review([&](const HeldPackets::Held& one) {
        numbers.push_back(one.packet[0]);
        return true;
    });
    return numbers;
}

TEST(HeldPackets, keep_their_order_and_leave_one_by_one) {
    HeldPackets held;
    for (std::uint8_t number = 1; number <= 3; ++number) EXPECT_TRUE(held.hold(trap, packet(number)));
    EXPECT_EQ(all(held), (std::vector{1, 2, 3}));
    held.review([](const HeldPackets::Held& one) { return one.packet[0] != 2; });
    EXPECT_EQ(all(held), (std::vector{1, 3}));
    held.review([](const HeldPackets::Held&) { return false; });
    EXPECT_TRUE(held.empty());
}

TEST(HeldPackets, are_limited_for_each_policy_and_in_all) {
    HeldPackets held;
    for (std::size_t i = 0; i < model::limits::held_packets_per_policy; ++i) EXPECT_TRUE(held.hold(trap, packet(0)));
    EXPECT_FALSE(held.hold(trap, packet(0)));
    EXPECT_TRUE(held.hold(other, packet(0)));
    held.review([](const HeldPackets::Held&) { return false; });
    std::size_t octets = 0;
    for (std::uint64_t policy = 1; held.hold(model::PolicyId{policy}, packet(0, 60'000)); ++policy) octets += 60'000;
    EXPECT_LE(octets, model::limits::held_octets);
    EXPECT_GT(octets, model::limits::held_octets - 60'000);
}

TEST(HeldPackets, ask_for_a_policy_once_in_a_while) {
    HeldPackets held;
    EXPECT_FALSE(held.due(trap, start)) << "nothing waits";
    held.hold(trap, packet(1));
    EXPECT_TRUE(held.due(trap, start));
    EXPECT_FALSE(held.due(trap, start + milliseconds(900)));
    EXPECT_TRUE(held.due(trap, start + seconds(2)));
    int told = 0;
    held.each([&](model::PolicyId policy, const HeldPackets::Held& oldest) { told += policy == trap && oldest.packet[0] == 1; });
    EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace cygnet::dataplane
