#include "dataplane/userspace_backend.h"

#include <netinet/udp.h>

#include <semaphore>

#include "dataplane/test_tunnel.h"

namespace cygnet::dataplane {
namespace {

using esp::Drop;
using namespace testing;

struct Way {
    const char* name;
    bool udp, offload;
    const char* outer_left;
    const char* outer_right;
    const char* inner_right;
};
class EveryWay : public Tunnel, public ::testing::WithParamInterface<Way> {};

TEST_P(EveryWay, carries_tcp_unchanged) {
    const Way& way = GetParam();
    UserspaceConfig config;
    config.offload = way.offload;
    open_both(config);
    if (IsSkipped() || HasFatalFailure()) return;
    model::ChildSaSpec spec = esp::testing::test_spec();
    spec.replay_window = 4096;
    spec.udp_encapsulation = way.udp;
    spec.path = {{*model::IpAddress::parse(way.outer_left), 4500}, {*model::IpAddress::parse(way.outer_right), 4500}};
    install_both(spec);
    EXPECT_TRUE(tcp_transfer(left.host, right.host, way.inner_right, test_octets()) == test_octets());
    const auto sent = left.backend->usage(spec.id);
    ASSERT_TRUE(sent);
    EXPECT_GT(sent->bytes_out, test_octets().size());
    // A packet counts for its SA when it is opened and for the backend when it is written: the two meet at rest.
    EXPECT_TRUE(right.dispatch_until([&] {
        const auto received = right.backend->usage(spec.id);
        return received && received->packets_in == right.backend->statistics().packets_in;
    }));
    EXPECT_EQ(right.dropped(Drop::integrity_failed), 0U);
    EXPECT_EQ(right.dropped(Drop::selector_mismatch), 0U);
    // Super-packets: far fewer calls than packets (metric P6).
    const auto done = left.backend->statistics();
    if (way.offload) {
        EXPECT_LT(done.tun_reads, done.packets_out / 4);
    }
    if (way.offload && way.udp) {
        EXPECT_LT(done.carrier_sends, done.packets_out / 4);
    }
}

constexpr Way ways[] = {
    {"udp", true, true, "192.0.2.1", "192.0.2.2", "10.2.0.1"},
    {"udp_inner_ipv6", true, true, "192.0.2.1", "192.0.2.2", "2001:db8:2::1"},
    {"udp_outer_ipv6", true, true, "2001:db8::1", "2001:db8::2", "10.2.0.1"},
    {"udp_without_offload", true, false, "192.0.2.1", "192.0.2.2", "10.2.0.1"},
    {"protocol_50", false, true, "192.0.2.1", "192.0.2.2", "10.2.0.1"},
    {"protocol_50_outer_ipv6", false, true, "2001:db8::1", "2001:db8::2", "2001:db8:2::1"},
};
INSTANTIATE_TEST_SUITE_P(all, EveryWay, ::testing::ValuesIn(ways),
                         [](const auto& way) { return std::string(way.param.name); });

// A control thread between the two: what one sends into its stream arrives at the other.
class InStreams : public Tunnel {
protected:
    static constexpr auto stream_left = static_cast<model::StreamId>(2), stream_right = static_cast<model::StreamId>(3);

