// Two backends with two routers between them, whose link takes less than the others:
//
//   10.1.0.1, 2001:db8:1::1                                              10.2.0.1, 2001:db8:2::1
//        left ══ 192.0.2.0/24 ══ near ── 203.0.113.0/24 ── far ══ 198.51.100.0/24 ══ right
//                2001:db8:a::/64         2001:db8:c::/64          2001:db8:b::/64
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "dataplane/test_tunnel.h"
#include "dataplane/userspace_backend.h"
#include "esp/test_packets.h"
#include "os/fd.h"
#include "os/socket_address.h"

namespace cygnet::dataplane {
namespace {

using testing::TestHost;

enum class Routers { speak, are_silent, also_cut_nothing };
struct Path {
    const char* name;
    bool outer_v6;
    bool udp;
    unsigned mtu;        // of the link between the routers
    Routers routers = Routers::speak;  // of what is too long; silent ones drop IPv6, and cut IPv4 or not even that
};
std::string name_of(const Path& path) {
    const char* words[] = {"", "_silent", "_swallowing"};
    return fmt::format("{}_{}{}", path.name, path.mtu, words[static_cast<int>(path.routers)]);
}

class NarrowPath : public ::testing::TestWithParam<Path> {
protected:
    static constexpr const char* setup_router =
        "ip link set lo up && ip link add outer type veth peer name veth netns {end} && ip link set outer up && "
        "ip addr add {v4}254/24 dev outer && ip addr add {v6}fe/64 dev outer nodad && "
        "echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > /proc/sys/net/ipv6/conf/all/forwarding";
    static constexpr const char* setup_middle =
        "ip link set inner up mtu {mtu} && ip addr add 203.0.113.{number}/24 dev inner && "
        "ip addr add 2001:db8:c::{number}/64 dev inner nodad && ip route add default via 203.0.113.{other} && "
        "ip -6 route add default via 2001:db8:c::{other}";
    static constexpr const char* setup_end =
        "ip link set lo up && ip link set veth up && ip addr add {v4}1/24 dev veth && ip addr add {v6}1/64 dev veth nodad && "
        "ip route add default via {v4}254 && ip -6 route add default via {v6}fe && ip addr add 10.{number}.0.1 dev lo && "
        "ip addr add 2001:db8:{number}::1 dev lo nodad";
    // Without errors, the routers say nothing about packets that are too long.
    static constexpr const char* fall_silent =
        "nft add table inet f && nft 'add chain inet f out { type filter hook output priority 0; }' && "
        "nft add rule inet f out icmp type destination-unreachable drop && "
        "nft add rule inet f out icmpv6 type packet-too-big drop";
    static constexpr const char* swallow =
        "nft 'add chain inet f through {{ type filter hook forward priority 0; }}' && "
        "nft add rule inet f through meta length '>' {} drop";

