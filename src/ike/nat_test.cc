#include "ike/nat.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/prf.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::ExchangeType;
using model::NotifyType;

// What both sides said in IKE_SA_INIT.
std::vector<Send> first_messages(const model::Connection& at_a, const model::Connection& at_b) {
    Pair pair;
    std::vector<Send> sent;
    pair.configure(at_a, at_b);
    pair.meddler = [&](Send& send) {
        if (wire::parse_header(send.datagram)->exchange == ExchangeType::ike_sa_init) sent.push_back(send);
        return true;
    };
    pair.initiate(pair.a);
    EXPECT_TRUE(pair.up());
    return sent;
}

// RFC 7296 §2.23 [128]: SHA-1 of the SPIs as they stand in the header, the address and the port; in both messages.
TEST(NatDetection, HashesSpisAddressAndPortInBothMessages) {
    const auto sent = first_messages(connection(true), connection(false));
    ASSERT_EQ(sent.size(), 2u);
    for (const Send& send : sent) {
        const auto message = *wire::parse_message(send.datagram);
        const auto hash = [&](const model::Endpoint& endpoint) {
            Bytes octets;
            Writer writer(octets);
            writer.u64(message.header.spi_i);
            writer.u64(message.header.spi_r);
            writer.bytes(endpoint.address.bytes());
            writer.u16(endpoint.port);
            return crypto::sha1({octets});
        };
        const auto* source = message.notify(NotifyType::nat_detection_source_ip);
        const auto* destination = message.notify(NotifyType::nat_detection_destination_ip);
        ASSERT_TRUE(source != nullptr && destination != nullptr);
        EXPECT_TRUE(equal(source->data, hash(send.path.local)));
        EXPECT_TRUE(equal(destination->data, hash(send.path.remote)));
    }
}

// A router that gives a another address and port.
Meddler nat() {
    return [](Send& send) {
        constexpr std::uint16_t shift = 10'000;
        const auto inside = address("192.0.2.1"), outside = address("203.0.113.9");
        if (send.path.local.address == inside) {
            send.path.local.address = outside;
            send.path.local.port = static_cast<std::uint16_t>(send.path.local.port + shift);
        } else if (send.path.remote.address == outside) {
            send.path.remote.address = inside;
            send.path.remote.port = static_cast<std::uint16_t>(send.path.remote.port - shift);
        }
        return true;
    };
}

// RFC 7296 §2.23 [129]: after a mismatch everything goes through port 4500, and ESP into UDP.
TEST(NatDetection, MovesEverythingToPort4500AfterAMismatch) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    std::vector<Send> later;
    pair.meddler = [&, pass = nat()](Send& send) {
        if (wire::parse_header(send.datagram)->exchange != ExchangeType::ike_sa_init) later.push_back(send);
        return pass(send);
    };
    pair.initiate(pair.a);
    ASSERT_TRUE(pair.up());
    ASSERT_FALSE(later.empty());
    for (const Send& send : later) EXPECT_EQ(send.path.local.port, 4500);
    for (const Node* node : {&pair.a, &pair.b}) {
        ASSERT_EQ(node->installed.size(), 1u);
        EXPECT_TRUE(node->installed.front().udp_encapsulation);
        EXPECT_EQ(node->installed.front().path.local.port, 4500);
    }
    EXPECT_TRUE(pair.a.only_sa(pair.now).nat_local);
    EXPECT_TRUE(pair.b.only_sa(pair.now).nat_remote);
}

// With MOBIKE both move to the NAT-T port in any case (RFC 4555 §3.3), and addresses are not followed (§3.8).
model::Connection without_mobike(bool at_a) {
    model::Connection plain = connection(at_a);
    plain.mobike = false;
    return plain;
}

TEST(NatDetection, LeavesPort500AloneWithoutANat) {
    Pair pair;
    pair.configure(without_mobike(true), without_mobike(false));
    pair.initiate(pair.a);
    EXPECT_FALSE(pair.a.installed.front().udp_encapsulation);
    EXPECT_EQ(pair.a.only_sa(pair.now).path.local.port, 500);
}

// RFC 7296 §2.23 [131]: the peer that is not behind the NAT follows authentic, fresh messages; the one behind it does not.
TEST(NatDetection, OnlyTheSideOutsideFollowsAndOnlyFreshMessages) {
    Pair pair;
    pair.configure(without_mobike(true), without_mobike(false));
    pair.meddler = nat();
    pair.initiate(pair.a);
    ASSERT_TRUE(pair.up());
    const model::Endpoint before = pair.b.only_sa(pair.now).path.remote;
    Bytes kept;
    pair.meddler = [&, pass = nat()](Send& send) {
        const bool from_a = send.path.local.address == address("192.0.2.1");
        if (from_a && kept.empty()) kept = send.datagram;
        if (!pass(send)) return false;
        if (from_a) send.path.local.port += 7;  // the NAT has forgotten its mapping
        return true;
    };
    pair.rekey(pair.a, {.child = "net"});
    const model::Endpoint after = pair.b.only_sa(pair.now).path.remote;
    EXPECT_EQ(after.port, before.port + 7);
    const model::Endpoint third{address("203.0.113.10"), 4500};
    pair.step(pair.b, Datagram{.path = {.local = {address("192.0.2.2"), 4500}, .remote = third}, .bytes = kept});
    EXPECT_EQ(pair.b.only_sa(pair.now).path.remote, after) << "a repeated message moves nobody";
    const model::Endpoint of_b = pair.a.only_sa(pair.now).path.remote;
    pair.meddler = [](Send& send) {
        if (send.path.local.address == address("192.0.2.2")) send.path.local.port = 4711;
        return true;
    };
    pair.rekey(pair.b, {.child = "net"});
    EXPECT_EQ(pair.a.only_sa(pair.now).path.remote, of_b);
}

// RFC 3948 §4 [132]: keepalives only from behind the NAT, and only when nothing else was sent.
TEST(NatDetection, SendsKeepalivesOnlyIntoSilence) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    pair.meddler = nat();
    pair.initiate(pair.a);
    ASSERT_TRUE(pair.up());
    const model::ChildId child = pair.a.only_sa(pair.now).children.front().id;
    for (std::uint64_t packets = 1; packets < 10; ++packets) {
        pair.step(pair.a, UsageReport{.child = child, .usage = {.packets_out = packets, .last_out = pair.now}});
        pair.pass(seconds(10));
    }
    EXPECT_TRUE(pair.a.keepalives.empty()) << "ESP keeps the mapping";
    pair.pass(model::limits::nat_keepalive * 3);
    EXPECT_GE(pair.a.keepalives.size(), 2u);
    EXPECT_EQ(pair.a.keepalives.front().path.local.port, 4500);
    EXPECT_TRUE(pair.b.keepalives.empty());
}

}  // namespace
}  // namespace cygnet::ike::test