    void open_streams() {
        open_both();
        if (IsSkipped() || HasFatalFailure()) return;
        spec.path.stream = stream_left;
        spec.udp_encapsulation = false;
        install(left, copy(spec));
        model::ChildSaSpec other = esp::testing::mirrored(spec);
        other.path.stream = stream_right;
        install(right, std::move(other));
        left.stream_peer = &right;
        right.stream_peer = &left;
        left.stream_path = {.local = spec.path.remote, .remote = spec.path.local, .stream = stream_right};
        right.stream_path = {.local = spec.path.local, .remote = spec.path.remote, .stream = stream_left};
    }
    template <class Work>
    void while_streams_run(Work work) {
        std::atomic<bool> done{false};
        std::thread control([&] {
            while (!done) {
                pollfd waiting[] = {{left.backend->event_fd(), POLLIN, 0}, {right.backend->event_fd(), POLLIN, 0}};
                if (::poll(waiting, 2, 10) <= 0) continue;
                left.backend->dispatch_events();
                right.backend->dispatch_events();
            }
        });
        work();
        done = true;
        control.join();
    }
    model::ChildSaSpec spec = esp::testing::test_spec();
};

TEST_F(InStreams, carries_packets_in_order) {
    open_streams();
    if (IsSkipped() || HasFatalFailure()) return;
    const Bytes octets = keep(ByteView(test_octets()).first(3'000'000));
    while_streams_run([&] { EXPECT_TRUE(tcp_transfer(left.host, right.host, "10.2.0.1", octets) == octets); });
    EXPECT_EQ(right.dropped(Drop::replayed), 0U);
    EXPECT_EQ(right.dropped(Drop::integrity_failed), 0U);
    EXPECT_TRUE(left.corrupt.empty() && right.corrupt.empty());
    EXPECT_TRUE(left.moved.empty() && right.moved.empty());
}

TEST_F(InStreams, drops_what_a_full_stream_does_not_take) {
    open_streams();
    if (IsSkipped() || HasFatalFailure()) return;
    left.stream_full = true;
    while_streams_run([&] { EXPECT_FALSE(ping()); });
    const auto drops = left.backend->drops(spec.id);
    ASSERT_TRUE(drops);
    EXPECT_EQ((*drops)[static_cast<std::size_t>(Drop::carrier_refused)], 1U);
}

TEST_F(InStreams, tells_of_packets_in_another_stream) {
    open_streams();
    if (IsSkipped() || HasFatalFailure()) return;
    left.stream_path.stream = static_cast<model::StreamId>(5);
    left.stream_path.remote.port = 4567;
    while_streams_run([&] { EXPECT_TRUE(ping()); });
    EXPECT_EQ(right.moved, (std::vector<model::Endpoint>{left.stream_path.remote}));
}

// RFC 9329 §6.1: a few packets that mean nothing are no corruption, many in a row are.
TEST_F(InStreams, tells_of_a_stream_full_of_nonsense) {
    open_streams();
    if (IsSkipped() || HasFatalFailure()) return;
    const Bytes nonsense(100, 0x77);
    const auto send = [&](std::size_t packets) {
        for (std::size_t i = 0; i < packets; ++i) right.backend->take_packet(left.stream_path, nonsense);
        right.dispatch_until([&] { return !right.corrupt.empty(); });
        return right.corrupt.size();
    };
    EXPECT_EQ(send(model::limits::tcp_bad_messages - 1), 0U);
    while_streams_run([&] { EXPECT_TRUE(ping()); });
    EXPECT_EQ(send(model::limits::tcp_bad_messages - 1), 0U);
    EXPECT_EQ(send(1), 1U);
    EXPECT_EQ(send(100), 1U) << "once";
}

// RFC 7296 §2.23 [8, 132]: IKE on the NAT-T port begins with four zero octets; a keepalive is no packet.
TEST_F(Tunnel, hands_over_ike_and_sends_it_with_the_marker) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    const Bytes message(1200, 0x5a);
    const model::Path path{{model::IpAddress::any(model::Family::v4), 4500},
                           {*model::IpAddress::parse("192.0.2.2"), 4500}};
    ASSERT_TRUE(left.backend->ike_port().send_keepalive(path));
    ASSERT_TRUE(left.backend->ike_port().send_ike(path, message));
    ASSERT_TRUE(right.dispatch_until([&] { return !right.ike.empty(); }));
    EXPECT_EQ(right.ike[0].second, message);
    EXPECT_EQ(right.ike[0].first.text(), "192.0.2.2[4500] - 192.0.2.1[4500]");
    for (const auto count : right.backend->drops()) EXPECT_EQ(count, 0U);  // the keepalive is no drop
}

// The kernel joins datagrams of one sender before it deals them, so that ESP can come with IKE and IKE with ESP.
TEST_F(Tunnel, sorts_what_came_to_the_wrong_socket) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    model::ChildSaSpec spec = esp::testing::test_spec();
    spec.udp_encapsulation = true;
    install_both(spec);
    // Two datagrams of one length in one call stay together on their way, and go where the first of them goes.
    const auto send_joined = [&](const Bytes& first, const Bytes& second) {
        left.host.run([&] {
            const os::Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
            const auto to = address_of("192.0.2.2", 4500);
            const int segment = static_cast<int>(first.size());
            ASSERT_EQ(::setsockopt(socket.number(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
            const Bytes both = concat({first, second});
            ASSERT_EQ(::sendto(socket.number(), both.data(), both.size(), 0, to.get(), to.size), static_cast<ssize_t>(both.size()));
        });
    };
    Bytes ike(200, 0x5a), forged(200, 7);
    std::fill_n(ike.begin(), 4, 0);
    store_be(forged.data(), spec.spi_out);
    send_joined(forged, ike);
    EXPECT_TRUE(right.dispatch_until([&] { return right.ike.size() == 1; }));
    send_joined(ike, forged);
    EXPECT_TRUE(right.dispatch_until([&] { return right.ike.size() == 2 && right.dropped(Drop::integrity_failed) == 2; }));
    EXPECT_EQ(right.ike[1].second, Bytes(ike.begin() + 4, ike.end()));
}

// RFC 7296 §2.23 [130]: whichever form was agreed, both are taken.
TEST_F(Tunnel, takes_esp_in_udp_from_a_peer_that_sees_a_nat_alone) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    model::ChildSaSpec spec = esp::testing::test_spec();
    spec.udp_encapsulation = true;
    install(left, copy(spec));
    model::ChildSaSpec other = esp::testing::mirrored(spec);
    other.udp_encapsulation = false;
    install(right, std::move(other));
    EXPECT_TRUE(ping()) << "the request comes in UDP, the answer as protocol 50";
}

// RFC 3948 §2.3 [132], RFC 4303 §3.4.2 [181]: a keepalive is ignored, a packet without SA discarded.
TEST_F(Tunnel, counts_strangers_packets_and_goes_on) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    install_both(esp::testing::test_spec());
    left.host.run([] {
        const os::Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
        const auto to = address_of("192.0.2.2", 4500);
        for (const char* text : {"ff", "00", "000000", "0000000300000001", "12345678", "1234567800000001",
                                 "20000002000000010000000000000001", "00000000"}) {
            const Bytes octets = *from_hex(text);
            ::sendto(socket.number(), octets.data(), octets.size(), 0, to.get(), to.size);
        }
        Bytes forged(100, 7);
        store_be(forged.data(), 0x2000'0002U);
        ::sendto(socket.number(), forged.data(), forged.size(), 0, to.get(), to.size);
    });
    EXPECT_TRUE(ping());
    EXPECT_TRUE(right.dispatch_until([&] { return right.dropped(Drop::not_esp) == 4; }));
    EXPECT_EQ(right.dropped(Drop::reserved_spi), 1U);
    EXPECT_EQ(right.dropped(Drop::unknown_spi), 1U);
    EXPECT_EQ(right.dropped(Drop::too_short), 1U);
    EXPECT_EQ(right.dropped(Drop::integrity_failed), 1U);
    EXPECT_TRUE(right.moved.empty());
}

// RFC 4301 §5 [169]: no policy, no way.
TEST_F(Tunnel, drops_what_has_no_sa_and_lets_nothing_out_in_the_clear) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    model::ChildSaSpec spec = esp::testing::test_spec();
    spec.outbound_active = false;
    install(left, std::move(spec));
    // Without the tunnel the ping would be answered.
    ASSERT_EQ(right.host.shell("ip route add 10.1.0.0/16 via 192.0.2.1"), 0);
    ASSERT_EQ(left.host.shell("ip route add 10.2.0.0/16 via 192.0.2.2"), 0);
    EXPECT_FALSE(ping());
    EXPECT_GE(left.dropped(Drop::no_policy), 1U);
}

// RFC 7296 §2.9: the packet that wants the child waits for it.
TEST_F(Tunnel, holds_packets_that_meet_a_trap_until_the_child_is_there) {
    open_both();
    const model::ChildSaSpec spec = esp::testing::test_spec();
    const model::PolicySpec trap{.id = model::PolicyId{1}, .kind = model::PolicyKind::trap, .local = spec.local, .remote = spec.remote};
    ASSERT_TRUE(left.host.run([&] { return left.backend->install_policy(trap); }));
    std::atomic<bool> answered{false};
    std::thread pinging([&] { answered = left.host.shell("ping -q -n -c 3 -i 0.05 -W 5 10.2.0.1 >/dev/null") == 0; });
    EXPECT_TRUE(left.dispatch_until([&] { return !left.acquired.empty(); }));
    if (!left.acquired.empty()) {
        EXPECT_EQ(left.acquired[0].remote.text(), "10.2.0.1/32[icmp/8]");
    }
    // TestHost runs one thing after the other, and the ping is one: these need no namespace.
    EXPECT_TRUE(left.backend->install(copy(spec)));
    EXPECT_TRUE(right.backend->install(esp::testing::mirrored(spec)));
    pinging.join();
    EXPECT_TRUE(answered) << "all three were answered, the first included";
    EXPECT_EQ(left.dropped(Drop::no_policy), 0U);
    left.backend->remove_policy(trap.id);
    EXPECT_TRUE(ping()) << "the child does not need its trap";
}

// RFC 4301 §5.2 [170], RFC 7296 §3.10.1: dropped, and said once.
TEST_F(Tunnel, tells_of_packets_outside_the_selectors) {
    open_both();
    model::ChildSaSpec spec = esp::testing::test_spec();
    install(left, copy(spec));
    spec.remote = esp::testing::selectors({"10.2.0.9"});
    install(right, esp::testing::mirrored(spec));
    EXPECT_FALSE(ping("10.2.0.1", 3));
    EXPECT_TRUE(right.dispatch_until([&] { return !right.violations.empty(); }));
    EXPECT_EQ(right.violations.size(), 1U) << "three packets, one word";
    EXPECT_EQ(right.dropped(Drop::selector_mismatch), 3U);
    if (!right.violations.empty()) {
        EXPECT_EQ(right.violations[0].at(0) >> 4, 4) << "it begins with the IP header";
    }
}

TEST_F(Tunnel, tells_when_the_peer_uses_a_child_that_is_not_active_yet) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    model::ChildSaSpec spec = esp::testing::test_spec();
    install(left, copy(spec));
    model::ChildSaSpec waiting = esp::testing::mirrored(spec);
    waiting.outbound_active = false;
    install(right, std::move(waiting));
    EXPECT_FALSE(ping());
    ASSERT_TRUE(right.dispatch_until([&] { return !right.seen.empty(); }));
    EXPECT_EQ(right.seen, std::vector{spec.id});
    right.backend->activate(spec.id, model::every_resource);
    EXPECT_TRUE(ping());
    right.dispatch_until([] { return false; });
    EXPECT_EQ(right.seen.size(), 1U);
}

