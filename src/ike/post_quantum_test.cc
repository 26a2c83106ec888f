// The policy of post_quantum at both ends, KEMs beside and in place of Diffie-Hellman, numbers of private use.
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/catalogue.h"
#include "ike/test_pair.h"
#include "ike/test_peer.h"
#include "model/assigned_numbers.h"
#include "model/private_use.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::Ke;
using model::NotifyType;
using model::PostQuantum;

constexpr const char* classic = "aes256gcm16-prfsha384-x25519";
constexpr const char* hybrid = "aes256gcm16-prfsha384-x25519-ke1_mlkem768";
constexpr const char* either = "aes256gcm16-prfsha384-x25519,aes256gcm16-prfsha384-x25519-ke1_mlkem768";

model::Connection with(bool at_a, const char* ike, PostQuantum policy = PostQuantum::preferred, const char* esp = "aes256gcm16") {
    model::Connection made = connection(at_a);
    made.proposals = model::parse_proposals(model::Protocol::ike, ike).value();
    made.children.front().esp_proposals = model::parse_proposals(model::Protocol::esp, esp).value();
    made.post_quantum = policy;
    return made;
}

std::uint64_t count(const Node& node, Counter counter) { return node.engine.counters()[counter]; }

// ---- the policy -----------------------------------------------------------------------------------

TEST(PostQuantumPolicy, PreferredRunsOneWhereBothCan) {
    Pair pair;
    pair.configure(with(true, either), with(false, either));
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.b.log();
    EXPECT_EQ(pair.a.only_sa(pair.now).proposal->additional, std::vector{Ke::ml_kem_768});
}

TEST(PostQuantumPolicy, OffNeitherOffersNorAcceptsOne) {
    for (const bool at_a : {true, false}) {
        Pair pair;
        pair.configure(with(true, either, at_a ? PostQuantum::off : PostQuantum::preferred),
                       with(false, either, at_a ? PostQuantum::preferred : PostQuantum::off));
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.b.log();
        EXPECT_TRUE(pair.a.only_sa(pair.now).proposal->additional.empty());
    }
    Pair pair;
    pair.configure(with(true, either, PostQuantum::required), with(false, either, PostQuantum::off));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
}

TEST(PostQuantumPolicy, RequiredRefusesAClassicPeerAndSaysWhy) {
    Pair pair;
    pair.configure(with(true, classic), with(false, either, PostQuantum::required));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(count(pair.b, Counter::post_quantum_refused), 1u);
    EXPECT_EQ(count(pair.b, Counter::no_proposal_chosen), 1u);
    EXPECT_NE(pair.b.log().find("post_quantum = required, and the peer offers no post-quantum key exchange"), std::string::npos);
    EXPECT_NE(pair.b.log().find("ke1_mlkem768"), std::string::npos);

    // The other way about, the initiator offers nothing else, and says that.
    Pair other;
    other.configure(with(true, either, PostQuantum::required), with(false, classic));
    const CommandDone done = other.initiate(other.a);
    ASSERT_FALSE(done.result);
    EXPECT_NE(done.result.error().detail.find("post_quantum = required"), std::string::npos) << done.result.error().detail;
    EXPECT_EQ(count(other.b, Counter::post_quantum_refused), 0u);
}

TEST(PostQuantumPolicy, RequiredSaysNothingOfItWhereSomethingElseDiffers) {
    Pair pair;
    pair.configure(with(true, "aes128-sha256-modp2048"), with(false, either, PostQuantum::required));
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(count(pair.b, Counter::post_quantum_refused), 0u);
    EXPECT_EQ(count(pair.b, Counter::no_proposal_chosen), 1u);
}

// RFC 9370 §2.2.1 [154]: NONE of the only round, answered without IKE_INTERMEDIATE.
TEST(PostQuantumPolicy, AnOptionalRoundIsLeftOutByWhoWantsNone) {
    Pair pair;
    pair.configure(with(true, "aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke1_none"),
                   with(false, "aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke1_none", PostQuantum::off));
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    EXPECT_TRUE(pair.a.only_sa(pair.now).proposal->additional.empty());
    EXPECT_EQ(count(pair.b, Counter::intermediate_in_req), 0u);
    EXPECT_TRUE(pair.children_agree());
}

