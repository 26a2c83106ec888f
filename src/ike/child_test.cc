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
const OuterPath path{.local = ip("192.0.2.1"), .remote = ip("192.0.2.2")};

SelectorPair pair(std::initializer_list<const char*> local, std::initializer_list<const char*> remote) {
    SelectorPair made;
    for (const char* text : local) made.local.push_back(ts(text));
    for (const char* text : remote) made.remote.push_back(ts(text));
    return made;
}

// RFC 7296 §3.3.1 [37]: numbers begin at 1.
TEST(ChildNegotiation, OffersNoKeyExchangeInIkeAuthAndNumbersFromOne) {
    const auto child = child_config("aes256gcm16-x25519,aes256gcm16-ecp256,aes128gcm16", "dynamic", "dynamic");
    const auto first = offered_proposals(child, 0xc0000001, false, false);
    ASSERT_EQ(first.size(), 2U);  // The first two differ in their key exchange only.
    EXPECT_EQ(first[0].number, 1);
    EXPECT_EQ(first[1].number, 2);
    EXPECT_EQ(hex(first[0].spi), "c0000001");
    EXPECT_FALSE(first[0].has(model::TransformType::ke));
    EXPECT_EQ(offered_proposals(child, 1, true, false).size(), 3U);
}

TEST(ChildNegotiation, ReplacesDynamicByTheVirtualOrIkeAddress) {
    const auto child = child_config("aes256gcm16", "dynamic", "10.2.0.0/16");
    const SelectorPair offered = configured_selectors(child, addresses, path);
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
        offered_proposals(child_config("aes128gcm16,aes256gcm16", "dynamic", "dynamic"), 0xc0ffee01, false, false);
    const auto decision = decide_child(connection, offer_of(offered, "10.0.0.0/8", "10.2.3.0/24"), addresses, path);
    ASSERT_TRUE(decision) << decision.error().text();
    EXPECT_EQ(decision->child, &connection.children[1]);
    EXPECT_EQ(model::text_of(decision->terms.selectors.local), "10.1.0.0/16");
    EXPECT_EQ(model::text_of(decision->terms.selectors.remote), "10.2.3.0/24");
    EXPECT_EQ(decision->terms.spi_out, 0xc0ffee01U);
    EXPECT_EQ(decision->terms.proposal->number, 2);
}

TEST(ChildNegotiation, SaysWhatBothSidesWantWhenSelectorsDoNotMeet) {
    model::Connection connection{.name = "c"};
    connection.children = {child_config("aes256gcm16", "10.1.0.0/16", "10.2.0.0/16")};
    const auto offered = offered_proposals(connection.children[0], 0xc0ffee01, false, false);
    const auto decision = decide_child(connection, offer_of(offered, "10.7.0.0/16", "10.2.0.0/16"), addresses, path);
    ASSERT_FALSE(decision);
    EXPECT_EQ(decision.error().notify, static_cast<std::uint16_t>(model::NotifyType::ts_unacceptable));
    EXPECT_NE(decision.error().detail.find("10.7.0.0/16"), std::string::npos);
    EXPECT_NE(decision.error().detail.find("10.1.0.0/16"), std::string::npos);
}

// RFC 7296 §3.3.1 [45]: four octets, 256 and more.
TEST(ChildNegotiation, RefusesReservedAndMalformedSpis) {
    model::Connection connection{.name = "c"};
    connection.children = {child_config("aes256gcm16", "10.1.0.0/16", "10.2.0.0/16")};
    auto offered = offered_proposals(connection.children[0], 255, false, false);
    EXPECT_FALSE(decide_child(connection, offer_of(offered, "10.1.0.0/16", "10.2.0.0/16"), addresses, path));
    offered[0].spi = Bytes(8, 1);
    EXPECT_FALSE(decide_child(connection, offer_of(offered, "10.1.0.0/16", "10.2.0.0/16"), addresses, path));
}