// What is in a socket can be newer than the table with which a worker has begun its turn.
TEST_F(Tunnel, takes_packets_of_a_child_that_was_installed_during_the_turn) {
    std::binary_semaphore begun{0}, installed{0};
    std::atomic<bool> halt{false};
    open(left);
    UserspaceConfig config;
    config.workers = 1;
    config.now = [&] {
        if (halt.exchange(false)) {
            begun.release();
            installed.acquire();
        }
        return os::now();
    };
    open(right, config);
    if (IsSkipped() || HasFatalFailure()) return;
    model::ChildSaSpec spec = esp::testing::test_spec();
    spec.udp_encapsulation = true;
    install(left, copy(spec));
    halt = true;
    left.host.run([] {
        const os::Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
        const auto to = address_of("192.0.2.2", 4500);
        Bytes stranger(100, 7);
        ::sendto(socket.number(), stranger.data(), stranger.size(), 0, to.get(), to.size);
    });
    begun.acquire();
    install(right, esp::testing::mirrored(spec));
    auto pinged = std::async(std::launch::async, [&] { return ping(); });
    left.dispatch_until([&] { return left.backend->usage(spec.id)->packets_out != 0; });
    installed.release();
    EXPECT_TRUE(pinged.get());
    EXPECT_EQ(right.dropped(Drop::unknown_spi), 1U) << "the stranger's packet alone";
}

