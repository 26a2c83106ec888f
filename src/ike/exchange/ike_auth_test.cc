#include "ike/exchange/ike_auth.h"

#include <gtest/gtest.h>

#include "ike/test_pair.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;

// RFC 7296 §1.2 [58]: AUTHENTICATION_FAILED and no SA.
TEST(IkeAuth, RefusesAPeerWithAnotherKeyAndSaysSoOnBothSides) {
    Pair pair;
    pair.step(pair.a, Configure{config_of(connection(true), "right"), nullptr});
    pair.step(pair.b, Configure{config_of(connection(false), "wrong"), nullptr});
    const CommandDone done = pair.initiate(pair.a);
    ASSERT_FALSE(done.result);
    EXPECT_NE(done.result.error().detail.find("AUTHENTICATION_FAILED"), std::string::npos);
    EXPECT_EQ(pair.b.engine.counters()[Counter::authentication_failed], 1u);
    EXPECT_NE(pair.b.log().find("differ"), std::string::npos);
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
}

TEST(IkeAuth, RefusesAnIdentityThatIsNotExpected) {
    Pair pair;
    model::Connection mars = connection(true);
    mars.local.front().id = model::Identity::parse("mars.example");
    pair.configure(mars, connection(false));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_NE(pair.b.log().find("mars.example"), std::string::npos);
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u);
}

// RFC 7296 §2.21.2 [69]: the IKE SA stays.
TEST(IkeAuth, KeepsTheIkeSaWhenTheChildIsRefused) {
    Pair pair;
    model::Connection other = connection(false);
    other.children.front().local_ts = {*model::ConfiguredSelector::parse("10.99.0.0/16")};
    pair.configure(connection(true), other);
    const CommandDone done = pair.initiate(pair.a);
    ASSERT_FALSE(done.result);
    EXPECT_NE(done.result.error().text().find("TS_UNACCEPTABLE"), std::string::npos);
    EXPECT_EQ(pair.a.only_sa(pair.now).state, model::IkeState::established);
    EXPECT_EQ(pair.b.only_sa(pair.now).state, model::IkeState::established);
    EXPECT_EQ(pair.a.engine.population().children + pair.b.engine.population().children, 0u);
}

TEST(IkeAuth, NarrowsSelectorsToWhatBothAllow) {
    Pair pair;
    model::Connection narrow = connection(false);
    narrow.children.front().local_ts = {*model::ConfiguredSelector::parse("10.2.3.0/24")};
    pair.configure(connection(true), narrow);
    EXPECT_TRUE(pair.initiate(pair.a).result);
    ASSERT_TRUE(pair.up());
    EXPECT_EQ(model::text_of(pair.a.only_sa(pair.now).children.front().remote), "10.2.3.0/24");
    EXPECT_TRUE(pair.children_agree());
}

// RFC 7296 §2.19 [90].
TEST(IkeAuth, AssignsAVirtualAddressFromThePool) {
    Pair pair;
    model::Connection roaming = connection(true), gateway = connection(false);
    roaming.vips = {model::IpAddress::any(model::Family::v4)};
    roaming.children.front().local_ts = {{.dynamic = true, .selector = {}}};
    gateway.children.front().remote_ts = {{.dynamic = true, .selector = {}}};
    gateway.pools = {"p"};
    auto config = config_of(gateway);
    config->pools["p"] = std::make_shared<const model::Pool>(
        model::Pool{.name = "p",
                    .addresses = *model::AddressRange::parse("10.3.0.0/28"),
                    .base_text = "10.3.0.0/28",
                    .attributes = {{model::CfgAttribute::internal_ip4_dns, {10, 2, 0, 53}}}});
    pair.step(pair.a, Configure{config_of(roaming), nullptr});
    pair.step(pair.b, Configure{config, nullptr});
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    ASSERT_TRUE(pair.up());
    ASSERT_EQ(pair.a.assigned.size(), 1u);
    EXPECT_EQ(pair.a.assigned.front().dns, std::vector{address("10.2.0.53")});
    const model::IpAddress virtual_ip = pair.a.assigned.front().address;
    EXPECT_TRUE(model::AddressRange::parse("10.3.0.0/28")->contains(virtual_ip));
    EXPECT_EQ(pair.a.only_sa(pair.now).children.front().local,
              model::TrafficSelectors{model::TrafficSelector::of(model::AddressRange::single(virtual_ip))});
    EXPECT_EQ(pair.b.engine.pools().front().online, 1u);
    pair.terminate(pair.a, {.ike = "gw"});
    EXPECT_EQ(pair.b.engine.pools().front().online, 0u);
    EXPECT_TRUE(pair.a.assigned.back().remove);
}

// RFC 7296 §3.15.4 [93]: INTERNAL_ADDRESS_FAILURE costs the child alone.
TEST(IkeAuth, FailsOnlyTheChildWhenThePoolIsEmpty) {
    Pair pair;
    model::Connection roaming = connection(true), gateway = connection(false);
    roaming.vips = {model::IpAddress::any(model::Family::v4)};
    gateway.pools = {"missing"};
    pair.configure(roaming, gateway);
    const CommandDone done = pair.initiate(pair.a);
    ASSERT_FALSE(done.result);
    EXPECT_NE(done.result.error().text().find("INTERNAL_ADDRESS_FAILURE"), std::string::npos);
    EXPECT_EQ(pair.a.only_sa(pair.now).state, model::IkeState::established);
}