// An SA that was made as required, and a peer that later wants less.
class RequiredResponder : public testing::Test {
protected:
    void begin(const char* esp) {
        Effects effects;
        victim.engine.step(peer.now, Configure{config_of(with(false, "aes256gcm16-prfsha384-mlkem768,aes256gcm16-prfsha384-x25519",
                                                                PostQuantum::required, esp)),
                                               nullptr},
                           effects);
        peer.init("aes256gcm16-prfsha384-mlkem768");
        ASSERT_EQ(peer.send(ExchangeType::ike_auth, peer.auth()).size(), 1u);
        ASSERT_EQ(victim.engine.list(peer.now).at(0).state, model::IkeState::established) << victim.log();
    }
    // CREATE_CHILD_SA with X25519 alone.
    std::vector<ScriptedPeer::Answer> ask(model::Protocol protocol, const char* proposals, Bytes spi, const wire::NotifyPayload* rekey = nullptr) {
        auto offered = *model::parse_proposals(protocol, proposals);
        for (model::Proposal& proposal : offered) proposal.spi = spi;
        const auto own = *crypto::ke_offer(Ke::curve25519);
        const auto range = [](const char* text) { return std::array{model::TrafficSelector::of(*model::AddressRange::parse(text))}; };
        wire::MessageBuilder message;
        if (rekey != nullptr) message.add(*rekey);
        message.add(wire::SaPayload{offered});
        message.add(wire::NoncePayload{peer.nonce_i});
        message.add(wire::KePayload{.method = Ke::curve25519, .data = own.public_value});
        if (protocol == model::Protocol::esp) {
            message.add(wire::TsiPayload::of(range("10.1.0.0/16")));
            message.add(wire::TsrPayload::of(range("10.2.0.0/16")));
        }
        return peer.send(ExchangeType::create_child_sa, std::move(message));
    }
    Node victim{2};
    ScriptedPeer peer{victim};
};

TEST_F(RequiredResponder, RefusesAClassicRekeyOfTheIkeSa) {
    begin("aes256gcm16");
    const auto answers = ask(model::Protocol::ike, classic, Bytes(8, 5));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(NotifyType::no_proposal_chosen), nullptr);
    EXPECT_EQ(count(victim, Counter::post_quantum_refused), 1u);
    EXPECT_EQ(victim.engine.population().ike_sas, 1u);
}

TEST_F(RequiredResponder, RefusesAClassicKeyExchangeOfAChildAndOfItsRekey) {
    begin("aes256gcm16-x25519,aes256gcm16-x25519-ke1_mlkem768");
    const auto answers = ask(model::Protocol::esp, "aes256gcm16-x25519", {9, 9, 9, 9});
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(NotifyType::no_proposal_chosen), nullptr);
    EXPECT_EQ(count(victim, Counter::post_quantum_refused), 1u);

    const Bytes spi{1, 2, 3, 4};  // as ScriptedPeer has it
    const wire::NotifyPayload rekey{.protocol = model::Protocol::esp, .message_type = NotifyType::rekey_sa, .spi = spi, .data = {}};
    const auto again = ask(model::Protocol::esp, "aes256gcm16-x25519", {8, 8, 8, 8}, &rekey);
    ASSERT_EQ(again.size(), 1u);
    EXPECT_NE(again.front().notify(NotifyType::no_proposal_chosen), nullptr);
    EXPECT_EQ(count(victim, Counter::post_quantum_refused), 2u);
}

TEST(PostQuantumPolicy, RequiredGoesOnInRekeysAndChildren) {
    constexpr const char* esp = "aes256gcm16-x25519,aes256gcm16-x25519-ke1_mlkem768";
    Pair pair;
    pair.configure(with(true, either, PostQuantum::required, esp), with(false, either, PostQuantum::preferred, esp));
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.b.log();
    ASSERT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result) << pair.a.log();
    EXPECT_EQ(pair.a.only_sa(pair.now).proposal->additional, std::vector{Ke::ml_kem_768});
    ASSERT_TRUE(pair.rekey(pair.a, {.child = "net"}).result) << pair.a.log();
    EXPECT_EQ(pair.a.only_sa(pair.now).children.front().proposal.additional, std::vector{Ke::ml_kem_768});
    EXPECT_TRUE(pair.children_agree());
}

// ---- in place of Diffie-Hellman -------------------------------------------------------------------