TEST_F(Tunnel, loses_nothing_when_a_child_is_replaced) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    model::ChildSaSpec old_spec = esp::testing::test_spec(), new_spec = esp::testing::test_spec();
    new_spec.id = model::ChildId{2};
    new_spec.spi_in = 0x1000'0003;
    new_spec.spi_out = 0x2000'0004;
    new_spec.in.encr = esp::testing::test_key(36, 0x33);
    new_spec.out.encr = esp::testing::test_key(36, 0x44);
    install_both(old_spec);
    auto pings = std::async(std::launch::async, [&] { return ping("10.2.0.1", 30); });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    // The hosts' own threads are busy or not; the backends are this thread's.
    new_spec.outbound_active = false;
    auto responder = esp::testing::mirrored(new_spec);
    responder.outbound_active = false;
    ASSERT_TRUE(right.host.run([&] { return right.backend->install(std::move(responder)); }));
    ASSERT_TRUE(left.backend->install(std::move(new_spec)));
    left.backend->activate(model::ChildId{2}, model::every_resource);
    ASSERT_TRUE(right.dispatch_until([&] { return !right.seen.empty(); }));
    right.backend->activate(model::ChildId{2}, model::every_resource);
    for (Side* side : {&left, &right}) side->backend->remove(model::ChildId{1}, milliseconds(200));
    EXPECT_TRUE(pings.get());
    for (Side* side : {&left, &right}) {
        EXPECT_TRUE(side->dispatch_until([&] { return !side->backend->usage(model::ChildId{1}); }));
        EXPECT_EQ(side->dropped(Drop::unknown_spi), 0U);
        EXPECT_EQ(side->dropped(Drop::no_policy), 0U);
        EXPECT_GT(side->backend->usage(model::ChildId{2})->packets_out, 0U);
    }
}

