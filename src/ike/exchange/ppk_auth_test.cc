// RFC 8784: postquantum preshared keys in IKE_AUTH.
#include <gtest/gtest.h>

#include "ike/test_certificates.h"
#include "ike/test_peer.h"
#include "ike/test_ppk.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;
using model::PpkExchange;

constexpr PpkWords by_auth{.exchange = PpkExchange::auth}, demanded{.required = true, .exchange = PpkExchange::auth};

// RFC 8784 §3 [163], [165]: USE_PPK both ways, PPK_IDENTITY both ways.
TEST(PpkAuth, GoesIntoTheKeysOfBothSides) {
    PpkPair pair;
    pair.load(pair.a, with_ppk(true, by_auth), {{"k1", ppk_one}});
    pair.load(pair.b, with_ppk(false, by_auth), {{"k1", ppk_one}});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    ASSERT_TRUE(pair.up());
    EXPECT_EQ(pair.id_at(pair.a), "k1");
    EXPECT_EQ(pair.id_at(pair.b), "k1");
    EXPECT_TRUE(pair.children_agree());
    for (const Node* node : {&pair.a, &pair.b}) {
        EXPECT_EQ(pair.count(*node, Counter::ppk_used), 1u);
        EXPECT_EQ(times_sent(*node, NotifyType::use_ppk), 1U);
        EXPECT_EQ(times_sent(*node, NotifyType::ppk_identity), 1U);
        EXPECT_TRUE(contains(node->log(), "uses PPK 'k1' (RFC 8784)"));
        EXPECT_FALSE(contains(node->log(), ppk_one));
    }
    EXPECT_GE(times_sent(pair.a, NotifyType::no_ppk_auth), 1U);
}

TEST(PpkAuth, ADifferentKeyUnderTheSameIdFails) {
    PpkPair pair;
    pair.load(pair.a, with_ppk(true, by_auth), {{"k1", ppk_one}});
    pair.load(pair.b, with_ppk(false, by_auth), {{"k1", ppk_two}});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.count(pair.b, Counter::authentication_failed), 1u) << pair.logs();
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u);
}

// RFC 8784 §3 [166]: an unknown PPK, by NO_PPK_AUTH where neither side demands one. [167]: without PPK_IDENTITY in the reply.
TEST(PpkAuth, AnUnknownIdIsForgottenWhereNobodyDemandsIt) {
    PpkPair pair;
    pair.load(pair.a, with_ppk(true, by_auth), {{"k1", ppk_one}});
    pair.load(pair.b, with_ppk(false, {.id = "k2", .exchange = PpkExchange::auth}), {{"k2", ppk_one}});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    EXPECT_TRUE(pair.up());
    EXPECT_TRUE(pair.children_agree());
    EXPECT_EQ(pair.id_at(pair.a) + pair.id_at(pair.b), "");
    EXPECT_EQ(pair.count(pair.a, Counter::ppk_skipped), 1u);
    EXPECT_EQ(pair.count(pair.b, Counter::ppk_skipped), 1u);
    EXPECT_EQ(pair.count(pair.b, Counter::ppk_unknown), 1u);
}

// RFC 8784 §3 [166]: a PPK that is demanded by either side.
TEST(PpkAuth, AnUnknownIdFailsWhereEitherSideDemandsIt) {
    for (const bool initiator_demands : {true, false}) {
        PpkPair pair;
        pair.load(pair.a, with_ppk(true, initiator_demands ? demanded : by_auth), {{"k1", ppk_one}});
        pair.load(pair.b, with_ppk(false, {.id = "k2", .required = !initiator_demands, .exchange = PpkExchange::auth}), {{"k2", ppk_one}});
        const CommandDone done = pair.initiate(pair.a);
        ASSERT_FALSE(done.result);
        EXPECT_EQ(times_sent(pair.a, NotifyType::no_ppk_auth), initiator_demands ? 0U : 1U);
        EXPECT_GE(times_sent(pair.b, NotifyType::authentication_failed), 1U) << pair.logs();
        EXPECT_EQ(pair.count(pair.b, Counter::ppk_refused), 1u);
        EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
    }
}

TEST(PpkAuth, APeerWithoutPpkIsTakenWhereNobodyDemandsOne) {
    for (const bool at_a : {true, false}) {
        PpkPair pair;
        Node& with = at_a ? pair.a : pair.b;
        Node& without = at_a ? pair.b : pair.a;
        pair.load(with, with_ppk(at_a), {{"k1", ppk_one}});
        pair.load(without, connection(!at_a), {});
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
        EXPECT_TRUE(pair.up());
        EXPECT_EQ(pair.id_at(with), "");
        EXPECT_EQ(pair.count(with, Counter::ppk_skipped), 1u);
    }
}