TEST(IkeAuth, ForgetsOldSasOfAPeerThatLostItsState) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    EXPECT_TRUE(pair.initiate(pair.a).result);
    pair.meddler = [](Send&) { return false; };  // It forgets without a word that arrives.
    pair.terminate(pair.a, {.ike = "gw"}, true);
    pair.meddler = nullptr;
    EXPECT_TRUE(pair.initiate(pair.a).result);
    EXPECT_TRUE(pair.up());
    EXPECT_NE(pair.b.log().find("INITIAL_CONTACT"), std::string::npos);
}

// A second SA of the same peer, from this port, without INITIAL_CONTACT, while the first stands.
void bring_up_a_second_sa(Pair& pair, model::UniquePolicy at_b, std::uint16_t port) {
    model::Connection quiet = connection(true), strict = connection(false);
    quiet.unique = model::UniquePolicy::never;
    strict.unique = at_b;
    pair.configure(quiet, strict);
    EXPECT_TRUE(pair.initiate(pair.a).result);
    quiet.name = "again";
    pair.step(pair.a, Configure{config_of(quiet), nullptr});
    pair.step(pair.a, Initiate{.id = CommandId{77},
                               .connection = "again",
                               .child = "net",
                               .path = {{address("192.0.2.1"), port}, {address("192.0.2.2"), 500}}});
    pair.run();
}

TEST(IkeAuth, ReplacesOrKeepsASecondSaOfAnotherHostAsTheUniquePolicySays) {
    for (const auto policy : {model::UniquePolicy::replace, model::UniquePolicy::keep}) {
        Pair pair;
        bring_up_a_second_sa(pair, policy, 4711);
        const bool replaced = pair.b.only_sa(pair.now).id == model::IkeSaId{2};
        EXPECT_EQ(replaced, policy == model::UniquePolicy::replace);
    }
}

// RFC 7296 §2.8.3: the same host without INITIAL_CONTACT may be authenticating again: it has a moment for both.
TEST(IkeAuth, LetsTheSameHostOverlapBeforeTheUniquePolicyCounts) {
    for (const auto policy : {model::UniquePolicy::replace, model::UniquePolicy::keep}) {
        Pair pair;
        bring_up_a_second_sa(pair, policy, 500);
        EXPECT_EQ(pair.b.engine.population().ike_sas, 2u);
        pair.pass(model::limits::unique_overlap + seconds(1));
        EXPECT_EQ(pair.b.only_sa(pair.now).id, model::IkeSaId{2});
    }
}

// RFC 7296 §2.4 [23]: INITIAL_CONTACT counts in the first IKE_AUTH request; anywhere else it is ignored.
TEST(IkeAuth, IgnoresInitialContactElsewhere) {
    Node victim{7};
    ScriptedPeer first(victim), second(victim);
    first.step(Configure{config_of(connection(false)), nullptr});
    first.establish();
    second.spis.initiator = 99;
    second.establish();
    EXPECT_EQ(victim.engine.population().ike_sas, 2u);
    wire::MessageBuilder message;
    message.notify(model::NotifyType::initial_contact);
    second.send(model::ExchangeType::informational, std::move(message));
    EXPECT_EQ(victim.engine.population().ike_sas, 2u);
    ScriptedPeer third(victim);
    third.spis.initiator = 100;
    third.init();
    auto request = third.auth();
    request.notify(model::NotifyType::initial_contact);
    third.send(model::ExchangeType::ike_auth, std::move(request));
    EXPECT_EQ(victim.engine.population().ike_sas, 1u) << victim.log();
}

// RFC 7296 §2.4: nor does an unprotected or wrong one count: only who has proven the identity may say so.
TEST(IkeAuth, IgnoresInitialContactOfThoseWhoDoNotProveTheirIdentity) {
    Node victim{7};
    ScriptedPeer honest(victim), impostor(victim);
    honest.step(Configure{config_of(connection(false)), nullptr});
    honest.establish();
    impostor.spis.initiator = 99;
    impostor.init();
    auto request = impostor.auth({model::PayloadType::auth});
    request.add(wire::AuthPayload{.method = model::AuthMethod::shared_key, .data = Bytes(48, 1)});
    request.notify(model::NotifyType::initial_contact);
    impostor.send(model::ExchangeType::ike_auth, std::move(request));
    EXPECT_EQ(victim.engine.population().ike_sas, 1u);
    EXPECT_EQ(victim.engine.list(honest.now).front().spi_i, honest.spis.initiator);
}

// The initiator is the one to find out: it reports in an exchange of its own (RFC 7296 §2.21.2).
// RFC 7296 §1.2 [58]: the initiator verifies, too.
TEST(IkeAuth, TellsAResponderThatItDoesNotBelieve) {
    Pair pair;
    model::Connection picky = connection(true), impostor = connection(false);
    picky.remote.front().id = model::Identity::parse("*.example");
    impostor.local.front().id = model::Identity::parse("b.elsewhere");
    pair.configure(picky, impostor);
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
    EXPECT_NE(pair.b.log().find("the peer did not accept our side of IKE_AUTH"), std::string::npos) << pair.b.log();
    EXPECT_EQ(pair.a.engine.population().children + pair.b.engine.population().children, 0u);
}

TEST(IkeAuth, PicksTheConnectionByIdentityWhenAddressesLeaveTwo) {
    Pair pair;
    model::Connection stranger = connection(false), right = connection(false);
    stranger.name = "another";
    stranger.remote.front().id = model::Identity::parse("c.example");
    auto config = config_of(right);
    config->connections["another"] = std::make_shared<const model::Connection>(stranger);
    pair.step(pair.a, Configure{config_of(connection(true)), nullptr});
    pair.step(pair.b, Configure{config, nullptr});
    EXPECT_TRUE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.b.only_sa(pair.now).name, "gw");
}

}  // namespace
}  // namespace cygnet::ike::test
