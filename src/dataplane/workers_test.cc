// Several workers, and policies without an SA.
#include "dataplane/test_tunnel.h"
#include "dataplane/userspace_backend.h"

namespace cygnet::dataplane {
namespace {

using esp::Drop;
using namespace testing;

// The kernel deals datagrams by their SPI, but joins those of one flow before: packets of two SAs meet in both workers.
TEST_F(Tunnel, several_workers_carry_several_children_at_once) {
    UserspaceConfig config;
    config.workers = 3;
    open_both(config);
    if (IsSkipped() || HasFatalFailure()) return;
    model::ChildSaSpec first = esp::testing::test_spec(), second = esp::testing::test_spec();
    first.local = esp::testing::selectors({"10.1.0.0/16"});
    first.remote = esp::testing::selectors({"10.2.0.0/16"});
    second.id = model::ChildId{2};
    second.spi_in = first.spi_in + 1;
    second.spi_out = first.spi_out + 1;
    second.local = esp::testing::selectors({"2001:db8:1::/48"});
    second.remote = esp::testing::selectors({"2001:db8:2::/48"});
    for (model::ChildSaSpec* spec : {&first, &second}) {
        spec->replay_window = 4096;
        install_both(*spec);
    }
    Bytes over_ipv6;
    std::thread other([&] { over_ipv6 = tcp_transfer(left.host, right.host, "2001:db8:2::1", test_octets()); });
    const Bytes over_ipv4 = tcp_transfer(left.host, right.host, "10.2.0.1", test_octets());
    other.join();
    EXPECT_TRUE(over_ipv4 == test_octets());
    EXPECT_TRUE(over_ipv6 == test_octets());
    for (Side* side : {&left, &right})
        for (const Drop drop : {Drop::replayed, Drop::before_window, Drop::integrity_failed, Drop::unknown_spi})
            EXPECT_EQ(side->dropped(drop), 0U) << esp::name_of(drop);
}

TEST_F(Tunnel, a_second_process_does_not_share_the_port) {
    UserspaceConfig config;
    config.workers = 2;
    open_both(config);
    if (IsSkipped() || HasFatalFailure()) return;
    left.host.run([&] {
        config.device = "cygnet1";
        const auto second = UserspaceBackend::open(config, {});
        ASSERT_FALSE(second);
        EXPECT_NE(second.error().text().find("another IKE daemon"), std::string::npos) << second.error().text();
    });
}

// RFC 4301 §4.4.1: what the policy says passes in the clear, the rest of the same prefix does not.
TEST_F(Tunnel, lets_pass_what_a_policy_says) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(left.host.shell("ip route add 10.2.0.0/16 via 192.0.2.2"), 0);
    ASSERT_EQ(right.host.shell("ip route add 10.1.0.0/16 via 192.0.2.1"), 0);
    install(left, esp::testing::test_spec());  // the right side has no child: what is protected finds nobody
    const auto pass = [&](std::initializer_list<std::string_view> from, std::initializer_list<std::string_view> to, int id) {
        return left.host.run([&] {
            return left.backend->install_policy({.id = model::PolicyId(id),
                                                 .kind = model::PolicyKind::pass,
                                                 .local = esp::testing::selectors(from),
                                                 .remote = esp::testing::selectors(to)});
        });
    };
    EXPECT_FALSE(ping());
    ASSERT_TRUE(pass({"10.1.0.0/16[icmp]"}, {"10.2.0.1/32[icmp]"}, 1));
    ASSERT_EQ(left.host.shell("ip route get 10.2.0.1 from 10.1.0.1 ipproto icmp | grep -q veth"), 0);
    ASSERT_EQ(left.host.shell("ip route get 10.2.0.1 from 10.1.0.1 ipproto tcp dport 22 | grep -q cygnet0"), 0);
    EXPECT_EQ(left.host.shell("ping -q -n -c 1 -W 1 -I 10.1.0.1 10.2.0.1 >/dev/null"), 0);
    ASSERT_TRUE(pass({"10.1.0.0/16[tcp]"}, {"10.2.0.0/16[tcp/22]", "10.2.0.0/16[tcp/8000-8010]"}, 2));
    EXPECT_EQ(left.host.shell("ip route get 10.2.0.1 from 10.1.0.1 ipproto tcp dport 22 | grep -q veth"), 0);
    EXPECT_EQ(left.host.shell("ip route get 10.2.0.1 from 10.1.0.1 ipproto tcp dport 8005 | grep -q veth"), 0);
    EXPECT_EQ(left.host.shell("ip route get 10.2.0.1 from 10.1.0.1 ipproto tcp dport 23 | grep -q cygnet0"), 0);
    ASSERT_TRUE(pass({"10.1.0.0/16[icmp]"}, {"10.2.0.1/32[icmp]"}, 3)) << "the same twice";
    left.host.run([&] { left.backend->remove_policy(model::PolicyId{1}); });
    EXPECT_EQ(left.host.shell("ping -q -n -c 1 -W 1 -I 10.1.0.1 10.2.0.1 >/dev/null"), 0);
    left.host.run([&] { left.backend->remove_policy(model::PolicyId{3}); });
    EXPECT_FALSE(ping());
    for (const auto* impossible : {"10.2.0.1/32[icmp/8]", "10.2.0.1/32[tcp/60000-65535]", "10.2.0.1/32[udp/opaque]"}) {
        const auto refused = pass({"10.1.0.0/16"}, {impossible}, 9);
        ASSERT_FALSE(refused) << impossible;
        EXPECT_EQ(refused.error().code, Errc::unsupported) << impossible;
    }
    left.host.run([&] { left.backend.reset(); });
    EXPECT_NE(left.host.shell("ip rule | grep -q 4499 || ip rule | grep -q 4501"), 0);
}

TEST_F(Tunnel, drops_what_meets_a_shunt) {
    open_both();
    const model::ChildSaSpec spec = esp::testing::test_spec();
    const model::PolicySpec shunt{.id = model::PolicyId{1}, .kind = model::PolicyKind::drop, .local = spec.local, .remote = spec.remote};
    ASSERT_TRUE(left.host.run([&] { return left.backend->install_policy(shunt); }));
    EXPECT_FALSE(ping());
    EXPECT_GE(left.dropped(Drop::policy_drop), 1U);
    EXPECT_TRUE(left.acquired.empty());
}

}  // namespace
}  // namespace cygnet::dataplane
