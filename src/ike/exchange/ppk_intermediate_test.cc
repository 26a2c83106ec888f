// RFC 9867: postquantum preshared keys in IKE_INTERMEDIATE and CREATE_CHILD_SA.
#include <gtest/gtest.h>

#include "crypto/prf.h"
#include "ike/test_peer.h"
#include "ike/test_ppk.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;
using model::PpkExchange;
using model::PpkRekey;

constexpr PpkWords demanded{.required = true};
constexpr const char* classic = "aes256gcm16-prfsha384-x25519";

model::Connection with_ike(model::Connection made, const char* proposals) {
    made.proposals = *model::parse_proposals(model::Protocol::ike, proposals);
    return made;
}

// RFC 9867, key computation: each formula, by hand.
TEST(PpkKeys, FollowTheFormulas) {
    const auto proposals = *model::parse_proposals(model::Protocol::ike, "aes256-sha256-prfsha256-x25519");
    const model::ChosenProposal proposal = *model::choose(proposals, proposals, {});
    const SecretBytes ppk = SecretBytes::copy_of(bytes_of(ppk_one)), d = SecretBytes::copy_of(Bytes(32, 3));
    const Bytes ni(32, 1), nr(32, 2);
    const Spis spis{.initiator = 0x0102030405060708, .responder = 0x1112131415161718};
    Bytes spi_octets;
    Writer(spi_octets).u64(spis.initiator);
    Writer(spi_octets).u64(spis.responder);
    const SecretBytes seed = crypto::prf(proposal.prf, ppk.reveal(), {d.reveal(), Bytes{1}});
    EXPECT_TRUE(seed.equals(mixed_with_ppk(proposal.prf, ppk, d).reveal()));
    const SecretBytes stream = crypto::prf_plus(proposal.prf, seed.reveal(), {ni, nr, spi_octets}, 7 * 32);
    const IkeKeys keys = keys_after_ppk(proposal, d, ppk, {ni, nr}, spis);
    std::size_t at = 0;
    for (const SecretBytes* key : {&keys.d, &keys.ai, &keys.ar, &keys.ei, &keys.er, &keys.pi, &keys.pr}) {
        ASSERT_EQ(key->size(), 32u);
        EXPECT_TRUE(key->equals(stream.reveal().subspan(at, 32)));
        at += 32;
    }
    const SecretBytes confirmation = crypto::prf(proposal.prf, ppk.reveal(), {ni, nr, spi_octets});
    EXPECT_TRUE(equal(ppk_confirmation(proposal.prf, ppk, {ni, nr}, spis), confirmation.reveal().first(8)));
}

TEST(PpkIntermediate, IsPreferredAndGoesIntoAllKeys) {
    // With a key exchange in the same IKE_INTERMEDIATE, and alone.
    for (const char* proposals : {"aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_ecp384", classic}) {
        PpkPair pair;
        pair.load(pair.a, with_ike(with_ppk(true), proposals), {{"k1", ppk_one}});
        pair.load(pair.b, with_ike(with_ppk(false), proposals), {{"k1", ppk_one}});
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
        ASSERT_TRUE(pair.up());
        EXPECT_TRUE(pair.children_agree());
        EXPECT_EQ(pair.id_at(pair.a), "k1");
        EXPECT_EQ(pair.id_at(pair.b), "k1");
        EXPECT_TRUE(contains(pair.b.log(), "uses PPK 'k1' (RFC 9867)"));
        EXPECT_EQ(times_sent(pair.a, NotifyType::use_ppk), 1u);
        EXPECT_EQ(times_sent(pair.b, NotifyType::use_ppk), 0u) << "one of the two, never both";
        EXPECT_EQ(times_sent(pair.b, NotifyType::use_ppk_int), 1u);
        EXPECT_EQ(times_sent(pair.a, NotifyType::ppk_identity_key), 1u);
        EXPECT_EQ(times_sent(pair.a, NotifyType::no_ppk_auth), 0u);
        EXPECT_EQ(pair.count(pair.b, Counter::intermediate_in_req), proposals == classic ? 1u : 2u);
    }
}