// What a responder answers to `offered`, with an SPI of its own.
std::vector<model::Proposal> answer_to(const std::vector<model::Proposal>& offered) {
    std::vector<model::Proposal> answer{offered.front()};
    answer[0].spi = {0xc0, 0, 0, 2};
    const std::vector<model::Transform> esn = answer[0].of_type(model::TransformType::sn);
    if (esn.size() > 1) std::erase(answer[0].transforms, esn.back());
    return answer;
}

class Answer : public testing::Test {
protected:
    Result<ChildTerms> check(const SelectorPair& answered, ChildNotices asked = {}, ChildNotices said = {},
                             const OuterPath& outer = path) {
        return check_child_answer({.proposals = offered, .selectors = own, .notices = asked},
                                  {.proposals = answer, .selectors = answered, .notices = said}, outer);
    }

    model::ChildConfig child = child_config("aes256gcm16", "10.1.0.0/16", "10.2.0.0/16");
    std::vector<model::Proposal> offered = offered_proposals(child, 0xc0000001, false, false);
    std::vector<model::Proposal> answer = answer_to(offered);
    SelectorPair own = configured_selectors(child, addresses, path);
};

// RFC 7296 §2.9 [81]: the responder narrows, it never widens.
TEST_F(Answer, WithSelectorsOutsideTheOfferEndsTheSa) {
    EXPECT_TRUE(check(own));
    EXPECT_TRUE(check(pair({"10.1.3.0/24[tcp/80]", "10.1.4.0/24"}, {"10.2.0.0/16[tcp]"})));
    for (const SelectorPair& wrong : {pair({"10.0.0.0/8"}, {"10.2.0.0/16"}), pair({"10.1.0.0/16"}, {"10.2.0.0/16", "10.3.0.0/16"}),
                                      pair({}, {"10.2.0.0/16"}), pair({"10.1.0.0/16"}, {"2001:db8::/32"})}) {
        const auto refused = check(wrong);
        ASSERT_FALSE(refused) << text_of(wrong);
        EXPECT_EQ(refused.error().reaction, Reaction::end_sa);
    }
    answer.push_back(answer.front());
    EXPECT_FALSE(check(own)) << "two proposals are no choice";
}

// RFC 7296 §2.22, §1.3.1 [84, 88]: at most what was offered may be chosen, and transport mode is the initiator's wish.
TEST_F(Answer, WithWhatWeDidNotAskForIsAChildThatWeDoNotTake) {
    const IpcompSupport deflate{.cpi = 0x1234, .transform = model::IpcompTransform::deflate};
    for (const ChildNotices& said :
         {ChildNotices{.ipcomp = {deflate}}, ChildNotices{.ipcomp = {deflate, deflate}}, ChildNotices{.transport_mode = true}}) {
        const auto refused = check(own, {}, said);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reaction, Reaction::ignore) << "the IKE SA stays";
    }
    EXPECT_FALSE(check(own, {}, {.non_first_fragments = true})->non_first_fragments);
    EXPECT_TRUE(check(own, {.non_first_fragments = true}, {.non_first_fragments = true})->non_first_fragments);
    EXPECT_FALSE(check(own, {.non_first_fragments = true}, {})->non_first_fragments);
}

