#include "dataplane/clear_check.h"

#include <netinet/in.h>

#include <gmock/gmock.h>

#include "dataplane/test_tunnel.h"
#include "model/selector.h"

namespace cygnet::dataplane {
namespace {

using testing::address_of;
using Verdict = ClearCheck::Verdict;

model::TrafficSelectors selectors(std::string_view prefix, std::uint8_t protocol = 0, std::uint16_t first = 0, std::uint16_t last = 65535) {
    const auto slash = prefix.find('/');
    const auto bits = static_cast<unsigned>(std::stoul(std::string(prefix.substr(slash + 1))));
    return {{.addresses = model::AddressRange::prefix(*model::IpAddress::parse(prefix.substr(0, slash)), bits),
             .protocol = protocol,
             .first_port = first,
             .last_port = last}};
}

TEST(IcmpErrors, have_names) {
    EXPECT_THAT(parse_icmp_errors("none").value(), ::testing::IsEmpty());
    EXPECT_THAT(parse_icmp_errors("too-big,redirect").value(), ::testing::ElementsAre(IcmpError::too_big, IcmpError::redirect));
    EXPECT_EQ(parse_icmp_errors("all").value().size(), 6U);
    for (const char* wrong : {"echo", "too-big,", ",", "too-big, redirect"}) EXPECT_FALSE(parse_icmp_errors(wrong)) << wrong;
}

// Packets in the clear from left to right, without any tunnel.
class InTheClear : public testing::Tunnel {
protected:
    static constexpr std::uint16_t tested_port = 7001, marker_port = 7009;
    static constexpr std::uint32_t our_mark = 4500;