// draft-ietf-ipsecme-ikev2-mlkem §1: in IKE_SA_INIT where it fits.
TEST(PostQuantumAlone, MlKemRunsInTheMainExchangeAndItsRekeys) {
    for (const auto& [proposal, method] : {std::pair{"aes256gcm16-prfsha384-mlkem512", Ke::ml_kem_512},
                                           {"aes256gcm16-prfsha384-mlkem768", Ke::ml_kem_768},
                                           {"aes256gcm16-prfsha384-mlkem1024", Ke::ml_kem_1024}}) {
        Pair pair;
        pair.configure(with(true, proposal, PostQuantum::required), with(false, proposal, PostQuantum::required));
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
        ASSERT_TRUE(pair.up());
        EXPECT_EQ(pair.a.only_sa(pair.now).proposal->ke, method);
        EXPECT_EQ(count(pair.b, Counter::intermediate_in_req), 0u);
        ASSERT_TRUE(pair.rekey(pair.b, {.ike = "gw"}).result) << pair.b.log();
        EXPECT_EQ(pair.b.only_sa(pair.now).proposal->ke, method);
        EXPECT_TRUE(pair.children_agree());
    }
}

// RFC 7296 §2.7: another group than the guess is asked for, be it a KEM.
TEST(PostQuantumAlone, IsAskedForWhereTheFirstGuessWasAnother) {
    Pair pair;
    pair.configure(with(true, "aes256gcm16-prfsha384-x25519-mlkem768"), with(false, "aes256gcm16-prfsha384-mlkem768"));
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.b.log();
    EXPECT_EQ(count(pair.a, Counter::invalid_ke_payload), 1u);
    EXPECT_EQ(pair.a.only_sa(pair.now).proposal->ke, Ke::ml_kem_768);
}

TEST(PostQuantumAlone, RefusesABadKeyInTheFirstMessage) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1183}, std::size_t{1184}}) {
        Node victim{2};
        Effects effects;
        ScriptedPeer peer(victim);
        victim.engine.step(peer.now, Configure{config_of(with(false, "aes256gcm16-prfsha384-mlkem768")), nullptr}, effects);
        wire::MessageBuilder message;
        message.add(wire::SaPayload{*model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-mlkem768")});
        const Bytes value(size, 0xff);
        message.add(wire::KePayload{.method = Ke::ml_kem_768, .data = value});
        message.add(wire::NoncePayload{peer.nonce_i});
        peer.raw(message.finish({.spi_i = 7, .exchange = ExchangeType::ike_sa_init, .initiator = true}));
        EXPECT_EQ(count(victim, Counter::bad_ke_value), 1u) << size;
        EXPECT_EQ(victim.engine.population().ike_sas, 0u) << size;
    }
}

// ---- FrodoKEM, numbers of private use -------------------------------------------------------------

class Frodo : public testing::Test {
protected:
    void SetUp() override {
        if (!crypto::shape_of(Ke::frodokem_976_aes)) GTEST_SKIP() << "this build has no Botan";
    }
    // Takes our Vendor ID out of the messages of IKE_SA_INIT that one side sends: it becomes another's.
    static Meddler without_vendor_id(const Node& from, const Pair& pair) {
        return [&from, &pair](Send& send) {
            const bool of_a = send.path.local.address == address("192.0.2.1");
            if (of_a != (&from == &pair.a)) return true;
            const std::string_view name = model::private_use::vendor_id;
            const auto found = std::search(send.datagram.begin(), send.datagram.end(), name.begin(), name.end());
            if (found != send.datagram.end()) *found ^= 1;
            return true;
        };
    }
};

constexpr const char* frodo = "aes256gcm16-prfsha384-x25519-ke1_mlkem768-ke2_frodo976";
constexpr const char* frodo_shake = "aes256gcm16-prfsha384-x25519-ke1_frodo640shake";

TEST_F(Frodo, RunsAfterMlKemAndInRekeysAndOffTheEventLoop) {
    Pair pair;
    pair.configure(with(true, frodo, PostQuantum::required, "aes256gcm16-x25519-ke1_frodo640"),
                   with(false, frodo, PostQuantum::required, "aes256gcm16-x25519-ke1_frodo640"));
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    ASSERT_TRUE(pair.up());
    EXPECT_EQ(pair.a.only_sa(pair.now).proposal->additional, (std::vector{Ke::ml_kem_768, Ke::frodokem_976_aes}));
    EXPECT_EQ(count(pair.b, Counter::intermediate_in_req), 2u);
    ASSERT_TRUE(pair.rekey(pair.b, {.child = "net"}).result) << pair.b.log();
    EXPECT_EQ(pair.b.only_sa(pair.now).children.front().proposal.additional, std::vector{Ke::frodokem_640_aes});
    ASSERT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result) << pair.a.log();
    EXPECT_EQ(pair.b.only_sa(pair.now).proposal->additional, (std::vector{Ke::ml_kem_768, Ke::frodokem_976_aes}));
    EXPECT_TRUE(pair.children_agree());
    // Nobody sees a number of private use, or a Vendor ID, without need.
    EXPECT_FALSE(crypto::is_brief(crypto::Job(crypto::KeOfferJob{.method = Ke::frodokem_976_aes})));
}

