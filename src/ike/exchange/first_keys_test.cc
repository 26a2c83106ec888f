#include "ike/exchange/first_keys.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;

class FirstKeys : public testing::Test {
protected:
    FirstKeys() { peer.step(Configure{config_of(connection(false)), nullptr}); }

    // How often the engine computed a shared secret.
    std::ptrdiff_t secrets() const {
        constexpr std::size_t finish = 2;
        static_assert(std::is_same_v<std::variant_alternative_t<finish, crypto::Job::variant>, crypto::KeFinishJob>);
        return std::ranges::count(peer.jobs, finish);
    }
    Bytes garbage(ExchangeType exchange, std::uint32_t message_id) {
        wire::MessageBuilder message;
        message.add(wire::SkPayload{.first = model::PayloadType::id_i, .content = Bytes(96, 3)});
        return message.finish(peer.header(exchange, message_id));
    }
    std::uint64_t count(Counter counter) const { return victim.engine.counters()[counter]; }

    Node victim{2};
    ScriptedPeer peer{victim};
};

// RFC 8019 §3, §4.6 [192]: IKE_SA_INIT costs no shared secret, garbage afterwards one.
TEST_F(FirstKeys, AreComputedOnceAndOnlyWhenSomethingNeedsThem) {
    peer.init();
    EXPECT_EQ(secrets(), 0);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(peer.raw(garbage(ExchangeType::ike_auth, 1)).empty());
    EXPECT_EQ(secrets(), 1);
    EXPECT_EQ(count(Counter::integrity_failed), 20u);
    // The honest message still finds its keys.
    EXPECT_EQ(peer.send(ExchangeType::ike_auth, peer.auth()).size(), 1u);
    EXPECT_EQ(victim.engine.list(peer.now).at(0).state, model::IkeState::established);
    EXPECT_EQ(secrets(), 1);
}

TEST_F(FirstKeys, AreNotComputedForWhatCannotBeTheNextMessage) {
    peer.init();
    EXPECT_TRUE(peer.raw(garbage(ExchangeType::create_child_sa, 1)).empty());
    EXPECT_TRUE(peer.raw(garbage(ExchangeType::informational, 1)).empty());
    EXPECT_TRUE(peer.raw(garbage(ExchangeType::ike_auth, 0)).empty());
    EXPECT_TRUE(peer.raw(garbage(ExchangeType::ike_auth, 2)).empty());
    wire::MessageBuilder clear;
    clear.notify(model::NotifyType::invalid_syntax);
    EXPECT_TRUE(peer.raw(clear.finish(peer.header(ExchangeType::ike_auth, 1))).empty());
    EXPECT_EQ(secrets(), 0);
    EXPECT_EQ(count(Counter::unexpected_exchange), 2u);
    EXPECT_EQ(count(Counter::unprotected_message), 1u);
    EXPECT_EQ(count(Counter::unexpected_message_id), 2u);
}

TEST_F(FirstKeys, AreAwaitedByEveryDatagramThatNeedsThem) {
    peer.init();
    peer.jobs_are_slow = true;
    EXPECT_TRUE(peer.raw(garbage(ExchangeType::ike_auth, 1)).empty());
    EXPECT_TRUE(peer.raw(peer.sealed(peer.header(ExchangeType::ike_auth, 1), peer.auth().take_chain())).empty());
    peer.jobs_are_slow = false;
    peer.end_slow_jobs();
    EXPECT_EQ(peer.sent().size(), 1u);
    EXPECT_EQ(victim.engine.list(peer.now).at(0).state, model::IkeState::established) << victim.log();
}

TEST_F(FirstKeys, LetOnlySoMuchWaitForThem) {
    peer.init();
    peer.jobs_are_slow = true;
    for (std::size_t i = 0; i < 2 * model::limits::waiting_datagrams_per_half_open; ++i)
        peer.raw(garbage(ExchangeType::ike_auth, 1));
    EXPECT_EQ(count(Counter::limit_reached), model::limits::waiting_datagrams_per_half_open);
    EXPECT_EQ(secrets(), 1);
}

// RFC 6989 §2.5 [49]: no IKE SA comes of a value outside its group.
TEST_F(FirstKeys, DoNotComeOfAValueOutsideTheGroup) {
    peer.sent_value = Bytes(32, 0);  // of small order: the secret would be zero
    peer.init();
    EXPECT_TRUE(peer.raw(garbage(ExchangeType::ike_auth, 1)).empty());
    EXPECT_EQ(count(Counter::bad_ke_value), 1u);
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

// RFC 7296 §3.4 [48]: the length is the group's.
TEST_F(FirstKeys, AreNotEvenBegunWithAValueOfAnotherLength) {
    wire::MessageBuilder message;
    message.add(wire::SaPayload{*model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519")});
    message.add(wire::KePayload{.method = model::Ke::curve25519, .data = Bytes(31, 9)});
    message.add(wire::NoncePayload{peer.nonce_i});
    const auto sent = peer.raw(message.finish({.spi_i = 1, .exchange = ExchangeType::ike_sa_init, .initiator = true}));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_NE(wire::parse_message(sent.front())->notify(model::NotifyType::invalid_syntax), nullptr);
    EXPECT_EQ(count(Counter::bad_ke_value), 1u);
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

}  // namespace
}  // namespace cygnet::ike::test
