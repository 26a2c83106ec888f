#include "ike/child.h"

#include <gtest/gtest.h>

#include "base/reader.h"

namespace cygnet::ike {
namespace {

model::IpAddress ip(std::string_view text) { return *model::IpAddress::parse(text); }
model::ConfiguredSelector selector(std::string_view text) { return *model::ConfiguredSelector::parse(text); }
model::TrafficSelector ts(std::string_view text) { return selector(text).selector; }

model::ChildConfig child_config(std::string_view proposals, std::string_view local, std::string_view remote) {
    model::ChildConfig child{.name = "net"};
    child.esp_proposals = model::parse_proposals(model::Protocol::esp, proposals).value();
    child.local_ts = {selector(local)};
    child.remote_ts = {selector(remote)};
    return child;
}

const ChildAddresses addresses{.local = {ip("192.0.2.1")}, .remote = {ip("192.0.2.2")}};

TEST(ChildNegotiation, OffersNoKeyExchangeInIkeAuthAndNumbersFromOne) {
    const auto child = child_config("aes256gcm16-x25519,aes256gcm16-ecp256,aes128gcm16", "dynamic", "dynamic");
    const auto first = offered_proposals(child, 0xc0000001, false);
    ASSERT_EQ(first.size(), 2U);  // The first two differ in their key exchange only.
    EXPECT_EQ(first[0].number, 1);
    EXPECT_EQ(first[1].number, 2);
    EXPECT_EQ(hex(first[0].spi), "c0000001");
    EXPECT_FALSE(first[0].has(model::TransformType::ke));
    EXPECT_EQ(offered_proposals(child, 1, true).size(), 3U);
}

TEST(ChildNegotiation, ReplacesDynamicByTheVirtualOrIkeAddress) {
    const auto child = child_config("aes256gcm16", "dynamic", "10.2.0.0/16");
    const SelectorPair offered = offered_selectors(child, addresses);
    EXPECT_EQ(model::text_of(offered.local), "192.0.2.1/32");
    EXPECT_EQ(model::text_of(offered.remote), "10.2.0.0/16");
}

ChildOffer offer_of(std::span<const model::Proposal> proposals, std::string_view local, std::string_view remote) {
    return {.proposals = proposals, .selectors = {.local = {ts(local)}, .remote = {ts(remote)}}};
}

TEST(ChildNegotiation, NarrowsToWhatBothSidesAllow) {
    model::Connection connection{.name = "c"};
    connection.children = {child_config("aes256gcm16", "10.9.0.0/16", "10.8.0.0/16"),
                           child_config("aes256gcm16", "10.1.0.0/16", "10.2.0.0/16")};
    const auto offered =
        offered_proposals(child_config("aes128gcm16,aes256gcm16", "dynamic", "dynamic"), 0xc0ffee01, false);
    const auto decision = decide_child(connection, offer_of(offered, "10.0.0.0/8", "10.2.3.0/24"), addresses);
    ASSERT_TRUE(decision) << decision.error().text();
    EXPECT_EQ(decision->child, &connection.children[1]);
    EXPECT_EQ(model::text_of(decision->terms.selectors.local), "10.1.0.0/16");
    EXPECT_EQ(model::text_of(decision->terms.selectors.remote), "10.2.3.0/24");
    EXPECT_EQ(decision->terms.spi_out, 0xc0ffee01U);
    EXPECT_EQ(decision->terms.proposal.number, 2);
}

TEST(ChildNegotiation, SaysWhatBothSidesWantWhenSelectorsDoNotMeet) {
    model::Connection connection{.name = "c"};
    connection.children = {child_config("aes256gcm16", "10.1.0.0/16", "10.2.0.0/16")};
    const auto offered = offered_proposals(connection.children[0], 0xc0ffee01, false);
    const auto decision = decide_child(connection, offer_of(offered, "10.7.0.0/16", "10.2.0.0/16"), addresses);
    ASSERT_FALSE(decision);
    EXPECT_EQ(decision.error().notify, static_cast<std::uint16_t>(model::NotifyType::ts_unacceptable));
    EXPECT_NE(decision.error().detail.find("10.7.0.0/16"), std::string::npos);
    EXPECT_NE(decision.error().detail.find("10.1.0.0/16"), std::string::npos);
}

TEST(ChildNegotiation, RefusesReservedAndMalformedSpis) {
    model::Connection connection{.name = "c"};
    connection.children = {child_config("aes256gcm16", "10.1.0.0/16", "10.2.0.0/16")};
    auto offered = offered_proposals(connection.children[0], 255, false);
    EXPECT_FALSE(decide_child(connection, offer_of(offered, "10.1.0.0/16", "10.2.0.0/16"), addresses));
    offered[0].spi = Bytes(8, 1);
    EXPECT_FALSE(decide_child(connection, offer_of(offered, "10.1.0.0/16", "10.2.0.0/16"), addresses));
}

TEST(ChildNegotiation, InitiatorRefusesSelectorsOutsideItsOffer) {
    const auto child = child_config("aes256gcm16", "10.1.0.0/16", "10.2.0.0/16");
    const auto offered = offered_proposals(child, 0xc0000001, false);
    const SelectorPair own = offered_selectors(child, addresses);
    auto answer = offered;
    answer[0].spi = {0xc0, 0, 0, 2};
    const std::vector<model::Transform> esn = answer[0].of_type(model::TransformType::sn);
    if (esn.size() > 1) std::erase(answer[0].transforms, esn.back());
    EXPECT_TRUE(check_child_answer(offered, own, answer, own, false));
    const SelectorPair wider{.local = {ts("10.0.0.0/8")}, .remote = {ts("10.2.0.0/16")}};
    EXPECT_FALSE(check_child_answer(offered, own, answer, wider, false));
    EXPECT_FALSE(check_child_answer(offered, own, {}, own, false));
}

TEST(ChildNegotiation, GivesTheExchangeInitiatorTheFirstKeys) {
    const auto child = child_config("aes256gcm16", "10.1.0.0/16", "10.2.0.0/16");
    ChildTerms terms{.spi_out = 0xc0000002};
    terms.proposal.encr = model::Encr::aes_gcm_16;
    terms.proposal.key_bits = 256;
    const auto make = [&](bool initiator) {
        ChildKeys keys;
        keys.initiator_to_responder.encr = SecretBytes::copy_of(Bytes(36, 1));
        keys.responder_to_initiator.encr = SecretBytes::copy_of(Bytes(36, 2));
        return child_spec({.spi_in = 0xc0000001, .exchange_initiator = initiator}, terms, std::move(keys), child);
    };
    EXPECT_TRUE(make(true).out.encr.equals(Bytes(36, 1)));
    EXPECT_TRUE(make(true).in.encr.equals(Bytes(36, 2)));
    EXPECT_TRUE(make(false).in.encr.equals(Bytes(36, 1)));
    EXPECT_TRUE(make(false).out.encr.equals(Bytes(36, 2)));
}

}  // namespace
}  // namespace cygnet::ike