// RFC 8019 §7.2: a puzzle is for IKE_AUTH as the first message that needs keys, and here it is not.
TEST(PpkIntermediate, ComesUpWithAPeerThatAsksForPuzzles) {
    PpkPair pair({}, {.always_cookie = true, .puzzles = Puzzles::always, .puzzle_difficulty_min = 4});
    pair.load(pair.a, with_ike(with_ppk(true, demanded), classic), {{"k1", ppk_one}});
    pair.load(pair.b, with_ike(with_ppk(false, demanded), classic), {{"k1", ppk_one}});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    EXPECT_EQ(pair.count(pair.b, Counter::puzzle_sent), 1u) << "in IKE_SA_INIT alone";
    EXPECT_EQ(pair.id_at(pair.b), "k1");
}

TEST(PpkIntermediate, EachSideMayAllowOneOfTheTwoWays) {
    for (const auto& [at_a, at_b, used] : {std::tuple(PpkExchange::any, PpkExchange::auth, "RFC 8784"), std::tuple(PpkExchange::auth, PpkExchange::any, "RFC 8784"),
                                           std::tuple(PpkExchange::intermediate, PpkExchange::any, "RFC 9867"),
                                           std::tuple(PpkExchange::auth, PpkExchange::intermediate, "")}) {
        PpkPair pair;
        pair.load(pair.a, with_ppk(true, {.exchange = at_a}), {{"k1", ppk_one}});
        pair.load(pair.b, with_ppk(false, {.exchange = at_b}), {{"k1", ppk_one}});
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
        EXPECT_EQ(pair.id_at(pair.a), *used == '\0' ? "" : "k1");
        EXPECT_TRUE(contains(pair.a.log(), used));
    }
}

TEST(PpkIntermediate, TheResponderChoosesTheFirstThatItHas) {
    PpkPair pair;
    pair.load(pair.a, with_ppk(true, {.id = "k1,k2,k3", .required = true}), {{"k1", ppk_one}, {"k2", ppk_two}, {"k3", ppk_one}});
    pair.load(pair.b, with_ppk(false, {.id = "k2,k3"}), {{"k1", ppk_two}, {"k2", ppk_two}, {"k3", ppk_one}});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    EXPECT_EQ(pair.id_at(pair.a), "k2") << pair.logs();
    EXPECT_EQ(pair.id_at(pair.b), "k2");
    EXPECT_EQ(pair.count(pair.b, Counter::ppk_unknown), 1u) << "k1 is another key there";
}

// RFC 9867, decision table: case c, and case b.
TEST(PpkIntermediate, WithoutACommonKeyItDependsOnWhoDemandsOne) {
    for (const auto& [a_demands, b_demands] : {std::pair(false, false), std::pair(true, false), std::pair(false, true)})
        for (const char* proposals : {"aes256gcm16-prfsha384-x25519-ke1_mlkem768", classic}) {
            PpkPair pair;
            pair.load(pair.a, with_ike(with_ppk(true, {.required = a_demands}), proposals), {{"k1", ppk_one}});
            pair.load(pair.b, with_ike(with_ppk(false, {.required = b_demands}), proposals), {{"k1", ppk_two}});
            const bool expected = !a_demands && !b_demands;
            EXPECT_EQ(pair.initiate(pair.a).result.has_value(), expected) << pair.logs();
            EXPECT_EQ(pair.up(), expected);
            EXPECT_TRUE(!expected || pair.children_agree());
            EXPECT_EQ(times_sent(pair.b, NotifyType::authentication_failed), b_demands ? 1u : 0u);
            pair.pass(minutes(5));
            EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, expected ? 2u : 0u);
        }
}

// RFC 9867: a PPK of somebody else, as IKE_AUTH shows.
TEST(PpkIntermediate, AKeyOfAnotherPeerFailsOnceThePeerIsKnown) {
    PpkPair pair;
    pair.load(pair.a, with_ppk(true, {.id = "k2"}), {{"k2", ppk_two}});
    pair.load(pair.b, with_ppk(false, {.id = "k1"}), {{"k1", ppk_one}, {"k2", ppk_two}});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(times_sent(pair.b, NotifyType::authentication_failed), 1u) << pair.logs();
    EXPECT_TRUE(contains(pair.b.log(), "the PPK 'k2' is not one of a.example"));
}