TEST_F(Frodo, CrossesInFragmentsThatAreLost) {
    Pair pair({.fragment_ip_octets = 1280}, {.fragment_ip_octets = 576});
    pair.configure(with(true, frodo), with(false, frodo));
    std::uint64_t turn = 0;
    pair.meddler = [&](Send&) { return ++turn % 20 != 0; };
    pair.initiate(pair.a);
    pair.pass(minutes(3));
    EXPECT_TRUE(pair.up()) << pair.a.log() << "---\n" << pair.b.log();
}

TEST_F(Frodo, IsNotTakenInTheMainExchange) {
    Pair pair;
    pair.configure(with(true, "aes256gcm16-prfsha384-frodo976-x25519"), with(false, "aes256gcm16-prfsha384-frodo976-x25519"));
    EXPECT_FALSE(crypto::fits_first_message(Ke::frodokem_640_aes));
    EXPECT_TRUE(crypto::fits_first_message(Ke::ml_kem_1024));
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.b.log();
    EXPECT_EQ(pair.a.only_sa(pair.now).proposal->ke, Ke::curve25519);
}

TEST_F(Frodo, ValuesOfTheWrongSizeEndTheHandshake) {
    const std::size_t right = crypto::shape_of(Ke::frodokem_976_aes)->initiator_size;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, right - 1, right + 1}) {
        Node victim{2};
        ScriptedPeer peer(victim);
        Effects effects;
        constexpr const char* first = "aes256gcm16-prfsha384-x25519-ke1_frodo976";
        victim.engine.step(peer.now, Configure{config_of(with(false, first)), nullptr}, effects);
        peer.init(first);
        wire::MessageBuilder message;
        const Bytes value(size, 3);
        message.add(wire::KePayload{.method = Ke::frodokem_976_aes, .data = value});
        const auto answers = peer.send(ExchangeType::ike_intermediate, std::move(message));
        ASSERT_EQ(answers.size(), 1u) << size;
        EXPECT_NE(answers.front().notify(NotifyType::invalid_syntax), nullptr) << size;
        EXPECT_EQ(count(victim, Counter::bad_ke_value), 1u) << size;
        EXPECT_EQ(victim.engine.population().ike_sas, 0u) << size;
    }
}

// RFC 9242 §5 [153], RFC 9370 §2.2.2 [158]: a round that was run is not run again, and none is skipped.
TEST_F(Frodo, RoundsAreNeitherRepeatedNorSkipped) {
    for (const bool repeat : {true, false}) {
        Node victim{2};
        ScriptedPeer peer(victim);
        Effects effects;
        victim.engine.step(peer.now, Configure{config_of(with(false, frodo)), nullptr}, effects);
        peer.init(frodo);
        const auto round = [&](Ke method, ByteView value) {
            wire::MessageBuilder message;
            message.add(wire::KePayload{.method = method, .data = value});
            return peer.send(ExchangeType::ike_intermediate, std::move(message));
        };
        const auto own = *crypto::ke_offer(Ke::ml_kem_768);
        std::vector<ScriptedPeer::Answer> answers;
        if (repeat) {
            answers = round(Ke::ml_kem_768, own.public_value);
            ASSERT_EQ(answers.size(), 1u);
            const auto* ke = std::get_if<wire::KePayload>(&answers.front().payloads.front());
            ASSERT_NE(ke, nullptr);
            const SecretBytes secret = *crypto::ke_finish(own, ke->data);
            peer.protection = std::move(*Protection::make(
                peer.proposal,
                keys_after_intermediate(peer.proposal, peer.protection->sk_d(), secret.reveal(), {peer.nonce_i, peer.nonce_r}, peer.spis),
                true));
            answers = round(Ke::ml_kem_768, own.public_value);
        } else {
            answers = round(Ke::frodokem_976_aes, crypto::ke_offer(Ke::frodokem_976_aes)->public_value);
        }
        ASSERT_EQ(answers.size(), 1u);
        EXPECT_NE(answers.front().notify(NotifyType::invalid_syntax), nullptr);
        EXPECT_EQ(victim.engine.population().ike_sas, 0u);
        EXPECT_GE(count(victim, Counter::round_refused) + count(victim, Counter::bad_ke_value), 1u);
    }
}

