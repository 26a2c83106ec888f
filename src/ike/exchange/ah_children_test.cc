// Children whose packets AH protects (RFC 4302): negotiated, rekeyed and deleted under their own protocol.
#include <gtest/gtest.h>

#include "ike/test_pair.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::ExchangeType;
using model::Protocol;

std::vector<model::Proposal> proposals(Protocol protocol, std::string_view text) { return model::parse_proposals(protocol, text).value(); }

model::Connection with_ah(bool at_a, std::string_view text = "sha256-esn-noesn") {
    model::Connection made = connection(at_a);
    made.children.front().esp_proposals = proposals(Protocol::ah, text);
    return made;
}

class AhChildren : public testing::Test {
protected:
    void expect_ah(const Node& node, std::size_t key = 32) {
        ASSERT_FALSE(node.installed.empty());
        const model::ChildSaSpec& spec = node.installed.back();
        EXPECT_EQ(spec.protocol, Protocol::ah);
        EXPECT_EQ(spec.encr, model::Encr::none);
        EXPECT_EQ(spec.in.encr.size(), 0U);
        EXPECT_EQ(spec.in.integ.size(), key);
        EXPECT_FALSE(spec.udp_encapsulation);
    }
    Pair pair;
};

// RFC 7296 §3.3.2, §2.17: the transforms of AH, and keys for integrity alone.
TEST_F(AhChildren, come_up_with_keys_for_integrity_alone) {
    pair.configure(with_ah(true), with_ah(false));
    const auto done = pair.initiate(pair.a);
    ASSERT_TRUE(done.result) << done.result.error().text();
    expect_ah(pair.a);
    expect_ah(pair.b);
    EXPECT_TRUE(pair.a.installed.back().esn);
    EXPECT_TRUE(pair.children_agree());
    EXPECT_EQ(pair.a.only_sa(pair.now).children.front().proposal.protocol, Protocol::ah);
}

TEST_F(AhChildren, have_the_key_sizes_of_their_algorithms) {
    constexpr std::pair<const char*, std::size_t> all[] = {{"sha1", 20}, {"sha512", 64}, {"aescmac", 16}, {"aes128gmac", 20}, {"aes256gmac", 36}};
    for (const auto& [text, key] : all) {
        Pair other;
        other.configure(with_ah(true, text), with_ah(false, text));
        const auto done = other.initiate(other.a);
        ASSERT_TRUE(done.result) << text << ": " << done.result.error().text();
        expect_ah(other.b, key);
        EXPECT_TRUE(other.children_agree()) << text;
    }
}

TEST_F(AhChildren, are_rekeyed_and_deleted_under_their_protocol) {
    pair.configure(with_ah(true, "sha256-x25519"), with_ah(false, "sha256-x25519"));
    ASSERT_TRUE(pair.initiate(pair.a).result);
    for (Node* node : {&pair.b, &pair.a}) {
        const auto rekeyed = pair.rekey(*node, {.child = "net"});
        ASSERT_TRUE(rekeyed.result) << rekeyed.result.error().text();
        pair.pass(seconds(10));
        expect_ah(pair.a);
        expect_ah(pair.b);
        EXPECT_TRUE(pair.children_agree());
        EXPECT_EQ(pair.a.only_sa(pair.now).children.size(), 1U);
        EXPECT_EQ(pair.b.only_sa(pair.now).children.size(), 1U);
    }
    EXPECT_EQ(pair.a.installed.size(), 3U);
    ASSERT_TRUE(pair.terminate(pair.a, {.child = "net"}).result);
    EXPECT_TRUE(pair.a.only_sa(pair.now).children.empty());
    EXPECT_TRUE(pair.b.only_sa(pair.now).children.empty());
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::delete_unknown], 0U);
}

TEST_F(AhChildren, and_ESP_may_be_offered_together) {
    model::Connection both = with_ah(true);
    auto all = proposals(Protocol::esp, "aes256gcm16");
    for (model::Proposal& proposal : both.children.front().esp_proposals) all.push_back(proposal);
    both.children.front().esp_proposals = all;
    pair.configure(both, with_ah(false));
    ASSERT_TRUE(pair.initiate(pair.a).result);
    expect_ah(pair.a);

    Pair other;
    other.configure(with_ah(true), connection(false));
    const auto done = other.initiate(other.a);
    EXPECT_FALSE(done.result) << "one side has AH alone, the other ESP alone";
    EXPECT_TRUE(other.b.installed.empty());
}

// RFC 4302 §3.3.3.1: the addresses are covered, so a NAT breaks it.
TEST_F(AhChildren, are_not_offered_through_a_NAT) {
    model::Connection behind_nat = with_ah(true);
    behind_nat.encap = true;
    pair.configure(behind_nat, with_ah(false));
    const auto done = pair.initiate(pair.a);
    ASSERT_FALSE(done.result);
    EXPECT_NE(done.result.error().text().find("AH passes no NAT"), std::string::npos) << done.result.error().text();
    EXPECT_TRUE(pair.a.installed.empty());
    EXPECT_TRUE(pair.b.installed.empty());

    // With ESP beside it, ESP it is.
    Pair other;
    auto all = behind_nat.children.front().esp_proposals;
    for (model::Proposal& proposal : proposals(Protocol::esp, "aes256gcm16")) all.push_back(proposal);
    behind_nat.children.front().esp_proposals = all;
    model::Connection at_b = with_ah(false);
    at_b.children.front().esp_proposals = all;
    other.configure(behind_nat, at_b);
    ASSERT_TRUE(other.initiate(other.a).result);
    EXPECT_EQ(other.a.installed.back().protocol, Protocol::esp);
    EXPECT_TRUE(other.a.installed.back().udp_encapsulation);
}

// RFC 7296 §3.11: an SPI is one of its protocol. The peer's ESP SA and AH SA may have the same.
TEST(HostileAh, ADeleteOfAnotherProtocolDeletesNothing) {
    Node victim{1};
    ScriptedPeer peer{victim};
    peer.step(Configure{config_of(connection(false)), nullptr});
    peer.establish();
    ASSERT_EQ(victim.engine.population().children, 1U);
    for (const Protocol protocol : {Protocol::ah, Protocol::esp}) {
        wire::MessageBuilder message;
        message.add(wire::DeletePayload{.protocol = protocol, .spi_size = 4, .spis = Bytes{1, 2, 3, 4}});
        EXPECT_EQ(peer.send(ExchangeType::informational, std::move(message)).size(), 1U);
        EXPECT_EQ(victim.engine.population().children, protocol == Protocol::ah ? 1U : 0U);
    }
    EXPECT_EQ(victim.engine.counters()[model::Counter::delete_unknown], 1U);
}

}  // namespace
}  // namespace cygnet::ike::test