TEST(PpkIntermediate, OneTimeKeysComeBeforeConfiguredOnes) {
    PpkPair pair;
    for (Node* node : {&pair.a, &pair.b}) node->pads.left["pad-1"] = "a one-time key that is long enough for one";
    pair.load(pair.a, with_ppk(true, {.required = true, .pads = true}), {{"k1", ppk_one}});
    pair.load(pair.b, with_ppk(false, {.required = true, .pads = true}), {{"k1", ppk_one}});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    EXPECT_EQ(pair.id_at(pair.b), "pad-1");
    EXPECT_TRUE(pair.a.pads.left.empty() && pair.b.pads.left.empty());
    pair.terminate(pair.a, {.ike = "gw"});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    EXPECT_EQ(pair.id_at(pair.b), "k1") << "the pads are used up";
}

TEST(PpkIntermediate, AOneTimeKeyIsNotUsedUpByWhoeverOnlyKnowsItsName) {
    PpkPair pair;
    pair.a.pads.left["pad-1"] = "a guess at a key that is long enough";
    pair.b.pads.left["pad-1"] = "the real key which is long enough, too";
    pair.load(pair.a, with_ppk(true, {.id = nullptr, .pads = true}), {});
    pair.load(pair.b, with_ppk(false, {.id = nullptr, .required = true, .pads = true}), {});
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.b.pads.left.size(), 1u);
}

// ---- CREATE_CHILD_SA ----------------------------------------------------------------------------

void fill(PpkPair& pair, std::size_t count) {
    for (Node* node : {&pair.a, &pair.b}) node->pads.fill(count);
}

constexpr PpkWords rekeyed{.id = nullptr, .rekey = PpkRekey::required, .pads = true};

TEST(PpkRekey, EachRekeyUsesAFreshKey) {
    // The child's rekeys have a key exchange and follow-up exchanges of their own.
    for (const char* esp : {"aes256gcm16", "aes256gcm16-x25519-ke1_mlkem768"}) {
        PpkPair pair;
        fill(pair, 8);
        const auto made = [&](bool at_a) {
            model::Connection connection = with_ppk(at_a, rekeyed);
            connection.children.front().esp_proposals = *model::parse_proposals(model::Protocol::esp, esp);
            return connection;
        };
        pair.load(pair.a, made(true), {});
        pair.load(pair.b, made(false), {});
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
        const std::string first = pair.id_at(pair.a);
        ASSERT_TRUE(pair.rekey(pair.a, {.child = "net"}).result) << pair.logs();
        pair.pass(seconds(10));
        const auto child = pair.a.only_sa(pair.now).children.front().ppk_id;
        ASSERT_TRUE(child.has_value());
        EXPECT_NE(*child, first);
        EXPECT_EQ(pair.b.only_sa(pair.now).children.front().ppk_id, child);
        EXPECT_TRUE(pair.children_agree());
        ASSERT_TRUE(pair.rekey(pair.b, {.ike = "gw"}).result) << pair.logs();
        pair.pass(seconds(10));
        const std::string second = pair.id_at(pair.a);
        EXPECT_NE(second, first);
        EXPECT_EQ(pair.id_at(pair.b), second);
        EXPECT_TRUE(pair.up()) << pair.logs();
        ASSERT_TRUE(pair.rekey(pair.a, {.child = "net"}).result) << pair.logs();
        EXPECT_TRUE(pair.children_agree()) << "the new IKE SA's keys agree";
        EXPECT_EQ(pair.a.pads.left.size(), 4u);
        EXPECT_EQ(pair.a.pads.used, pair.b.pads.used);
    }
}

TEST(PpkRekey, RekeysWithoutAFreshKeyGoOnOrFailAsConfigured) {
    for (const PpkRekey rekey : {PpkRekey::yes, PpkRekey::required}) {
        PpkPair pair;
        fill(pair, 1);
        pair.load(pair.a, with_ppk(true, {.id = nullptr, .rekey = rekey, .pads = true}), {});
        pair.load(pair.b, with_ppk(false, {.id = nullptr, .rekey = rekey, .pads = true}), {});
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
        EXPECT_EQ(pair.rekey(pair.a, {.child = "net"}).result.has_value(), rekey == PpkRekey::yes) << pair.logs();
        pair.pass(seconds(10));
        EXPECT_TRUE(pair.up());
        EXPECT_TRUE(pair.children_agree());
    }
}