    void SetUp() override {
        Tunnel::SetUp();
        if (IsSkipped()) return;
        ASSERT_EQ(left.host.shell("ip route add 10.2.0.0/15 via 192.0.2.2 && ip -6 route add 2001:db8:2::/48 via 2001:db8::2"), 0);
        ASSERT_EQ(right.host.shell("ip route add 10.1.0.0/16 via 192.0.2.1 && ip -6 route add 2001:db8:1::/48 via 2001:db8::1 && "
                                   "ip addr add 10.2.7.7 dev lo"),
                  0);
        // Whoever answers first about neighbours needs time: they are known.
        ASSERT_EQ(left.host.shell("ping -q -c 1 -W 5 192.0.2.2 >/dev/null && ping -6 -q -c 1 -W 5 2001:db8::2 >/dev/null"), 0);
        open_check();
    }
    void TearDown() override {
        right.host.run([&] { check.reset(); });
        Tunnel::TearDown();
    }
    void open_check(std::vector<IcmpError> refused = {}) {
        auto opened = right.host.run([&] {
            check.reset();
            return ClearCheck::open({.device = 0x7fffff00, .mark = our_mark, .ports = {4500, 500}, .refused = std::move(refused)});
        });
        if (!opened) GTEST_SKIP() << "needs nf_tables: " << opened.error().text();
        check.emplace(std::move(*opened));
    }
    void add(Verdict verdict, const model::TrafficSelectors& local, const model::TrafficSelectors& remote) {
        const auto added = right.host.run([&] { return check->add(verdict, local, remote); });
        ASSERT_TRUE(added) << added.error().text();
    }
    void remove(Verdict verdict, const model::TrafficSelectors& local, const model::TrafficSelectors& remote) {
        right.host.run([&] { check->remove(verdict, local, remote); });
    }
    std::uint64_t refused() {
        return right.host.run([&] { return check->counts().unprotected; });
    }
    os::Fd udp(testing::TestHost& host, const os::SocketAddress& address, std::uint32_t mark = 0) {
        return host.run([&] {
            os::Fd fd(::socket(address.get()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            const int on = 1;
            EXPECT_EQ(::setsockopt(fd.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
            if (mark != 0) {
                EXPECT_EQ(::setsockopt(fd.number(), SOL_SOCKET, SO_MARK, &mark, sizeof mark), 0);
            }
            EXPECT_EQ(::bind(fd.number(), address.get(), address.size), 0) << std::strerror(errno);
            return fd;
        });
    }
    void send(std::string_view from, std::string_view to, std::uint16_t port) {
        const os::Fd sender = udp(left.host, address_of(from, 0));
        const auto target = address_of(to, port);
        EXPECT_EQ(::sendto(sender.number(), "x", 1, 0, target.get(), target.size), 1) << std::strerror(errno);
    }
    // Whether a datagram gets through. What comes behind it on the same link says when it is too late for it.
    bool arrives(std::string_view from, std::string_view to, std::uint16_t port = tested_port, std::uint32_t mark = 0) {
        const bool v4 = from.find(':') == std::string_view::npos;
        const char* const here = v4 ? "192.0.2.2" : "2001:db8::2";
        const os::Fd receiver = udp(right.host, address_of(to, port), mark), marker = udp(right.host, address_of(here, marker_port));
        send(from, to, port);
        send(v4 ? "192.0.2.1" : "2001:db8::1", here, marker_port);
        pollfd waiting{marker.number(), POLLIN, 0};
        EXPECT_EQ(::poll(&waiting, 1, 10'000), 1) << "the marker is lost";
        char octet;
        return ::recv(receiver.number(), &octet, 1, MSG_DONTWAIT) == 1;
    }

    std::optional<ClearCheck> check;
};

// RFC 4301 §5 [169]: what a policy protects is discarded when it comes unprotected, and counted.
TEST_F(InTheClear, what_a_policy_protects_does_not_arrive) {
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.0.1"));
    add(Verdict::refuse, selectors("10.2.0.0/16"), selectors("10.1.0.0/16"));
    EXPECT_FALSE(arrives("10.1.0.1", "10.2.0.1"));
    EXPECT_EQ(refused(), 1U);
    // Neither end alone is what the policy is for.
    EXPECT_TRUE(arrives("192.0.2.1", "10.2.0.1"));
    EXPECT_TRUE(arrives("10.1.0.1", "192.0.2.2"));
    EXPECT_EQ(refused(), 1U);
    remove(Verdict::refuse, selectors("10.2.0.0/16"), selectors("10.1.0.0/16"));
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.0.1"));
}

TEST_F(InTheClear, IPv6_likewise) {
    add(Verdict::refuse, selectors("2001:db8:2::/48"), selectors("2001:db8:1::/48"));
    EXPECT_FALSE(arrives("2001:db8:1::1", "2001:db8:2::1"));
    EXPECT_EQ(refused(), 1U);
    EXPECT_TRUE(arrives("2001:db8::1", "2001:db8:2::1"));
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.0.1"));
}

TEST_F(InTheClear, everything_may_be_protected) {
    add(Verdict::refuse, selectors("10.2.0.1/32"), selectors("0.0.0.0/0"));
    EXPECT_FALSE(arrives("10.1.0.1", "10.2.0.1"));
    EXPECT_FALSE(arrives("192.0.2.1", "10.2.0.1"));
    EXPECT_TRUE(arrives("192.0.2.1", "10.2.7.7"));
    add(Verdict::refuse, selectors("::/0"), selectors("::/0"));
    remove(Verdict::refuse, selectors("10.2.0.1/32"), selectors("0.0.0.0/0"));
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.0.1"));
    const auto before = refused();
    send("2001:db8::1", "2001:db8::2", tested_port);
    // Neighbours still find each other: else nothing would reach a peer on this link.
    EXPECT_EQ(right.host.shell("ip -6 neigh flush all; for i in 1 2 3 4 5 6 7 8; do ping -6 -q -c 1 -W 1 2001:db8::1 >/dev/null; "
                               "ip -6 neigh show 2001:db8::1 | grep -q lladdr && exit 0; done; exit 1"),
              0);
    EXPECT_GT(refused(), before);
}

// A rekeyed child has the selectors of the one before.
TEST_F(InTheClear, the_last_of_several_alike_lets_go) {
    for (int i = 0; i < 2; ++i) add(Verdict::refuse, selectors("10.2.0.0/16"), selectors("10.1.0.0/16"));
    add(Verdict::refuse, selectors("10.2.0.0/24"), selectors("10.0.0.0/8"));
    remove(Verdict::refuse, selectors("10.2.0.0/16"), selectors("10.1.0.0/16"));
    EXPECT_FALSE(arrives("10.1.0.1", "10.2.7.7"));
    remove(Verdict::refuse, selectors("10.2.0.0/16"), selectors("10.1.0.0/16"));
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.7.7"));
    EXPECT_FALSE(arrives("10.1.0.1", "10.2.0.1"));
}

TEST_F(InTheClear, protocols_and_ports_are_compared) {
    add(Verdict::refuse, selectors("10.2.0.0/16", IPPROTO_UDP, 7000, 7001), selectors("10.1.0.0/16"));
    add(Verdict::refuse, selectors("10.2.7.0/24", IPPROTO_TCP), selectors("10.1.0.0/16"));
    EXPECT_FALSE(arrives("10.1.0.1", "10.2.0.1", 7001));
    EXPECT_FALSE(arrives("10.1.0.1", "10.2.0.1", 7000));
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.0.1", 7002));
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.7.7", 7002));
    EXPECT_EQ(left.host.shell("ping -q -c 1 -W 5 -I 10.1.0.1 10.2.0.1 >/dev/null"), 0);
    constexpr std::uint16_t echo = 8 << 8;
    add(Verdict::refuse, selectors("10.2.0.0/16", IPPROTO_ICMP, echo, echo | 0xff), selectors("10.1.0.0/16"));
    const auto before = refused();
    EXPECT_NE(left.host.shell("ping -q -c 1 -W 0.2 -I 10.1.0.1 10.2.0.1 >/dev/null"), 0);
    EXPECT_EQ(refused(), before + 1);
    // The other way round it is not an echo request that comes in.
    EXPECT_EQ(right.host.shell("ping -q -c 1 -W 5 -I 10.2.0.1 10.1.0.1 >/dev/null"), 0);
}

TEST_F(InTheClear, a_policy_that_passes_goes_before_one_that_protects) {
    add(Verdict::refuse, selectors("10.2.0.0/15"), selectors("10.1.0.0/16"));
    add(Verdict::pass, selectors("10.2.7.0/24", IPPROTO_UDP, 7002, 7002), selectors("10.1.0.0/16"));
    EXPECT_FALSE(arrives("10.1.0.1", "10.2.7.7", 7001));
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.7.7", 7002));
    remove(Verdict::pass, selectors("10.2.7.0/24", IPPROTO_UDP, 7002, 7002), selectors("10.1.0.0/16"));
    EXPECT_FALSE(arrives("10.1.0.1", "10.2.7.7", 7002));
}

TEST_F(InTheClear, our_own_sockets_get_theirs) {
    add(Verdict::refuse, selectors("10.2.0.0/16"), selectors("10.1.0.0/16"));
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.0.1", tested_port, our_mark));
    EXPECT_FALSE(arrives("10.1.0.1", "10.2.0.1", tested_port, our_mark + 1));
}

TEST_F(InTheClear, what_is_forwarded_is_checked) {
    ASSERT_EQ(right.host.shell("sysctl -q -w net.ipv4.ip_forward=1 && ip link add far type veth peer name farther && ip link set far up && ip link set farther up && "
                               "ip route add 10.3.0.0/16 dev far"),
              0);
    add(Verdict::refuse, selectors("10.3.0.0/16"), selectors("10.1.0.0/16"));
    send("10.1.0.1", "10.3.0.1", tested_port);
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.0.1"));  // behind it
    EXPECT_EQ(refused(), 1U);
}

TEST_F(InTheClear, the_table_goes_with_its_owner) {
    add(Verdict::refuse, selectors("10.2.0.0/16"), selectors("10.1.0.0/16"));
    open_check();
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.0.1"));
    add(Verdict::refuse, selectors("10.2.0.0/16"), selectors("10.1.0.0/16"));
    right.host.run([&] { check.reset(); });
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.0.1"));
    EXPECT_NE(right.host.shell("nft list table inet cygnet >/dev/null 2>&1"), 0);
}

TEST_F(InTheClear, lengths_of_prefixes_are_bounded) {
    std::size_t shapes = 0;
    Result<> added;
    right.host.run([&] {
        for (unsigned i = 0; i < 33 * 33 && added; ++i)
            if ((added = check->add(Verdict::refuse, selectors("10.2.0.0/" + std::to_string(i / 33)), selectors("10.1.0.0/" + std::to_string(i % 33))))) ++shapes;
    });
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, Errc::limit);
    EXPECT_EQ(shapes, model::limits::clear_check_shapes);
    // Those that nobody uses make room.
    remove(Verdict::refuse, selectors("10.2.0.0/0"), selectors("10.1.0.0/0"));
    add(Verdict::refuse, selectors("10.2.0.0/32"), selectors("10.1.0.0/32"));
    EXPECT_FALSE(arrives("10.1.0.1", "10.2.0.1"));
    for (unsigned i = 0; i < 33 * 33; ++i)
        remove(Verdict::refuse, selectors("10.2.0.0/" + std::to_string(i / 33)), selectors("10.1.0.0/" + std::to_string(i % 33)));
    EXPECT_TRUE(arrives("10.1.0.1", "10.2.0.1"));
}

class Icmp : public InTheClear {
protected:
    // An error from `from` about a UDP packet of `port`, if it arrives at right.
    bool error_arrives(std::string_view from, std::uint8_t type, std::uint8_t code, std::uint16_t port, std::uint8_t protocol = IPPROTO_UDP) {
        const os::Fd hears = right.host.run([] { return os::Fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP)); });
        const os::Fd sender = left.host.run([&] {
            os::Fd fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
            const auto own = address_of(from, 0);
            EXPECT_EQ(::bind(fd.number(), own.get(), own.size), 0);
            return fd;
        });
        Bytes icmp{type, code, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1};
        append(icmp, Bytes{static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port), 0x11, 0x94, 0, 8, 0, 0});
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < icmp.size(); i += 2) sum += std::uint32_t{icmp[i]} << 8 | icmp[i + 1];
        sum = (sum >> 16) + (sum & 0xffff);
        sum = ~(sum + (sum >> 16)) & 0xffff;
        icmp[2] = static_cast<std::uint8_t>(sum >> 8);
        icmp[3] = static_cast<std::uint8_t>(sum);
        const auto target = address_of("192.0.2.2", 0);
        EXPECT_GT(::sendto(sender.number(), icmp.data(), icmp.size(), 0, target.get(), target.size), 0);
        EXPECT_TRUE(arrives("192.0.2.1", "192.0.2.2"));  // behind it
        Bytes heard(1500);
        for (ssize_t size; (size = ::recv(hears.number(), heard.data(), heard.size(), MSG_DONTWAIT)) > 0;)
            if (size >= 22 && heard[20] == type && heard[21] == code) return true;
        return false;
    }
    std::uint64_t refused_icmp() {
        return right.host.run([&] { return check->counts().icmp_refused; });
    }
};

TEST_F(Icmp, errors_about_our_packets_arrive_from_whom_a_policy_protects) {
    add(Verdict::refuse, selectors("192.0.2.2/32", IPPROTO_ICMP), selectors("0.0.0.0/0"));
    EXPECT_TRUE(error_arrives("10.1.0.1", 3, 4, 4500));
    EXPECT_TRUE(error_arrives("10.1.0.1", 11, 0, 500));
    EXPECT_TRUE(error_arrives("10.1.0.1", 3, 4, 0, IPPROTO_ESP));
    EXPECT_FALSE(error_arrives("10.1.0.1", 3, 4, 7777)) << "this is no packet of ours";
    EXPECT_FALSE(error_arrives("10.1.0.1", 13, 0, 4500)) << "this is no error";
    EXPECT_EQ(refused(), 2U);
}

// RFC 4301 §6.1.1 [175]: by type, whether unauthenticated ICMP about our packets is believed.
TEST_F(Icmp, errors_are_refused_by_their_type) {
    open_check({IcmpError::unreachable, IcmpError::redirect});
    EXPECT_FALSE(error_arrives("10.1.0.1", 3, 1, 4500));
    EXPECT_FALSE(error_arrives("10.1.0.1", 5, 1, 500));
    EXPECT_FALSE(error_arrives("10.1.0.1", 3, 1, 0, IPPROTO_ESP));
    EXPECT_EQ(refused_icmp(), 3U);
    EXPECT_TRUE(error_arrives("10.1.0.1", 3, 4, 4500)) << "that is \"too big\"";
    EXPECT_TRUE(error_arrives("10.1.0.1", 11, 0, 4500));
    EXPECT_TRUE(error_arrives("10.1.0.1", 3, 1, 7777)) << "what others do is not ours";
    open_check({IcmpError::too_big});
    EXPECT_FALSE(error_arrives("10.1.0.1", 3, 4, 4500));
    EXPECT_TRUE(error_arrives("10.1.0.1", 3, 1, 4500));
    EXPECT_EQ(refused_icmp(), 1U);
}

}  // namespace
}  // namespace cygnet::dataplane
