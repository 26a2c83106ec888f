// What every message of ours must keep, whatever it is about: rows of docs/rfc/conformance.md that no exchange owns.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

// A life with every direction of requests: set-up, rekeys by both sides, deletion by the responder.
std::vector<Bytes> datagrams_of_a_life() {
    Pair pair;
    std::vector<Bytes> seen;
    pair.meddler = [&](Send& send) {
        seen.push_back(send.datagram);
        return true;
    };
    pair.configure(connection(true), connection(false));
    pair.initiate(pair.a);
    pair.rekey(pair.b, {.child = "net"});
    pair.rekey(pair.b, {.ike = "gw"});
    pair.rekey(pair.a, {.ike = "gw"});
    pair.terminate(pair.b);
    return seen;
}

// RFC 7296 §3.1 [1, 2]: the initiator's SPI is never zero, the responder's only in the first message; version 2.0.
TEST(EveryMessage, HasItsSpisAndVersion) {
    const std::vector<Bytes> seen = datagrams_of_a_life();
    ASSERT_GT(seen.size(), 10u);
    for (std::size_t i = 0; i < seen.size(); ++i) {
        const auto header = *wire::parse_header(seen[i]);
        EXPECT_NE(header.spi_i, 0u);
        EXPECT_EQ(header.spi_r == 0, i == 0);
        EXPECT_EQ(header.major_version, 2);
        EXPECT_EQ(header.minor_version, 0);
    }
}

// RFC 7296 §3.1 [5]: I is the original initiator's, in requests and responses, and changes hands with a rekey of the other side.
TEST(EveryMessage, NamesTheOriginalInitiator) {
    Pair pair;
    std::set<std::pair<bool, bool>> of_a_before, of_a_after;  // (I, R)
    std::uint64_t first_spi = 0;
    pair.meddler = [&](Send& send) {
        const auto header = *wire::parse_header(send.datagram);
        if (first_spi == 0) first_spi = header.spi_i;
        const bool from_a = send.path.local.address == address("192.0.2.1");
        if (from_a) (header.spi_i == first_spi ? of_a_before : of_a_after).insert({header.initiator, header.response});
        return true;
    };
    pair.configure(connection(true), connection(false));
    pair.initiate(pair.a);
    pair.rekey(pair.b, {.ike = "gw"});
    pair.rekey(pair.a, {.child = "net"});
    pair.rekey(pair.b, {.child = "net"});
    EXPECT_EQ(of_a_before, (std::set<std::pair<bool, bool>>{{true, false}, {true, true}}));
    EXPECT_EQ(of_a_after, (std::set<std::pair<bool, bool>>{{false, false}, {false, true}}));
}

class Responder : public testing::Test {
protected:
    void SetUp() override {
        Effects effects;
        victim.engine.step(peer.now, Configure{config_of(connection(false)), nullptr}, effects);
    }
    bool alive() const {
        const auto all = victim.engine.list(peer.now);
        return all.size() == 1 && all.front().state == model::IkeState::established;
    }
    Node victim{2};
    ScriptedPeer peer{victim};
};

// RFC 7296 §2.5 [2]: a higher minor version changes nothing.
TEST_F(Responder, IgnoresTheMinorVersion) {
    peer.establish();
    wire::Header header = peer.header(model::ExchangeType::informational, peer.next_id++);
    header.minor_version = 7;
    wire::MessageBuilder empty;
    EXPECT_EQ(peer.raw(peer.sealed(header, empty.take_chain())).size(), 1u);
}

// RFC 7296 §2.1 [11]: the responder never sends its answer again by itself.
TEST_F(Responder, DoesNotRetransmit) {
    peer.establish();
    wire::MessageBuilder empty;
    ASSERT_EQ(peer.send(model::ExchangeType::informational, std::move(empty)).size(), 1u);
    for (int second = 0; second < 60; ++second) {
        peer.now = peer.now + seconds(1);
        peer.step(Tick{});
        EXPECT_TRUE(peer.sent().empty());
    }
    EXPECT_TRUE(alive());
}

// RFC 7296 §3.3.5 [44]: a Key Length in long form, two of them, or a fixed-length attribute of another kind: such a
// transform is unacceptable, and the next proposal counts.
TEST_F(Responder, RefusesAttributesOfTheWrongForm) {
    const auto length = static_cast<std::uint16_t>(model::AttributeType::key_length);
    const model::TransformAttribute in_long_form{.type = length, .fixed = false, .value = {1, 0}};
    const model::TransformAttribute in_short_form{.type = length, .fixed = true, .value = {1, 0}};
    const auto two = model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519,aes128gcm16-prfsha384-x25519");
    model::Connection gateway = connection(false);
    gateway.proposals = *two;
    peer.step(Configure{config_of(std::move(gateway)), nullptr});
    const auto chosen_for = [&](std::vector<model::TransformAttribute> others, bool keep_first) {
        auto proposals = *two;
        model::Transform& cipher = proposals.front().transforms.front();
        EXPECT_EQ(cipher.type, model::TransformType::encr);
        if (!keep_first) cipher.key_bits = 0;
        cipher.other_attributes = std::move(others);
        static std::uint64_t spi = 0x100;
        const Bytes key(32, 9), nonce(32, 7);
        wire::MessageBuilder message;
        message.add(wire::SaPayload{proposals}).add(wire::KePayload{.method = model::Ke::curve25519, .data = key});
        message.add(wire::NoncePayload{nonce});
        const auto sent = peer.raw(message.finish(
            {.spi_i = ++spi, .exchange = model::ExchangeType::ike_sa_init, .initiator = true}));
        EXPECT_EQ(sent.size(), 1u);
        const auto answer = *wire::parse_message(sent.front());
        const auto* chosen = answer.find<wire::SaPayload>();
        EXPECT_NE(chosen, nullptr) << victim.log();
        return chosen != nullptr ? int{chosen->proposals.front().number} : 0;
    };
    EXPECT_EQ(chosen_for({}, true), 1);
    EXPECT_EQ(chosen_for({in_long_form}, false), 2);
    EXPECT_EQ(chosen_for({in_short_form}, true), 2) << "the same attribute twice";
    EXPECT_EQ(chosen_for({in_long_form}, true), 2);
}

// RFC 7296 §2.5 [28]: payloads in any order. §3.12 [35]: unknown vendor IDs change nothing.
TEST_F(Responder, TakesPayloadsInAnyOrderAndIgnoresVendors) {
    peer.init();
    wire::Chain chain = peer.auth().take_chain();
    const auto payloads = *wire::parse_payloads(chain.first, chain.octets);
    wire::MessageBuilder reversed;
    const Bytes vendor = Bytes(16, 0x77);
    reversed.add(wire::VendorIdPayload{.data = vendor});
    for (auto payload = payloads.rbegin(); payload != payloads.rend(); ++payload) reversed.add(*payload);
    EXPECT_EQ(peer.send(model::ExchangeType::ike_auth, std::move(reversed)).size(), 1u);
    EXPECT_TRUE(alive()) << victim.log();
}

}  // namespace
}  // namespace cygnet::ike::test