// RFC 9867: PPK mandatory for the responder, and none offered.
TEST(PpkRekey, AResponderThatDemandsOneRefusesWithoutIt) {
    PpkPair pair;
    fill(pair, 4);
    pair.load(pair.a, with_ppk(true, {.id = nullptr, .pads = true}), {});
    pair.load(pair.b, with_ppk(false, rekeyed), {});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    EXPECT_FALSE(pair.rekey(pair.a, {.child = "net"}).result);
    EXPECT_FALSE(pair.rekey(pair.a, {.ike = "gw"}).result);
    EXPECT_EQ(times_sent(pair.b, NotifyType::no_proposal_chosen), 2u) << pair.logs();
    EXPECT_TRUE(pair.up());
}

// RFC 9867: what was made without the PPK that we demand is deleted at once.
TEST(PpkRekey, AnInitiatorThatDemandsOneDeletesWhatCameWithout) {
    PpkPair pair;
    fill(pair, 1);
    for (int i = 1; i < 4; ++i) pair.a.pads.left["other-" + std::to_string(i)] = "a key that the other side has not got at all";
    pair.load(pair.a, with_ppk(true, rekeyed), {{"k1", ppk_one}});
    pair.load(pair.b, with_ppk(false), {{"k1", ppk_one}});
    pair.load(pair.a, with_ppk(true, {.id = "k1", .rekey = PpkRekey::required, .pads = true}), {{"k1", ppk_one}});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    ASSERT_EQ(pair.id_at(pair.a), "k1") << "b has no pads";
    EXPECT_FALSE(pair.rekey(pair.a, {.child = "net"}).result);
    pair.pass(seconds(20));
    EXPECT_EQ(pair.a.only_sa(pair.now).children.size(), pair.b.only_sa(pair.now).children.size()) << pair.logs();
    EXPECT_EQ(pair.a.only_sa(pair.now).children.front().ppk_id, std::nullopt);
    pair.rekey(pair.a, {.ike = "gw"});
    pair.pass(seconds(20));
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u) << pair.logs();
}

// Rotation: the secret changes under its id, the SAs stay, and the next rekey takes the new one, once.
TEST(PpkRekey, ARotatedKeyIsTakenByTheNextRekey) {
    PpkPair pair;
    const auto load = [&](const char* key) {
        pair.load(pair.a, with_ppk(true, {.rekey = PpkRekey::yes}), {{"k1", key}});
        pair.load(pair.b, with_ppk(false, {.rekey = PpkRekey::yes}), {{"k1", key}});
    };
    load(ppk_one);
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    ASSERT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result);
    EXPECT_EQ(times_sent(pair.a, NotifyType::ppk_identity_key), 1u) << "the same key again is worth nothing";
    load(ppk_two);
    EXPECT_TRUE(pair.a.engine.population().ike_sas >= 1);
    pair.pass(seconds(10));
    ASSERT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result) << pair.logs();
    EXPECT_EQ(times_sent(pair.a, NotifyType::ppk_identity_key), 2u);
    pair.pass(seconds(10));
    ASSERT_TRUE(pair.rekey(pair.b, {.ike = "gw"}).result) << pair.logs();
    EXPECT_EQ(times_sent(pair.b, NotifyType::ppk_identity_key), 0u);
    pair.pass(seconds(10));
    EXPECT_TRUE(pair.up() && pair.children_agree());
    EXPECT_EQ(pair.count(pair.a, Counter::ppk_used), 2u);
}