    void SetUp() override {
        if (!left.made() || !right.made() || !near.made() || !far.made())
            GTEST_SKIP() << "needs root or user namespaces, for network namespaces";
        if (::access("/dev/net/tun", R_OK | W_OK) != 0) GTEST_SKIP() << "needs read and write access to /dev/net/tun";
        const Path& path = GetParam();
        for (TestHost* host : {&near, &far, &left, &right})
            host->shell("echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad; echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
        ASSERT_EQ(near.shell("ip link add inner type veth peer name inner netns " + far.path()), 0);
        make_way(1, near, left, "192.0.2.", "2001:db8:a::");
        make_way(2, far, right, "198.51.100.", "2001:db8:b::");
        for (TestHost* router : {&near, &far}) {
            if (path.routers != Routers::speak && router->shell(fall_silent) != 0) GTEST_SKIP() << "needs nftables";
            if (path.routers == Routers::also_cut_nothing) {
                ASSERT_EQ(router->shell(fmt::format(fmt::runtime(swallow), path.mtu)), 0);
            }
        }
        // Neighbours are found, and addresses are past their probation.
        ASSERT_EQ(left.shell("for i in $(seq 50); do ping -q -c 1 -W 0.1 198.51.100.1 && "
                             "ping -q -c 1 -W 0.1 2001:db8:b::1 && exit 0; sleep 0.1; done >/dev/null; exit 1"),
                  0);
        open(left, at_left);
        open(right, at_right);
        ASSERT_TRUE(at_left && at_right);
        spec = esp::testing::test_spec();
        spec.udp_encapsulation = path.udp;
        spec.replay_window = 4096;
        const auto endpoint = [](const char* address) { return model::Endpoint{*model::IpAddress::parse(address), 4500}; };
        if (path.outer_v6) spec.path = {endpoint("2001:db8:a::1"), endpoint("2001:db8:b::1")};
        else spec.path = {endpoint("192.0.2.1"), endpoint("198.51.100.1")};
        ASSERT_TRUE(right.run([&] { return at_right->install(esp::testing::mirrored(spec)); }));
        ASSERT_TRUE(left.run([&] { return at_left->install(esp::testing::mirrored(esp::testing::mirrored(spec))); }));
    }
    void make_way(int number, TestHost& router, TestHost& end, const char* v4, const char* v6) {
        using namespace fmt::literals;
        ASSERT_EQ(router.shell(fmt::format(fmt::runtime(setup_router), "end"_a = end.path(), "v4"_a = v4, "v6"_a = v6)), 0);
        ASSERT_EQ(router.shell(fmt::format(fmt::runtime(setup_middle), "mtu"_a = GetParam().mtu, "number"_a = number,
                                           "other"_a = 3 - number)),
                  0);
        ASSERT_EQ(end.shell(fmt::format(fmt::runtime(setup_end), "v4"_a = v4, "v6"_a = v6, "number"_a = number)), 0);
    }
    void open(TestHost& host, std::unique_ptr<UserspaceBackend>& backend) {
        host.run([&] {
            UserspaceConfig config;
            // The router's filter sees super-packets, where a real one would see what they stand for.
            config.offload = GetParam().routers != Routers::also_cut_nothing;
            auto opened = UserspaceBackend::open(config, {});
            if (opened) backend = std::move(*opened);
            else ADD_FAILURE() << opened.error().text();
        });
    }
    void TearDown() override {
        left.run([&] { at_left.reset(); });
        right.run([&] { at_right.reset(); });
    }

    static os::Fd socket(TestHost& host, const os::SocketAddress& bound) {
        return host.run([&] {
            os::Fd fd(::socket(bound.get()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            EXPECT_EQ(::bind(fd.number(), bound.get(), bound.size), 0);
            return fd;
        });
    }
    // How often a datagram had to be sent until it arrived unharmed; 0: it never did.
    static int tries_until_there(int from, int to, const os::SocketAddress& where, std::size_t size) {
        std::vector<std::uint8_t> sent(size), received(size + 1);
        for (std::size_t i = 0; i < size; ++i) sent[i] = static_cast<std::uint8_t>(i + size);
        for (int attempt = 1; attempt <= 10; ++attempt) {
            // EMSGSIZE: the sender has been told meanwhile, and cuts by itself the next time.
            ::sendto(from, sent.data(), size, 0, where.get(), where.size);
            pollfd waiting{to, POLLIN, 0};
            if (::poll(&waiting, 1, 300) != 1) continue;
            const ssize_t got = ::recv(to, received.data(), received.size(), 0);
            if (got == static_cast<ssize_t>(size) && std::equal(sent.begin(), sent.end(), received.begin())) return attempt;
        }
        return 0;
    }

    // Every size near the limits; everywhere on one path of each kind.
    static std::size_t step(std::size_t inner) {
        const bool all = GetParam().mtu == 1300 && GetParam().udp;
        return all || (inner > 1180 && inner < 1520) ? 1 : 13;
    }
    // RFC 8200 §5: IPv6 inside must find 1280 octets, which need up to 1362 outside. Where IPv6 outside takes less and its
    // routers do not say so, nothing but TCP finds out.
    static bool beyond_silence(std::size_t inner) {
        const Path& path = GetParam();
        return path.routers != Routers::speak && path.outer_v6 && path.mtu < 1362 && inner > 1150;
    }

    void every_size_arrives();
    void no_tcp_connection_stops();

    TestHost near, far, left, right;
    std::unique_ptr<UserspaceBackend> at_left, at_right;
    model::ChildSaSpec spec;
};

// RFC 4301 §8 [174]: no size is lost for good, in either direction.
void NarrowPath::every_size_arrives() {
    for (const bool v6 : {false, true}) {
        const auto here = testing::address_of(v6 ? "2001:db8:1::1" : "10.1.0.1", 5000);
        const auto there = testing::address_of(v6 ? "2001:db8:2::1" : "10.2.0.1", 5000);
        const os::Fd from = socket(left, here), to = socket(right, there);
        int again = 0;
        const std::size_t headers = v6 ? 48 : 28;
        for (std::size_t inner = headers; inner <= 3000; inner += step(inner)) {
            if (v6 && beyond_silence(inner)) continue;
            const bool back = inner % 2 == 0;
            const int tries = back ? tries_until_there(to.number(), from.number(), here, inner - headers)
                                   : tries_until_there(from.number(), to.number(), there, inner - headers);
            ASSERT_NE(tries, 0) << (v6 ? "IPv6" : "IPv4") << " of " << inner << " octets, "
                                << (back ? "to the left" : "to the right");
            again += tries - 1;
        }
        EXPECT_LE(again, 100) << (v6 ? "IPv6" : "IPv4");
    }
}

// A bulk transfer from its first packet: where messages about sizes get lost, a connection would hang here.
void NarrowPath::no_tcp_connection_stops() {
    const Bytes octets = keep(ByteView(testing::test_octets()).first(3'000'000));
    for (const char* to : {"10.2.0.1", "2001:db8:2::1"})
        EXPECT_TRUE(testing::tcp_transfer(left, right, to, octets) == octets) << to;
}

TEST_P(NarrowPath, stops_nothing) {
    no_tcp_connection_stops();
    if (GetParam().routers != Routers::also_cut_nothing) every_size_arrives();
}

std::vector<Path> paths() {
    std::vector<Path> all;
    for (const unsigned mtu : {1280U, 1300U, 1400U, 1492U, 1500U})
        for (const Routers routers : {Routers::speak, Routers::are_silent}) {
            if (routers != Routers::speak && mtu == 1500) continue;
            all.push_back({"ipv4_udp", false, true, mtu, routers});
            all.push_back({"ipv6_udp", true, true, mtu, routers});
        }
    // What is cut is lost as well: IPv4 inside IPv4 with more octets than fit has no way at all, but TCP does.
    all.push_back({"ipv4_udp", false, true, 1300, Routers::also_cut_nothing});
    all.push_back({"ipv4_protocol_50", false, false, 1300, Routers::are_silent});
    all.push_back({"ipv6_protocol_50", true, false, 1300, Routers::are_silent});
    return all;
}
INSTANTIATE_TEST_SUITE_P(all, NarrowPath, ::testing::ValuesIn(paths()),
                         [](const auto& path) { return name_of(path.param); });

}  // namespace
}  // namespace cygnet::dataplane