// BEET mode is offered to who knows it, between one address at each end, and nothing else is taken for it.
TEST_F(Answer, InBeetModeIsAskedFor) {
    child.mode = model::ChildMode::beet;
    EXPECT_FALSE(check_offer(child, own, true)) << "networks";
    own = pair({"10.1.0.1/32", "10.1.0.1/32[tcp/80]"}, {"10.2.0.1/32"});
    EXPECT_TRUE(check_offer(child, own, true));
    EXPECT_FALSE(check_offer(child, own, false)) << "the peer does not know it";
    EXPECT_FALSE(check_offer(child, pair({"10.1.0.1/32", "10.1.0.2/32"}, {"10.2.0.1/32"}), true));
    EXPECT_FALSE(check_offer(child, pair({"10.1.0.1/32"}, {"2001:db8::1/128"}), true)) << "two families";
    const ChildNotices beet = offered_notices(child, own, true);
    EXPECT_TRUE(beet.beet_mode && !beet.transport_mode && beet.no_tfc_padding);
    EXPECT_EQ(check(own, beet, {.beet_mode = true})->mode, model::ChildMode::beet);
    EXPECT_FALSE(check(own, {}, {.beet_mode = true})) << "not asked for";
    const auto tunnel = check(own, beet, {});
    ASSERT_TRUE(tunnel);
    EXPECT_FALSE(check_wanted(child, *tunnel, nullptr)) << "declined";
    ChildTerms present{.selectors = own, .mode = model::ChildMode::beet};
    const auto rekey = [&](ChildNotices notices) {
        return decide_rekey(child, {.proposals = offered, .selectors = own, .notices = std::move(notices)}, present, path);
    };
    EXPECT_FALSE(rekey({})) << "a rekey keeps the mode";
    EXPECT_EQ(rekey({.beet_mode = true})->mode, model::ChildMode::beet);
}

// RFC 7296 §3.10.1: numbers of private use mean nothing to those who have not said that they know them.
TEST(ChildNoticesOfPrivateUse, CountWhenTheVendorIdSaysSo) {
    wire::Message message;
    message.payloads.push_back(wire::NotifyPayload{.message_type = model::NotifyType::use_beet_mode, .spi = {}, .data = {}});
    EXPECT_FALSE(child_notices(message, false).beet_mode);
    EXPECT_TRUE(child_notices(message, true).beet_mode);
}

// RFC 7296 §1.3.1 [86]: ESP_TFC_PADDING_NOT_SUPPORTED is honoured.
TEST_F(Answer, DecidesAboutTrafficFlowPadding) {
    child.tfc_padding = 500;
    const ChildFrame frame{.spi_in = 0xc0000001};
    EXPECT_EQ(child_spec(frame, *check(own), {}, child).tfc_padding, 500U);
    EXPECT_EQ(child_spec(frame, *check(own, {}, {.no_tfc_padding = true}), {}, child).tfc_padding, 0U);
}

// RFC 7296 §1.3.1 [84]: an initiator that does not want a tunnel deletes the SA.
TEST_F(Answer, ThatDeclinesTransportModeIsNotWanted) {
    child.mode = model::ChildMode::transport;
    child.local_ts = child.remote_ts = {selector("dynamic")};
    own = configured_selectors(child, addresses, path);
    const auto tunnel = check(own, {.transport_mode = true}, {});
    ASSERT_TRUE(tunnel);
    EXPECT_FALSE(check_wanted(child, *tunnel, nullptr));
    const auto transport = check(own, {.transport_mode = true}, {.transport_mode = true});
    ASSERT_TRUE(transport);
    EXPECT_EQ(transport->mode, model::ChildMode::transport);
    EXPECT_TRUE(check_wanted(child, *transport, nullptr));
    EXPECT_FALSE(transport->original);
}

// RFC 7296 §2.9.2 [82]: a rekeyed SA is never narrower than the one in use.
TEST_F(Answer, ThatNarrowsARekeyIsNotWanted) {
    const ChildTerms present = *check(own);
    EXPECT_TRUE(check_wanted(child, *check(own), &present));
    EXPECT_FALSE(check_wanted(child, *check(pair({"10.1.1.0/24"}, {"10.2.0.0/16"})), &present));
}