TEST(PpkRekey, BothSidesAtOnceStayTogether) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        PpkPair pair;
        fill(pair, 16);
        pair.load(pair.a, with_ppk(true, rekeyed), {});
        pair.load(pair.b, with_ppk(false, rekeyed), {});
        ASSERT_TRUE(pair.initiate(pair.a).result);
        pair.jobs_are_slow = true;
        SeededRng rng(seed);
        pair.step(pair.a, Rekey{.id = static_cast<CommandId>(91), .which = {.child = "net"}});
        pair.step(pair.b, Rekey{.id = static_cast<CommandId>(92), .which = {.child = "net"}});
        pair.run_shuffled(rng);
        pair.step(pair.a, Rekey{.id = static_cast<CommandId>(93), .which = {.ike = "gw"}});
        pair.step(pair.b, Rekey{.id = static_cast<CommandId>(94), .which = {.ike = "gw"}});
        pair.run_shuffled(rng);
        pair.jobs_are_slow = false;
        pair.pass(seconds(60));
        EXPECT_TRUE(pair.up() && pair.children_agree()) << seed << "\n" << pair.logs();
        EXPECT_EQ(pair.id_at(pair.a), pair.id_at(pair.b));
    }
}

// RFC 8784 §3 [164]: a resumed SA mixes nothing in; its keys come from those that had the PPK.
TEST(PpkResumption, KeepsWhatTheOldKeysHad) {
    PpkPair pair;
    const auto made = [](bool at_a) {
        model::Connection connection = with_ppk(at_a, demanded);
        connection.resumption = model::Resumption::ticket;
        return connection;
    };
    pair.load(pair.a, made(true), {{"k1", ppk_one}});
    pair.load(pair.b, made(false), {{"k1", ppk_one}});
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    const std::size_t offers = times_sent(pair.a, NotifyType::use_ppk_int);
    pair.restart(pair.b);
    // a's rekey is never answered: the IKE SA is lost, and its ticket stays.
    pair.rekey(pair.a, {.ike = "gw"});
    pair.pass(minutes(5));
    ASSERT_EQ(pair.a.engine.population().ike_sas, 0u);
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.logs();
    ASSERT_TRUE(pair.up()) << pair.logs();
    ASSERT_EQ(pair.count(pair.a, Counter::ike_resumed), 1u) << pair.logs();
    EXPECT_EQ(times_sent(pair.a, NotifyType::use_ppk_int), offers);
    EXPECT_EQ(pair.id_at(pair.a), "k1");
    EXPECT_EQ(pair.id_at(pair.b), "k1");
}

// ---- a peer that breaks the rules -----------------------------------------------------------------

class PpkHostile : public testing::Test {
protected:
    void begin(const char* proposals = classic, bool required = false) {
        auto config = config_of(with_ike(with_ppk(false, {.required = required}), proposals));
        add_ppks(*config, {{"k1", ppk_one}});
        Effects effects;
        victim.engine.step(peer.now, Configure{std::move(config), nullptr}, effects);
        peer.announced = {NotifyType::use_ppk_int};
        peer.init(proposals);
    }
    std::vector<ScriptedPeer::Answer> send(const std::vector<Bytes>& offers, std::optional<wire::KePayload> ke = {}) {
        wire::MessageBuilder message;
        if (ke) message.add(*ke);
        for (const Bytes& offer : offers) message.notify(NotifyType::ppk_identity_key, offer);
        return peer.send(ExchangeType::ike_intermediate, std::move(message));
    }
    std::uint64_t count(Counter counter) const { return victim.engine.counters()[counter]; }
    Bytes offer(const char* id, const char* key) const {
        return concat({Bytes{2}, bytes_of(id), ppk_confirmation(peer.proposal.prf, SecretBytes::copy_of(bytes_of(key)), {peer.nonce_i, peer.nonce_r}, peer.spis)});
    }

    Node victim{2};
    ScriptedPeer peer{victim};
};

TEST_F(PpkHostile, ManyOffersAreLookedAtUpToALimit) {
    begin();
    std::vector<Bytes> flood(100, offer("k9", ppk_two));
    flood.push_back(offer("k1", ppk_one));
    const auto answers = send(flood);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers.front().notify(NotifyType::ppk_identity), nullptr);
    EXPECT_EQ(count(Counter::ppk_unknown), model::limits::ppks_per_message);
    EXPECT_EQ(count(Counter::limit_reached), 1u);
}