// RFC 7296 §2.23 [131]: newer authentic packets alone.
TEST_F(Tunnel, tells_where_an_authentic_packet_came_from_and_follows_when_told) {
    UserspaceConfig elsewhere;
    elsewhere.port = 4501;
    open(left, elsewhere);
    open(right);
    if (left.backend == nullptr || right.backend == nullptr) FAIL() << open_error;
    model::ChildSaSpec spec = esp::testing::test_spec();
    install_both(spec);
    EXPECT_FALSE(ping());  // answers go to port 4500, where nobody is
    ASSERT_TRUE(right.dispatch_until([&] { return !right.moved.empty(); }));
    EXPECT_EQ(right.moved, (std::vector<model::Endpoint>{{spec.path.local.address, 4501}}));
    right.backend->move(spec.id, {spec.path.remote, right.moved[0]}, true);
    EXPECT_TRUE(ping());
    right.dispatch_until([] { return false; });
    EXPECT_EQ(right.moved.size(), 1U);
}

TEST_F(Tunnel, does_not_loop_when_the_peer_lies_in_its_own_selectors) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    model::ChildSaSpec spec = esp::testing::test_spec();
    spec.remote = esp::testing::selectors({"0.0.0.0/0"});
    install_both(spec);
    EXPECT_TRUE(ping("10.2.0.1"));
    EXPECT_LT(left.backend->statistics().packets_out, 10U);
}