// RFC 8784 §3 [163], §6: the initiator stops, after it has waited for a better answer.
TEST(PpkAuth, AnInitiatorThatDemandsItBelievesNoAnswerWithoutIt) {
    PpkPair pair;
    pair.load(pair.a, with_ppk(true, {.required = true}), {{"k1", ppk_one}});
    pair.load(pair.b, connection(false), {});
    pair.initiate(pair.a);
    EXPECT_EQ(pair.a.engine.population().ike_sas, 1u) << "it still repeats its request";
    EXPECT_EQ(pair.count(pair.a, Counter::ppk_refused), 1u);
    pair.pass(minutes(5));
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0u);
    ASSERT_FALSE(pair.a.done.empty());
    EXPECT_TRUE(contains(pair.a.done.back().result.error().text(), "ppk_required")) << pair.a.done.back().result.error().text();
}

TEST(PpkAuth, ALaterHonestAnswerIsTakenAfterAForgedOne) {
    PpkPair pair;
    pair.load(pair.a, with_ppk(true, {.required = true}), {{"k1", ppk_one}});
    pair.load(pair.b, with_ppk(false), {{"k1", ppk_one}});
    bool forged = false;
    // Somebody was faster than the responder: its answer without any notification.
    pair.meddler = [&](Send& send) {
        if (forged || send.path.local.address != address("192.0.2.2")) return true;
        forged = true;
        const auto message = *wire::parse_message(send.datagram);
        wire::MessageBuilder stripped;
        stripped.add(wire::SaPayload{message.find<wire::SaPayload>()->proposals});
        stripped.add(*message.find<wire::KePayload>()).add(*message.find<wire::NoncePayload>());
        send.datagram = stripped.finish(message.header);
        return true;
    };
    pair.initiate(pair.a);
    pair.pass(seconds(10));
    EXPECT_TRUE(pair.up()) << pair.logs();
    EXPECT_EQ(pair.id_at(pair.a), "k1");
}

// RFC 8784 §3, Table 1: no USE_PPK, and it is mandatory.
TEST(PpkAuth, AResponderThatDemandsItRefusesAPeerWithoutIt) {
    PpkPair pair;
    pair.load(pair.a, connection(true), {});
    pair.load(pair.b, with_ppk(false, {.required = true}), {{"k1", ppk_one}});
    ASSERT_FALSE(pair.initiate(pair.a).result);
    EXPECT_GE(times_sent(pair.b, NotifyType::no_proposal_chosen), 1U);
    EXPECT_EQ(pair.count(pair.b, Counter::ppk_refused), 1u);
    EXPECT_TRUE(contains(pair.b.log(), "ppk_required"));
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u);
}

TEST(PpkAuth, WhoDemandsItIsKnownByTheIdentityAtTheLatest) {
    PpkPair pair;
    pair.load(pair.a, connection(true), {});
    auto config = config_of(with_ppk(false, {.required = true}));
    model::Connection lenient = connection(false);
    lenient.name = "lenient";
    lenient.remote.front().id = model::Identity::parse("c.example");
    config->connections["lenient"] = std::make_shared<const model::Connection>(lenient);
    add_ppks(*config, {{"k1", ppk_one}});
    pair.step(pair.b, Configure{config, nullptr});
    ASSERT_FALSE(pair.initiate(pair.a).result);
    EXPECT_GE(times_sent(pair.b, NotifyType::authentication_failed), 1U) << pair.logs();
}

// Whoever takes USE_PPK out of a request, or puts it in, is found out by AUTH.
TEST(PpkAuth, StrippingTheOfferIsNoWayToADowngrade) {
    PpkPair pair;
    pair.load(pair.a, with_ppk(true), {{"k1", ppk_one}});
    pair.load(pair.b, with_ppk(false), {{"k1", ppk_one}});
    pair.meddler = [&](Send& send) {
        if (send.path.local.address != address("192.0.2.1") || send.datagram[18] != 34) return true;
        const auto message = *wire::parse_message(send.datagram);
        wire::MessageBuilder stripped;
        stripped.add(wire::SaPayload{message.find<wire::SaPayload>()->proposals});
        stripped.add(*message.find<wire::KePayload>()).add(*message.find<wire::NoncePayload>());
        stripped.notify(NotifyType::intermediate_exchange_supported);
        send.datagram = stripped.finish(message.header);
        return true;
    };
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_FALSE(pair.up());
}