TEST_F(PpkHostile, MalformedOffersAreSkipped) {
    begin();
    const auto answers = send({Bytes{}, Bytes(8, 0), Bytes(9, 2), Bytes(1000, 2), offer("k1", ppk_one)});
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(NotifyType::ppk_identity), nullptr) << victim.log();
    EXPECT_EQ(count(Counter::ppk_malformed), 4u);
}

TEST_F(PpkHostile, AnUnknownIdAndAWrongKeyLookAlike) {
    begin();
    const auto answers = send({offer("k1", ppk_two)});
    Node other{2};
    ScriptedPeer second{other};
    auto config = config_of(with_ike(with_ppk(false), classic));
    add_ppks(*config, {{"k1", ppk_one}});
    Effects effects;
    other.engine.step(second.now, Configure{std::move(config), nullptr}, effects);
    second.announced = {NotifyType::use_ppk_int};
    second.init(classic);
    wire::MessageBuilder message;
    message.notify(NotifyType::ppk_identity_key, offer("k7", ppk_two));
    const auto unknown = second.send(ExchangeType::ike_intermediate, std::move(message));
    ASSERT_EQ(answers.size(), 1u);
    ASSERT_EQ(unknown.size(), 1u);
    EXPECT_EQ(answers.front().octets, unknown.front().octets);
}

// RFC 9867: in the last IKE_INTERMEDIATE exchange alone, and once.
TEST_F(PpkHostile, OffersInAnEarlierRoundAreRefused) {
    begin("aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_ecp384");
    const auto own = *crypto::ke_offer(model::Ke::ml_kem_768);
    const auto answers = send({offer("k1", ppk_one)}, wire::KePayload{.method = model::Ke::ml_kem_768, .data = own.public_value});
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(NotifyType::invalid_syntax), nullptr);
    EXPECT_EQ(count(Counter::round_refused), 1u);
}

// RFC 9867: not along with the last key exchange, but in an exchange of its own after it.
TEST_F(PpkHostile, PpksMayComeAfterTheLastKeyExchange) {
    begin("aes256gcm16-prfsha384-x25519-ke1_ecp384");
    const auto own = *crypto::ke_offer(model::Ke::ecp_384);
    auto answers = send({}, wire::KePayload{.method = model::Ke::ecp_384, .data = own.public_value});
    ASSERT_EQ(answers.size(), 1u) << victim.log();
    const wire::KePayload* ke = nullptr;
    for (const wire::Payload& payload : answers.front().payloads)
        if (const auto* found = std::get_if<wire::KePayload>(&payload)) ke = found;
    ASSERT_NE(ke, nullptr);
    const SecretBytes secret = *crypto::ke_finish(own, ke->data);
    peer.protection = std::move(*Protection::make(
        peer.proposal, keys_after_intermediate(peer.proposal, peer.protection->sk_d(), secret.reveal(), {peer.nonce_i, peer.nonce_r}, peer.spis), true));
    answers = send({offer("k1", ppk_one)});
    ASSERT_EQ(answers.size(), 1u) << victim.log();
    EXPECT_NE(answers.front().notify(NotifyType::ppk_identity), nullptr) << victim.log();
}

TEST_F(PpkHostile, ASecondExchangeForPpksIsRefused) {
    begin();
    ASSERT_EQ(send({offer("k9", ppk_two)}).size(), 1u);
    const auto answers = send({offer("k1", ppk_one)});
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(NotifyType::invalid_syntax), nullptr);
}

// RFC 9867, case b.
TEST_F(PpkHostile, WithoutTheKeyThatIsDemandedThereIsNoSa) {
    begin(classic, true);
    const auto answers = send({offer("k1", ppk_two)});
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(NotifyType::authentication_failed), nullptr);
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

TEST_F(PpkHostile, AnAuthThatSkipsThePpkIsRefusedWhereOneIsDemanded) {
    begin(classic, true);
    const auto answers = peer.send(ExchangeType::ike_auth, peer.auth());
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(NotifyType::authentication_failed), nullptr) << victim.log();
    EXPECT_EQ(count(Counter::ppk_refused), 1u);
}

}  // namespace
}  // namespace cygnet::ike::test