TEST_F(Tunnel, uses_an_assigned_address_and_forgets_it) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto address = *model::IpAddress::parse("10.3.0.7");
    model::ChildSaSpec spec = esp::testing::test_spec();
    spec.local = esp::testing::selectors({"10.3.0.7"});
    install_both(spec);
    ASSERT_TRUE(left.host.run([&] { return left.backend->add_address(address); }));
    // No source is given: the route's hint makes it the virtual address.
    EXPECT_TRUE(ping());
    ASSERT_TRUE(left.host.run([&] { return left.backend->remove_address(address); }));
    EXPECT_FALSE(ping());
    EXPECT_NE(left.host.shell("ip addr | grep -q 10.3.0.7"), 0);
}

TEST_F(Tunnel, works_on_a_host_that_has_switched_ipv6_off) {
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(left.host.shell("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"), 0);
    ASSERT_EQ(left.host.shell("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"), 0);
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    install_both(esp::testing::test_spec());  // with selectors of both families
    EXPECT_TRUE(ping());
}

TEST_F(Tunnel, fragments_what_a_narrow_path_does_not_take) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    install_both(esp::testing::test_spec());
    for (Side* side : {&left, &right}) ASSERT_EQ(side->host.shell("ip link set veth mtu 1280"), 0);
    EXPECT_TRUE(tcp_transfer(left.host, right.host, "10.2.0.1", test_octets()) == test_octets());
    EXPECT_EQ(left.dropped(Drop::carrier_refused), 0U);
}

TEST_F(Tunnel, leaves_no_rule_route_or_device_behind) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    install_both(esp::testing::test_spec());
    EXPECT_EQ(left.host.shell("ip rule | grep -q 4500 && ip route show table 4500 | grep -q 10.2.0.0/16"), 0);
    left.backend->remove(esp::testing::test_spec().id, Duration{0});
    EXPECT_NE(left.host.shell("ip route show table 4500 2>/dev/null | grep -q 10.2.0.0/16"), 0);
    left.host.run([&] { left.backend.reset(); });
    EXPECT_NE(left.host.shell("ip rule | grep -q 4500 || ip -6 rule | grep -q 4500 || ip link | grep -q cygnet0"), 0);
}

// A range is up to 254 prefixes, and a peer may ask for 255 of them.
TEST_F(Tunnel, refuses_selectors_that_are_too_many_prefixes) {
    open_both();
    model::ChildSaSpec spec = esp::testing::test_spec();
    for (int i = 0; i < 10; ++i)
        spec.remote.push_back(esp::testing::selectors({fmt::format("2001:db8:{0}::1-2001:db8:{0}:ffff:ffff:ffff:ffff:fffe", i + 16)})[0]);
    const auto refused = left.host.run([&] { return left.backend->install(std::move(spec)); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::limit);
    install_both(esp::testing::test_spec());
    EXPECT_TRUE(ping());
}

TEST_F(Tunnel, refuses_a_second_child_with_the_same_spi_or_name) {
    open_both();
    if (IsSkipped() || HasFatalFailure()) return;
    install(left, esp::testing::test_spec());
    model::ChildSaSpec again = esp::testing::test_spec();
    EXPECT_EQ(left.backend->install(copy(again)).error().code, Errc::state);
    again.id = model::ChildId{9};
    EXPECT_EQ(left.backend->install(std::move(again)).error().code, Errc::state);
}

}  // namespace
}  // namespace cygnet::dataplane