// RFC 8784 §3 [164]: nor in a rekey; what comes of it still depends on the PPK.
TEST(PpkAuth, IsNotMixedInAgainByARekey) {
    PpkPair pair;
    pair.load(pair.a, with_ppk(true, by_auth), {{"k1", ppk_one}});
    pair.load(pair.b, with_ppk(false, by_auth), {{"k1", ppk_one}});
    ASSERT_TRUE(pair.initiate(pair.a).result);
    ASSERT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result) << pair.logs();
    ASSERT_TRUE(pair.rekey(pair.b, {.child = "net"}).result);
    pair.pass(seconds(10));
    EXPECT_TRUE(pair.up());
    EXPECT_TRUE(pair.children_agree());
    EXPECT_EQ(pair.id_at(pair.a), "k1");
    EXPECT_EQ(pair.count(pair.a, Counter::ppk_used), 1u);
    EXPECT_EQ(times_sent(pair.a, NotifyType::ppk_identity_key), 0U);
}

// RFC 8784 §6 [168]: what shall be secret from a quantum computer comes after a rekey.
TEST(PpkAuth, AChildThatComesLaterComesAfterARekey) {
    PpkPair pair;
    model::Connection childless = with_ppk(true, by_auth);
    childless.childless = model::Childless::force;
    pair.load(pair.a, childless, {{"k1", ppk_one}});
    pair.load(pair.b, with_ppk(false, by_auth), {{"k1", ppk_one}});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    pair.pass(seconds(10));
    EXPECT_TRUE(pair.up() && pair.children_agree()) << pair.logs();
    EXPECT_EQ(pair.count(pair.a, Counter::ike_rekey_init), 1u);
    EXPECT_EQ(pair.id_at(pair.b), "k1");
    // The first CREATE_CHILD_SA is the rekey: no traffic selectors are seen in the IKE SA that IKE_AUTH made.
    for (const auto& trace : pair.a.events_of<model::MessageTrace>())
        for (const model::PayloadName& payload : trace.payloads)
            EXPECT_FALSE(trace.ike_id == model::IkeSaId{1} && payload.type == model::PayloadType::ts_i);
}

// RFC 4478 §2: the SA that takes over is the one that the rekey has made by then.
TEST(PpkAuth, AReauthenticationEndsTheOldSaAfterThatRekey) {
    PpkPair pair;
    model::Connection childless = with_ppk(true, by_auth);
    childless.childless = model::Childless::force;
    childless.reauth_time = hours(1);
    pair.load(pair.a, childless, {{"k1", ppk_one}});
    pair.load(pair.b, with_ppk(false, by_auth), {{"k1", ppk_one}});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    // The Delete of the rekeyed SA is late, so that it is still there when the child is.
    bool lost = false;
    pair.meddler = [&](Send& send) {
        return wire::parse_header(send.datagram)->exchange != model::ExchangeType::informational || std::exchange(lost, true);
    };
    pair.step(pair.a, Rekey{.id = CommandId{50}, .which = {.ike = "gw"}, .reauthenticate = true});
    pair.pass(minutes(1));
    EXPECT_TRUE(lost);
    EXPECT_EQ(pair.count(pair.a, Counter::reauthenticated), 1U) << pair.logs();
    for (const auto* node : {&pair.a, &pair.b}) EXPECT_EQ(node->only_sa(pair.now).children.size(), 1U) << pair.logs();
}

TEST(PpkAuth, WildcardsAndOpaqueIdsAreUnderstood) {
    struct {
        const char *at_a, *at_b, *secret_at_b;
    } cases[] = {{"k1@gw.example", "*@gw.example", "k1@gw.example"}, {"k1@gw.example", "k1@gw.example", "*@gw.example"},
                 {"k1@gw.example", nullptr, ""},                     {"opaque:k1", "opaque:k1", "opaque:k1"}};
    for (const auto& one : cases) {
        PpkPair pair;
        pair.load(pair.a, with_ppk(true, {.id = one.at_a, .required = true, .exchange = PpkExchange::auth}), {{one.at_a, ppk_one}});
        pair.load(pair.b, with_ppk(false, {.id = one.at_b, .exchange = PpkExchange::auth}), {{one.secret_at_b, ppk_one}});
        ASSERT_TRUE(pair.initiate(pair.a).result) << one.at_a << "\n" << pair.logs();
        EXPECT_EQ(pair.id_at(pair.b), one.at_a);
    }
    // An opaque id is another one than a fixed one of the same octets.
    PpkPair pair;
    pair.load(pair.a, with_ppk(true, {.id = "opaque:k1", .required = true, .exchange = PpkExchange::auth}), {{"opaque:k1", ppk_one}});
    pair.load(pair.b, with_ppk(false, by_auth), {{"k1", ppk_one}});
    EXPECT_FALSE(pair.initiate(pair.a).result);
}

