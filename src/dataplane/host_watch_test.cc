// One host with two uplinks (veth pairs whose other ends lie in the same namespace), and what the kernel says of them.
#include "dataplane/host_watch.h"

#include <gmock/gmock.h>
#include <net/if.h>
#include <poll.h>

#include "dataplane/test_hosts.h"

namespace cygnet::dataplane {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TestHost;

model::IpAddress address(std::string_view text) { return *model::IpAddress::parse(text); }

class HostWatchTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!host.made()) GTEST_SKIP() << "this machine has no network namespaces for us";
        ASSERT_EQ(host.shell("ip link set lo up && ip link add u1 type veth peer name p1 && ip link add u2 type veth peer name p2 && "
                             "ip address add 192.0.2.1/24 dev u1 && ip address add 198.51.100.1/24 dev u2 && "
                             "for d in p1 p2 u1 u2; do ip link set $d up; done && "
                             "ip route add default via 192.0.2.254 metric 10 && ip route add default via 198.51.100.254 metric 20 && "
                             "ip address add 10.9.9.9/32 dev lo"),
                  0);
        host.run([this] {
            auto opened = HostWatch::open({.tunnel_device = 0, .mark = 4500});
            ASSERT_TRUE(opened) << opened.error().text();
            watch.emplace(std::move(*opened));
        });
        ASSERT_TRUE(watch);
    }
    HostWatch::Addresses addresses() { return watch->addresses().value(); }

    TestHost host;
    std::optional<HostWatch> watch;
};

TEST_F(HostWatchTest, TellsUsableAddressesFromOthers) {
    const auto found = addresses();
    EXPECT_THAT(found.usable, ElementsAre(address("192.0.2.1"), address("198.51.100.1")));
    EXPECT_THAT(found.others, Contains(address("127.0.0.1")));
    EXPECT_THAT(found.others, Contains(address("10.9.9.9")));
}

TEST_F(HostWatchTest, FollowsTheRoutingTable) {
    addresses();
    const auto far = address("203.0.113.7");
    // The second uplink's packets would leave by the first one.
    EXPECT_THAT(watch->sources_towards(far), ElementsAre(address("192.0.2.1")));
    EXPECT_THAT(watch->sources_towards(address("198.51.100.77")), ElementsAre(address("198.51.100.1")));
    EXPECT_THAT(watch->sources_towards(address("2001:db8::1")), IsEmpty());
    // Source routing gives each its own way.
    ASSERT_EQ(host.shell("ip route add default via 198.51.100.254 table 77 && ip rule add from 198.51.100.1 table 77"), 0);
    EXPECT_THAT(watch->sources_towards(far), ElementsAre(address("192.0.2.1"), address("198.51.100.1")));
}

TEST_F(HostWatchTest, HearsOfALinkThatGoesDown) {
    addresses();
    watch->drain();
    ASSERT_EQ(host.shell("ip link set u1 down"), 0);
    pollfd waiting{watch->fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 5000), 1);
    EXPECT_TRUE(watch->drain());
    const auto found = addresses();
    EXPECT_THAT(found.usable, ElementsAre(address("198.51.100.1")));
    EXPECT_THAT(found.others, Contains(address("192.0.2.1")));
    EXPECT_THAT(watch->sources_towards(address("203.0.113.7")), ElementsAre(address("198.51.100.1")));
}

TEST_F(HostWatchTest, KeepsTheTunnelOutOfIt) {
    const unsigned device = host.run([] { return ::if_nametoindex("u2"); });
    host.run([&] { watch.emplace(std::move(*HostWatch::open({.tunnel_device = device, .mark = 4500}))); });
    const auto found = addresses();
    EXPECT_THAT(found.usable, ElementsAre(address("192.0.2.1")));
    EXPECT_THAT(found.others, Contains(address("198.51.100.1")));
    ASSERT_EQ(host.shell("ip address add 10.77.0.1/32 dev u2 && ip route add 10.78.0.0/16 dev u2"), 0);
    pollfd waiting{watch->fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 5000), 1);
    EXPECT_FALSE(watch->drain());
}

// The loopback alone: of other links the kernel tells things later, when it pleases.
TEST(HostWatch, IsNotWokenForOurOwnRoutes) {
    TestHost host;
    if (!host.made()) GTEST_SKIP() << "this machine has no network namespaces for us";
    host.shell("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
    ASSERT_EQ(host.shell("ip link set lo up"), 0);
    auto watch = host.run([] { return std::move(*HostWatch::open({.tunnel_device = 0, .mark = 4500})); });
    watch.drain();
    ASSERT_EQ(host.shell("ip route add 10.79.0.0/16 dev lo proto 67 && ip route delete 10.79.0.0/16 dev lo proto 67"), 0);
    pollfd waiting{watch.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 0), 0);
    ASSERT_EQ(host.shell("ip route add 10.79.0.0/16 dev lo"), 0);
    EXPECT_EQ(::poll(&waiting, 1, 0), 1);
    EXPECT_TRUE(watch.drain());
}

}  // namespace
}  // namespace cygnet::dataplane