// RFC 7296 §2.17 [80]: initiator to responder first.
TEST(ChildNegotiation, GivesTheExchangeInitiatorTheFirstKeys) {
    const auto child = child_config("aes256gcm16", "10.1.0.0/16", "10.2.0.0/16");
    ChildTerms terms{.spi_out = 0xc0000002};
    terms.proposal = model::ChosenProposal{.encr = model::Encr::aes_gcm_16, .key_bits = 256};
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

// ---- the responder's choice ------------------------------------------------------------------------

class Decision : public testing::Test {
protected:
    model::ChildConfig& add(const char* name, const char* local, const char* remote) {
        model::ChildConfig child = child_config("aes256gcm16", local, remote);
        child.name = name;
        connection.children.push_back(std::move(child));
        return connection.children.back();
    }
    Result<ChildDecision> decide(const SelectorPair& wanted, ChildNotices notices = {}, const OuterPath& outer = path) {
        return decide_child(connection, {.proposals = offered, .selectors = wanted, .notices = notices}, addresses, outer);
    }
    static model::NotifyType answer_of(const Result<ChildDecision>& refused) {
        return refused ? model::NotifyType::none : static_cast<model::NotifyType>(refused.error().notify);
    }
    void SetUp() override { connection.children.reserve(4); }

    model::Connection connection{.name = "c"};
    std::vector<model::Proposal> offered =
        offered_proposals(child_config("aes256gcm16", "dynamic", "dynamic"), 0xc0ffee01, false, false);
};

// RFC 7296 §2.9 [81]: where policy can accept the first selector, the answer holds it.
TEST_F(Decision, GoesToThePolicyThatTakesTheFirstChoice) {
    add("mail", "10.1.0.0/16[tcp/25]", "10.2.0.0/16");
    add("web", "10.1.0.0/16[tcp/80-443]", "10.2.0.0/16");
    const auto decided = decide(pair({"10.1.0.5[tcp/443]", "10.1.0.0/16"}, {"10.2.0.9[tcp/49152]", "10.2.0.0/16"}));
    ASSERT_TRUE(decided) << decided.error().text();
    EXPECT_EQ(decided->child->name, "web");
    EXPECT_EQ(model::text_of(decided->terms.selectors.local), "10.1.0.0/16[tcp/80-443]");
    EXPECT_EQ(model::text_of(decided->terms.selectors.remote), "10.2.0.0/16");
    EXPECT_EQ(decide(pair({"10.1.0.0/16"}, {"10.2.0.0/16"}))->child->name, "mail") << "else the first that fits";
}

TEST_F(Decision, PrefersTheSameSelectors) {
    add("wide", "10.0.0.0/8", "10.0.0.0/8");
    add("net", "10.1.0.0/16", "10.2.0.0/16");
    EXPECT_EQ(decide(pair({"10.1.0.0/16"}, {"10.2.0.0/16"}))->child->name, "net");
    EXPECT_EQ(decide(pair({"10.1.0.0/24"}, {"10.2.0.0/16"}))->child->name, "wide");
}

// RFC 7296 §3.13.1 [83]: type and code of ICMP are in the place of ports.
TEST_F(Decision, KeepsAddressRangesProtocolsPortsAndIcmp) {
    add("many", "10.1.0.1-10.1.0.9[udp/1000-2000]", "10.2.0.0/16[udp]").local_ts.push_back(selector("10.1.0.0/16[icmp/8]"));
    connection.children[0].remote_ts.push_back(selector("10.2.0.0/16[icmp/8]"));
    const auto decided =
        decide(pair({"10.1.0.0/16[udp/1500-3000]", "10.1.0.0/16[icmp]"}, {"10.2.0.0/24[17]", "10.2.0.0/24[icmp/8]"}));
    ASSERT_TRUE(decided) << decided.error().text();
    EXPECT_EQ(model::text_of(decided->terms.selectors.local), "10.1.0.1..10.1.0.9[udp/1500-2000] 10.1.0.0/16[icmp/8]");
    EXPECT_EQ(model::text_of(decided->terms.selectors.remote), "10.2.0.0/24[udp] 10.2.0.0/24[icmp/8]");
}

// RFC 7296 §3.13.1 [83]: OPAQUE is the only range that may end before it begins.
TEST_F(Decision, RefusesSelectorsThatEndBeforeTheyBegin) {
    add("net", "10.1.0.0/16", "10.2.0.0/16");
    SelectorPair ports = pair({"10.1.0.0/16[tcp/80]"}, {"10.2.0.0/16"});
    ports.local[0].first_port = 81;
    SelectorPair range = pair({"10.1.0.0/16"}, {"10.2.0.0/16"});
    std::swap(range.remote[0].addresses.first, range.remote[0].addresses.last);
    for (const SelectorPair& wrong : {ports, range, pair({}, {"10.2.0.0/16"}), pair({"10.1.0.0/16"}, {})})
        EXPECT_EQ(answer_of(decide(wrong)), model::NotifyType::ts_unacceptable);
    EXPECT_TRUE(decide(pair({"10.1.0.0/16[tcp/opaque]"}, {"10.2.0.0/16"}))) << "OPAQUE is no range";
}

// RFC 7296 §2.9 [81]: SINGLE_PAIR_REQUIRED, and ADDITIONAL_TS_POSSIBLE where other pairs would do as well.
TEST_F(Decision, TakesOnePairOfAddressesWherePolicySaysSo) {
    add("net", "10.1.0.0/16", "10.2.0.0/16").single_pair = true;
    EXPECT_EQ(answer_of(decide(pair({"10.1.0.0/16"}, {"10.2.0.0/16"}))), model::NotifyType::single_pair_required);
    const auto wide = decide(pair({"10.1.0.5[tcp/80]", "10.1.0.0/16"}, {"10.2.0.9[tcp/9]", "10.2.0.0/16"}));
    ASSERT_TRUE(wide) << wide.error().text();
    EXPECT_EQ(text_of(wide->terms.selectors), "10.1.0.5/32[tcp/80] === 10.2.0.9/32[tcp/9]");
    EXPECT_TRUE(answered_notices(wide->terms, true).more_possible);
    const auto exact = decide(pair({"10.1.0.5"}, {"10.2.0.9"}));
    ASSERT_TRUE(exact);
    EXPECT_FALSE(answered_notices(exact->terms, true).more_possible);
}

// RFC 7296 §1.3.1 [84]: transport mode is echoed only if it is accepted.
TEST_F(Decision, TakesTransportModeOnlyWhereBothSidesWantIt) {
    add("host", "dynamic", "dynamic").mode = model::ChildMode::transport;
    const SelectorPair hosts = pair({"192.0.2.1"}, {"192.0.2.2"});
    const auto asked = decide(hosts, {.transport_mode = true});
    ASSERT_TRUE(asked) << asked.error().text();
    EXPECT_TRUE(answered_notices(asked->terms, true).transport_mode);
    EXPECT_TRUE(answered_notices(asked->terms, true).no_tfc_padding);
    EXPECT_FALSE(decide(hosts)) << "no tunnel is configured";
    EXPECT_FALSE(decide(pair({"192.0.2.1"}, {"192.0.2.2", "192.0.2.3"}), {.transport_mode = true}));
    EXPECT_FALSE(decide(pair({"192.0.2.1"}, {"10.0.0.2"}), {.transport_mode = true})) << "not the end of the path";
    add("tunnel", "192.0.2.1", "192.0.2.0/24");
    const auto tunnel = decide(pair({"192.0.2.1"}, {"192.0.2.3"}), {.transport_mode = true});
    ASSERT_TRUE(tunnel);
    EXPECT_EQ(tunnel->child->name, "tunnel");
    EXPECT_FALSE(answered_notices(tunnel->terms, true).transport_mode) << "declined";
}

// RFC 7296 §2.23.1 [85]: behind a NAT the addresses of the selectors are replaced by those of the IKE packets; the
// original ones mend checksums.
TEST_F(Decision, SubstitutesAddressesOfTransportModeBehindNat) {
    add("host", "dynamic[tcp/80]", "dynamic").mode = model::ChildMode::transport;
    const OuterPath nat{.local = path.local, .remote = path.remote, .nat_local = true, .nat_remote = true};
    const auto decided = decide(pair({"198.51.100.7"}, {"10.0.0.2[tcp/4000-5000]"}), {.transport_mode = true}, nat);
    ASSERT_TRUE(decided) << decided.error().text();
    EXPECT_EQ(text_of(decided->terms.selectors), "192.0.2.1/32[tcp/80] === 192.0.2.2/32[tcp/4000-5000]");
    ASSERT_TRUE(decided->terms.original);
    EXPECT_EQ(decided->terms.original->local.text(), "198.51.100.7");
    EXPECT_EQ(decided->terms.original->remote.text(), "10.0.0.2");
    EXPECT_FALSE(decide(pair({"198.51.100.7"}, {"10.0.0.2", "10.0.0.3"}), {.transport_mode = true}, nat))
        << "exactly one address";
    EXPECT_FALSE(decide(pair({"198.51.100.7"}, {"10.0.0.0/24"}), {.transport_mode = true}, nat));
}

TEST_F(Decision, NeverMakesAChildOfAShunt) {
    add("open", "10.1.0.0/16", "10.2.0.0/16").mode = model::ChildMode::pass;
    EXPECT_EQ(answer_of(decide(pair({"10.1.0.0/16"}, {"10.2.0.0/16"}))), model::NotifyType::ts_unacceptable);
}

// RFC 7296 §1.3.1 [87]: only where both sides want it.
TEST_F(Decision, AgreesOnNonFirstFragmentsWhereConfigured) {
    add("net", "10.1.0.0/16[udp/53]", "10.2.0.0/16");
    const SelectorPair wanted = pair({"10.1.0.0/16[udp/53]"}, {"10.2.0.0/16"});
    EXPECT_FALSE(decide(wanted, {.non_first_fragments = true})->terms.non_first_fragments);
    connection.children[0].non_first_fragments = true;
    EXPECT_TRUE(decide(wanted, {.non_first_fragments = true})->terms.non_first_fragments);
    EXPECT_FALSE(decide(wanted)->terms.non_first_fragments);
    EXPECT_TRUE(offered_notices(connection.children[0], wanted, true).non_first_fragments);
    EXPECT_FALSE(offered_notices(connection.children[0], pair({"10.1.0.0/16"}, {"10.2.0.0/16"}), true).non_first_fragments);
}

// RFC 7296 §2.9.2 [82]: not narrower, whatever is offered.
TEST_F(Decision, OfARekeyKeepsTheSelectors) {
    const model::ChildConfig& net = add("net", "10.0.0.0/8", "10.0.0.0/8");
    const ChildTerms present{.selectors = pair({"10.1.0.0/16"}, {"10.2.0.0/16"})};
    const auto rekey = [&](const SelectorPair& wanted) {
        return decide_rekey(net, {.proposals = offered, .selectors = wanted}, present, path);
    };
    EXPECT_EQ(text_of(rekey(pair({"10.0.0.0/8"}, {"10.2.0.0/16", "10.4.0.0/16"}))->selectors), text_of(present.selectors));
    EXPECT_TRUE(rekey(present.selectors));
    EXPECT_FALSE(rekey(pair({"10.1.0.0/24"}, {"10.2.0.0/16"}))) << "narrower than the SA in use";
    EXPECT_FALSE(rekey(pair({}, {"10.2.0.0/16"})));
}

TEST(OfferedSelectors, BeginWithThePacketThatWantsTheChild) {
    const SelectorPair configured = pair({"10.1.0.0/16"}, {"10.2.0.0/16"});
    const model::PacketEnds packet{.local = ts("10.1.0.5[tcp/4000]"), .remote = ts("10.2.0.9[tcp/80]")};
    EXPECT_EQ(text_of(offered_selectors(configured, packet, false)),
              "10.1.0.5/32[tcp/4000] 10.1.0.0/16 === 10.2.0.9/32[tcp/80] 10.2.0.0/16");
    EXPECT_EQ(text_of(offered_selectors(configured, packet, true)), "10.1.0.5/32[tcp/4000] === 10.2.0.9/32[tcp/80]");
    EXPECT_EQ(offered_selectors(configured, {}, true), configured);
}

}  // namespace
}  // namespace cygnet::ike