// RFC 8784 §3: a PPK that is not configured for this peer is an unknown one.
TEST(PpkAuth, AKeyOfAnotherPeerIsNotAccepted) {
    PpkPair pair;
    pair.load(pair.a, with_ppk(true, {.id = "k2", .required = true, .exchange = PpkExchange::auth}), {{"k2", ppk_two}});
    pair.load(pair.b, with_ppk(false, by_auth), {{"k1", ppk_one}, {"k2", ppk_two}});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.count(pair.b, Counter::ppk_unknown), 1u);
}

// RFC 8784 §3 [165]: NO_PPK_AUTH by the method of AUTH, here a signature of its own.
TEST(PpkAuth, CertificatesSignTwice) {
    const Authority authority;
    const EngineSettings now{.unix_seconds_at_start = crypto::test_now};
    for (const bool known : {true, false}) {
        PpkPair pair(now, now);
        auto at_a = config_of(with_ppk(with_certificates(true), by_auth)), at_b = config_of(with_ppk(with_certificates(false), {.id = known ? "k1" : "k2", .exchange = PpkExchange::auth}));
        add_ppks(*at_a, {{"k1", ppk_one}});
        add_ppks(*at_b, {{known ? "k1" : "k2", ppk_one}});
        pair.step(pair.a, Configure{at_a, credentials(authority, authority, {.dns = "a.example"})});
        pair.step(pair.b, Configure{at_b, credentials(authority, authority, {.dns = "b.example"})});
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
        EXPECT_TRUE(pair.up() && pair.children_agree());
        EXPECT_EQ(pair.id_at(pair.b), known ? "k1" : "");
    }
}

TEST(PpkAuth, HoldsForAllRoundsOfAuthentication) {
    for (const bool known : {true, false}) {
        PpkPair pair;
        const auto twice = [&](bool at_a) {
            model::Connection made = with_ppk(at_a, {.id = at_a || known ? "k1" : "k2", .exchange = PpkExchange::auth});
            for (auto* side : {&made.local, &made.remote}) side->push_back(side->front());
            made.local.back().id = model::Identity::parse(at_a ? "alice@example" : "bob@example");
            made.remote.back().id = model::Identity::parse(at_a ? "bob@example" : "alice@example");
            return made;
        };
        pair.load(pair.a, twice(true), {{"k1", ppk_one}});
        pair.load(pair.b, twice(false), {{known ? "k1" : "k2", ppk_one}});
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
        EXPECT_TRUE(pair.up() && pair.children_agree());
        EXPECT_EQ(pair.id_at(pair.a), known ? "k1" : "");
    }
}

// ---- one-time keys ------------------------------------------------------------------------------

constexpr PpkWords padded{.id = nullptr, .exchange = PpkExchange::auth, .pads = true};

TEST(PpkAuth, AOneTimeKeyIsUsedUpOnBothSides) {
    PpkPair pair;
    for (Node* node : {&pair.a, &pair.b}) node->pads.fill(4);
    pair.load(pair.a, with_ppk(true, padded), {});
    pair.load(pair.b, with_ppk(false, padded), {});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    EXPECT_EQ(pair.a.pads.left.size(), 3u);
    EXPECT_EQ(pair.a.pads.used, pair.b.pads.used);
    EXPECT_EQ(pair.id_at(pair.b), *pair.a.pads.used.begin());
}

TEST(PpkAuth, AOneTimeKeyOutlivesAPeerThatDoesNotKnowIt) {
    PpkPair pair;
    pair.b.pads.fill(4);
    for (const auto& [name, key] : pair.b.pads.left) pair.a.pads.left[name] = "another key that is long enough to be one";
    pair.load(pair.a, with_ppk(true, padded), {});
    pair.load(pair.b, with_ppk(false, padded), {});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.b.pads.left.size(), 4u) << "only who proves to have the key uses it up";
}

TEST(PpkAuth, AReplayedOneTimeKeyIsRefused) {
    PpkPair pair;
    for (Node* node : {&pair.a, &pair.b}) node->pads.fill(4);
    pair.load(pair.a, with_ppk(true, {.id = nullptr, .required = true, .exchange = PpkExchange::auth, .pads = true}), {});
    pair.load(pair.b, with_ppk(false, padded), {});
    const auto pads = pair.a.pads.left;
    while (!pair.b.pads.left.empty()) {
        pair.initiate(pair.a);
        pair.terminate(pair.a, {.ike = "gw"});
    }
    pair.a.pads.left = pads;
    pair.a.pads.used.clear();
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.count(pair.b, Counter::ppk_replayed), 1u) << pair.logs();
}