TEST_F(Frodo, OfPrivateUseRunsBetweenThoseWhoKnowIt) {
    Pair pair;
    pair.configure(with(true, frodo_shake, PostQuantum::required, "aes256gcm16-x25519-ke1_frodo640shake"),
                   with(false, frodo_shake, PostQuantum::required, "aes256gcm16-x25519-ke1_frodo640shake"));
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    EXPECT_EQ(pair.a.only_sa(pair.now).proposal->additional, std::vector{Ke::frodokem_640_shake});
    // What the Vendor IDs said outlives the IKE SA.
    ASSERT_TRUE(pair.rekey(pair.b, {.ike = "gw"}).result) << pair.b.log();
    ASSERT_TRUE(pair.rekey(pair.a, {.child = "net"}).result) << pair.a.log();
    EXPECT_EQ(pair.a.only_sa(pair.now).children.front().proposal.additional, std::vector{Ke::frodokem_640_shake});
    EXPECT_EQ(count(pair.a, Counter::private_number_ignored) + count(pair.b, Counter::private_number_ignored), 0u);
}

TEST_F(Frodo, OfPrivateUseRunsUnderTheNumberThatAnOperatorGave) {
    struct Restored {
        ~Restored() { model::use_assigned_numbers({}); }
    } restored;
    model::use_assigned_numbers(*model::parse_assigned_numbers("frodo640shake=50999"));
    Pair pair;
    pair.configure(with(true, frodo_shake, PostQuantum::required), with(false, frodo_shake, PostQuantum::required));
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    const Ke method = pair.a.only_sa(pair.now).proposal->additional.at(0);
    EXPECT_EQ(static_cast<unsigned>(method), 50999U);
    EXPECT_EQ(model::name_of(method), "FRODOKEM_640_SHAKE");
    EXPECT_FALSE(crypto::shape_of(Ke::frodokem_640_shake)) << "the number means nothing any more";
    ASSERT_TRUE(pair.rekey(pair.b, {.ike = "gw"}).result) << pair.b.log();
}

TEST_F(Frodo, OfPrivateUseIsIgnoredFromStrangers) {
    Node victim{2};
    ScriptedPeer peer(victim);
    Effects effects;
    constexpr const char* optional = "aes256gcm16-prfsha384-x25519-ke1_frodo640shake-ke1_none";
    victim.engine.step(peer.now, Configure{config_of(with(false, optional)), nullptr}, effects);
    peer.init(optional);
    const auto answer = *wire::parse_message(peer.init_response);
    const auto chosen = answer.find<wire::SaPayload>()->proposals.front();
    for (const model::Transform& transform : chosen.transforms)
        EXPECT_FALSE(model::is_additional_ke(transform.type) && transform.id != 0) << transform.text();
    EXPECT_EQ(answer.find<wire::VendorIdPayload>(), nullptr);
    EXPECT_EQ(count(victim, Counter::private_number_ignored), 1u);
}

TEST_F(Frodo, OfPrivateUseIsNotBelievedFromAStranger) {
    Pair pair;
    pair.configure(with(true, frodo_shake), with(false, frodo_shake));
    pair.meddler = without_vendor_id(pair.b, pair);
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_EQ(count(pair.a, Counter::wrong_choice), 1u);
    EXPECT_NE(pair.a.log().find("number of private use"), std::string::npos);
}

// A peer that does not know our numbers sees none, and no Vendor ID, where the connection does not name one.
TEST_F(Frodo, OfPrivateUseIsShownToNobodyWithoutNeed) {
    Pair pair;
    pair.configure(with(true, frodo), with(false, frodo_shake));
    bool seen = false;
    pair.meddler = [&](Send& send) {
        const std::string_view name = model::private_use::vendor_id;
        seen |= std::search(send.datagram.begin(), send.datagram.end(), name.begin(), name.end()) != send.datagram.end();
        return true;
    };
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_FALSE(seen);
}

}  // namespace
}  // namespace cygnet::ike::test
