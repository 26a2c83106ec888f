// AH between two hosts of one machine.
#include <gtest/gtest.h>

#include "dataplane/ah_port.h"
#include "dataplane/test_tunnel.h"
#include "esp/ah.h"

namespace cygnet::dataplane::testing {
namespace {

struct AhCase {
    const char* name;
    model::ChildMode mode;
    bool outer_v6;
};
void PrintTo(const AhCase& one, std::ostream* out) { *out << one.name; }

class AhTunnel : public Tunnel, public ::testing::WithParamInterface<AhCase> {
protected:
    static model::TrafficSelectors single(std::string_view address) {
        return {model::TrafficSelector::of(model::AddressRange::single(*model::IpAddress::parse(address)))};
    }
    model::ChildSaSpec spec(model::Integ integ = model::Integ::hmac_sha2_256_128) const {
        const bool v6 = GetParam().outer_v6;
        const std::string_view here = v6 ? "2001:db8::1" : "192.0.2.1", there = v6 ? "2001:db8::2" : "192.0.2.2";
        model::ChildSaSpec made = esp::testing::test_spec();
        made.protocol = model::Protocol::ah;
        made.mode = GetParam().mode;
        made.encr = model::Encr::none;
        made.key_bits = 0;
        made.integ = integ;
        const std::size_t size = crypto::mac_shape_of(integ)->key_size;
        made.in = {{}, esp::testing::test_key(size, 1)};
        made.out = {{}, esp::testing::test_key(size, 99)};
        made.esn = true;
        made.path = {{*model::IpAddress::parse(here), 500}, {*model::IpAddress::parse(there), 500}};
        made.udp_encapsulation = false;
        if (made.mode == model::ChildMode::transport) {
            made.local = single(here);
            made.remote = single(there);
        }
        return made;
    }
    // Where pings and connections of left go.
    std::vector<std::string> targets() const {
        if (GetParam().mode == model::ChildMode::tunnel) return {"10.2.0.1", "2001:db8:2::1"};
        return {GetParam().outer_v6 ? "2001:db8::2" : "192.0.2.2"};
    }
};

TEST_P(AhTunnel, carries_packets_both_ways) {
    open_both({.workers = 2});
    install_both(spec());
    for (const std::string& target : targets()) {
        EXPECT_TRUE(ping(target)) << target;
        EXPECT_TRUE(ping(target + " -s 1200")) << target;
    }
    EXPECT_EQ(right.backend->usage(model::ChildId{1})->packets_in, 2 * targets().size());
    EXPECT_EQ(left.backend->usage(model::ChildId{1})->packets_in, 2 * targets().size());
    const Bytes some(test_octets().begin(), test_octets().begin() + 200'000);
    for (const std::string& target : targets()) EXPECT_EQ(tcp_transfer(left.host, right.host, target, some), some) << target;
}

// Transport mode has no fragments inside (RFC 4301 §4.1), so there what is as long as it takes.
TEST_P(AhTunnel, carries_what_is_longer_than_the_link) {
    open_both({.workers = 1});
    install_both(spec(model::Integ::hmac_sha2_512_256));
    const char* size = GetParam().mode == model::ChildMode::tunnel ? " -s 3000" : " -s 1400";
    for (const std::string& target : targets()) EXPECT_TRUE(ping(target + size)) << target;
}

TEST_P(AhTunnel, ESP_of_its_SPI_and_other_AH_are_nobody_s) {
    open_both({.workers = 1});
    install_both(spec());
    // Somebody sends ESP with the SPI of the AH SA, and AH of no SA.
    const bool v6 = GetParam().outer_v6;
    left.host.run([&] {
        for (const int protocol : {IPPROTO_ESP, IPPROTO_AH}) {
            const os::Fd raw(::socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW, protocol));
            const std::uint32_t mark = 4500;
            ASSERT_EQ(::setsockopt(raw.number(), SOL_SOCKET, SO_MARK, &mark, sizeof mark), 0);
            Bytes packet(64);
            if (protocol == IPPROTO_AH) packet = {4, 5, 0, 0, 0x77, 0, 0, 1, 0, 0, 0, 1};
            else store_be(packet.data(), esp::testing::test_spec().spi_out);
            packet.resize(64);
            const auto to = address_of(v6 ? "2001:db8::2" : "192.0.2.2", 0);
            ASSERT_GT(::sendto(raw.number(), packet.data(), packet.size(), 0, to.get(), to.size), 0);
        }
    });
    EXPECT_TRUE(right.dispatch_until([&] { return right.dropped(Drop::unknown_spi) == 2; })) << right.dropped(Drop::unknown_spi);
}

INSTANTIATE_TEST_SUITE_P(all, AhTunnel,
                         ::testing::Values(AhCase{"tunnel over IPv4", model::ChildMode::tunnel, false},
                                           AhCase{"tunnel over IPv6", model::ChildMode::tunnel, true},
                                           AhCase{"transport of IPv4", model::ChildMode::transport, false},
                                           AhCase{"transport of IPv6", model::ChildMode::transport, true}));

// RFC 4302 §3.3.4: what is cut, is cut after AH; the other end's kernel puts it together again before.
using AhFragments = Tunnel;
TEST_F(AhFragments, arrive_as_one_packet) {
    const auto open_port = [](TestHost& host) { return host.run([] { return AhPort::open(model::Family::v4, 4500).value(); }); };
    const AhPort sender = open_port(left.host), receiver = open_port(right.host);
    Bytes packet = esp::testing::make_packet({.source = "192.0.2.1", .destination = "192.0.2.2", .protocol = esp::protocol::ah, .payload = 1200});
    packet[5] = 77;  // an identification, which the kernel keeps
    ASSERT_TRUE(sender.send(packet, 500));
    pollfd waiting{receiver.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
    Bytes room(2 * 65536);
    const auto got = receiver.receive(room);
    ASSERT_TRUE(got);
    EXPECT_TRUE(equal(got->subspan(20), ByteView(packet).subspan(20)));
    EXPECT_EQ(got->size(), packet.size());
    EXPECT_EQ((*got)[5], 77);

    packet[6] = 0x40;  // DF: whole, or not at all
    packet.resize(3000);
    EXPECT_FALSE(sender.send(packet, 1500));
}

// RFC 4302 §3.3.3.1.2: the ICV covers IPv6 extension headers, which the kernel takes off: they stand in their order again.
TEST_F(AhFragments, come_with_the_extension_headers_before_them) {
    const AhPort receiver = right.host.run([] { return AhPort::open(model::Family::v6, 4500).value(); });
    Bytes ah{esp::protocol::udp, 4, 0, 0, 0, 0, 1, 7, 0, 0, 0, 1};
    ah.resize(24 + 16, 0xaa);
    left.host.run([&] {
        const os::Fd raw(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_AH));
        const std::array<std::uint8_t, 8> hop_by_hop{0, 0, 0x1e, 4, 1, 2, 3, 4}, destination{0, 0, 0x3e, 4, 5, 6, 7, 8};
        ASSERT_EQ(::setsockopt(raw.number(), IPPROTO_IPV6, IPV6_HOPOPTS, hop_by_hop.data(), hop_by_hop.size()), 0) << std::strerror(errno);
        ASSERT_EQ(::setsockopt(raw.number(), IPPROTO_IPV6, IPV6_DSTOPTS, destination.data(), destination.size()), 0) << std::strerror(errno);
        const auto to = address_of("2001:db8::2", 0);
        ASSERT_EQ(::sendto(raw.number(), ah.data(), ah.size(), 0, to.get(), to.size), static_cast<ssize_t>(ah.size())) << std::strerror(errno);
    });
    pollfd waiting{receiver.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
    Bytes room(2 * 65536);
    const auto got = receiver.receive(room);
    ASSERT_TRUE(got);
    const auto place = esp::find_ah(*got);
    ASSERT_TRUE(place) << hex(*got);
    EXPECT_EQ(place->at, 56U);
    EXPECT_EQ(place->spi, 0x107U);
    EXPECT_EQ(got->size(), 56 + ah.size());
    EXPECT_EQ(hex(got->subspan(4, 3)), "003800");  // payload length, hop-by-hop
    EXPECT_EQ(hex(got->subspan(40, 16)), "3c001e040102030433003e0405060708");
    EXPECT_TRUE(equal(got->subspan(56), ah));
}

using AhRefused = Tunnel;
TEST_F(AhRefused, AH_behind_a_NAT_is_refused) {
    open_both({.workers = 1});
    model::ChildSaSpec spec = esp::testing::test_spec();
    spec.protocol = model::Protocol::ah;
    spec.encr = model::Encr::none;
    spec.integ = model::Integ::hmac_sha2_256_128;
    spec.in = {{}, esp::testing::test_key(32, 1)};
    spec.out = {{}, esp::testing::test_key(32, 99)};
    spec.udp_encapsulation = true;
    const auto installed = left.host.run([&] { return left.backend->install(std::move(spec)); });
    ASSERT_FALSE(installed);
    EXPECT_EQ(installed.error().code, Errc::unsupported);
}

}  // namespace
}  // namespace cygnet::dataplane::testing