// The responder would wait for PPK_IDENTITY: the initiator begins again and promises none.
TEST(PpkAuth, WithoutAnyKeyLeftTheNextAttemptOffersNone) {
    PpkPair pair;
    pair.b.pads.fill(4);
    pair.load(pair.a, with_ppk(true, padded), {});
    pair.load(pair.b, with_ppk(false, padded), {});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    EXPECT_EQ(pair.a.only_sa(pair.now).ppk_id, std::nullopt);
    EXPECT_EQ(pair.count(pair.a, Counter::ppk_unavailable), 1u);
    EXPECT_EQ(pair.count(pair.a, Counter::ppk_skipped), 1u);
    PpkPair strict;
    strict.load(strict.a, with_ppk(true, {.id = nullptr, .required = true, .pads = true}), {});
    strict.load(strict.b, with_ppk(false, padded), {});
    const CommandDone done = strict.initiate(strict.a);
    ASSERT_FALSE(done.result);
    EXPECT_TRUE(contains(done.result.error().text(), "no PPK is at hand")) << done.result.error().text();
}

// ---- a peer that breaks the rules -----------------------------------------------------------------

class PpkAuthHostile : public testing::Test {
protected:
    PpkAuthHostile() {
        auto config = config_of(with_ppk(false, by_auth));
        add_ppks(*config, {{"k1", ppk_one}});
        Effects effects;
        victim.engine.step(peer.now, Configure{std::move(config), nullptr}, effects);
        peer.announced = {NotifyType::use_ppk};
        peer.init();
    }
    // The answer to an IKE_AUTH request with these notifications.
    const wire::NotifyPayload* answer(const std::vector<std::pair<NotifyType, Bytes>>& notifies, NotifyType wanted) {
        wire::MessageBuilder message = peer.auth();
        for (const auto& [type, data] : notifies) message.notify(type, data);
        answers = peer.send(ExchangeType::ike_auth, std::move(message));
        return answers.empty() ? nullptr : answers.front().notify(wanted);
    }
    Node victim{2};
    ScriptedPeer peer{victim};
    std::vector<ScriptedPeer::Answer> answers{};
};

// RFC 8784 §3 [166]: USE_PPK without PPK_IDENTITY.
TEST_F(PpkAuthHostile, APromiseWithoutANameIsRefused) {
    EXPECT_NE(answer({}, NotifyType::authentication_failed), nullptr) << victim.log();
    EXPECT_EQ(victim.engine.counters()[Counter::ppk_refused], 1u);
}

TEST_F(PpkAuthHostile, MalformedNamesAreUnknownOnes) {
    EXPECT_NE(answer({{NotifyType::ppk_identity, Bytes{}}}, NotifyType::authentication_failed), nullptr) << victim.log();
    EXPECT_EQ(victim.engine.counters()[Counter::ppk_malformed], 1u);
}

TEST_F(PpkAuthHostile, NamesBeyondTheLimitAreUnknownOnes) {
    EXPECT_NE(answer({{NotifyType::ppk_identity, Bytes(60'000, 2)}}, NotifyType::authentication_failed), nullptr);
    EXPECT_EQ(victim.engine.counters()[Counter::ppk_malformed], 1u);
}

// An unknown id and a wrong key look alike.
TEST_F(PpkAuthHostile, TheAnswerTellsNothingAboutTheKeys) {
    ASSERT_NE(answer({{NotifyType::ppk_identity, concat({Bytes{2}, bytes_of("k1")})}}, NotifyType::authentication_failed), nullptr);
    const std::size_t known_size = answers.front().octets.size();
    Node other{3};
    ScriptedPeer second{other};
    auto config = config_of(with_ppk(false, by_auth));
    add_ppks(*config, {{"k1", ppk_one}});
    Effects effects;
    other.engine.step(second.now, Configure{std::move(config), nullptr}, effects);
    second.announced = {NotifyType::use_ppk};
    second.init();
    wire::MessageBuilder message = second.auth();
    message.notify(NotifyType::ppk_identity, concat({Bytes{2}, bytes_of("k9")}));
    const auto unknown = second.send(ExchangeType::ike_auth, std::move(message));
    ASSERT_EQ(unknown.size(), 1u);
    EXPECT_NE(unknown.front().notify(NotifyType::authentication_failed), nullptr);
    EXPECT_EQ(unknown.front().octets.size(), known_size);
    EXPECT_EQ(unknown.front().payloads.size(), answers.front().payloads.size());
}

}  // namespace
}  // namespace cygnet::ike::test
