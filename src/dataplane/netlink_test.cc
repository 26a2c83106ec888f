#include "dataplane/netlink.h"

#include <gmock/gmock.h>

#include "dataplane/test_hosts.h"

namespace cygnet::dataplane {
namespace {

using ::testing::Contains;
using ::testing::Not;

model::IpAddress address(const char* text) { return *model::IpAddress::parse(text); }

TEST(Netlink, KnownAddressesFollowEveryChangeOfTheHost) {
    testing::TestHost host;
    if (!host.made()) GTEST_SKIP() << "this machine has no network namespaces for us";
    ASSERT_EQ(host.shell("ip link set lo up"), 0);
    auto netlink = host.run([] { return std::move(*Netlink::open()); });
    const auto known = [&] {
        const auto addresses = netlink.known_addresses().value();
        return std::vector(addresses.begin(), addresses.end());
    };
    EXPECT_THAT(known(), Not(Contains(address("10.9.9.9"))));
    ASSERT_EQ(host.shell("ip address add 10.9.9.9/32 dev lo"), 0);
    EXPECT_THAT(known(), Contains(address("10.9.9.9")));
    EXPECT_THAT(known(), Contains(address("10.9.9.9")));
    ASSERT_EQ(host.shell("ip address add 2001:db8::9/128 dev lo && ip address delete 10.9.9.9/32 dev lo"), 0);
    EXPECT_THAT(known(), Contains(address("2001:db8::9")));
    EXPECT_THAT(known(), Not(Contains(address("10.9.9.9"))));
}

// More news than the socket holds: the kernel drops some and says so.
TEST(Netlink, KnownAddressesAreRightAfterMoreNewsThanFit) {
    testing::TestHost host;
    if (!host.made()) GTEST_SKIP() << "this machine has no network namespaces for us";
    ASSERT_EQ(host.shell("ip link set lo up"), 0);
    auto netlink = host.run([] { return std::move(*Netlink::open()); });
    ASSERT_TRUE(netlink.known_addresses());
    ASSERT_EQ(host.shell("for i in $(seq 1 1500); do echo address add 10.9.$((i / 250)).$((i % 250 + 1))/32 dev lo; done | ip -batch -"), 0);
    EXPECT_EQ(netlink.known_addresses().value().size(), netlink.addresses().value().size());
    EXPECT_THAT(netlink.known_addresses().value(), Contains(address("10.9.6.1")));
}

}  // namespace
}  // namespace cygnet::dataplane
