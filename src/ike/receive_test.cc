#include "ike/receive.h"

#include <gtest/gtest.h>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;
using model::PayloadType;

class Receive : public testing::Test {
protected:
    void SetUp() override {
        Effects effects;
        victim.engine.step(peer.now, Configure{config_of(connection(false)), nullptr}, effects);
    }
    std::uint64_t count(Counter counter) const { return victim.engine.counters()[counter]; }
    bool alive() const {
        const auto all = victim.engine.list(peer.now);
        return all.size() == 1 && all.front().state == model::IkeState::established;
    }
    std::size_t sas() const { return victim.engine.population().ike_sas; }
    // Whether the SA still answers a liveness check.
    bool answers() { return peer.send(ExchangeType::informational, {}).size() == 1; }

    Node victim{2};
    ScriptedPeer peer{victim};
};

// ---- strangers ------------------------------------------------------------------------------------

TEST_F(Receive, CountsWhatIsNoIkeMessageAndSaysNothing) {
    for (const std::size_t size : {0u, 1u, 15u, 27u, 28u, 1500u, 65507u})
        EXPECT_TRUE(peer.raw(Bytes(size, 0x5a)).empty());
    EXPECT_EQ(count(Counter::malformed_header), 7u);
    EXPECT_EQ(sas(), 0u);
}

// RFC 7296 §2.5 [3, 22]: dropped, and answered at a limited rate.
TEST_F(Receive, AnswersAHigherMajorVersionOnceInAWhile) {
    wire::MessageBuilder message;
    message.add(wire::NoncePayload{peer.nonce_i});
    Bytes datagram =
        message.finish({.spi_i = 1, .major_version = 3, .exchange = ExchangeType::ike_sa_init, .initiator = true});
    const auto sent = peer.raw(datagram);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_NE(wire::parse_message(sent.front())->notify(NotifyType::invalid_major_version), nullptr);
    std::size_t answers = 1;
    for (int i = 0; i < 1000; ++i) answers += peer.raw(datagram).size();
    EXPECT_EQ(answers, model::limits::invalid_spi_replies_per_second);
}

// RFC 7296 §2.21.4 [30]: one unprotected INVALID_IKE_SPI with the same SPIs and ID.
TEST_F(Receive, AnswersAnUnknownSpiWithoutAnyState) {
    wire::MessageBuilder message;
    message.add(wire::SkPayload{.first = PayloadType::none, .content = Bytes(64, 1)});
    const auto sent = peer.raw(message.finish(
        {.spi_i = 5, .spi_r = 6, .exchange = ExchangeType::informational, .initiator = true, .message_id = 9}));
    ASSERT_EQ(sent.size(), 1u);
    const auto answer = *wire::parse_message(sent.front());
    EXPECT_NE(answer.notify(NotifyType::invalid_ike_spi), nullptr);
    EXPECT_EQ(answer.header.message_id, 9u);
    EXPECT_EQ(answer.header.spi_r, 6u);
    EXPECT_TRUE(answer.header.response);
}

// RFC 7296 §3.1 [6, 30]: a response gets no response.
TEST_F(Receive, NeverAnswersAResponse) {
    wire::MessageBuilder message;
    message.notify(NotifyType::invalid_syntax);
    EXPECT_TRUE(
        peer.raw(message.finish({.spi_i = 5, .spi_r = 6, .exchange = ExchangeType::informational, .response = true}))
            .empty());
}

// RFC 7296 §2.5 [26]: refused with its type.
TEST_F(Receive, RefusesACriticalPayloadOfAStranger) {
    wire::MessageBuilder message;
    message.add(wire::UnknownPayload{.type = static_cast<PayloadType>(99), .critical = true, .body = peer.nonce_i});
    const auto sent = peer.raw(message.finish({.spi_i = 5, .exchange = ExchangeType::ike_sa_init, .initiator = true}));
    ASSERT_EQ(sent.size(), 1u);
    const auto answer = *wire::parse_message(sent.front());
    ASSERT_NE(answer.notify(NotifyType::unsupported_critical_payload), nullptr);
    EXPECT_EQ(answer.notify(NotifyType::unsupported_critical_payload)->data[0], 99);
    EXPECT_EQ(sas(), 0u);
}

TEST_F(Receive, KeepsNothingOfAnIncompleteFirstRequest) {
    for (const PayloadType missing : {PayloadType::sa, PayloadType::ke, PayloadType::nonce}) {
        wire::MessageBuilder message;
        if (missing != PayloadType::sa)
            message.add(wire::SaPayload{*model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519")});
        if (missing != PayloadType::ke)
            message.add(wire::KePayload{.method = model::Ke::curve25519, .data = Bytes(32, 9)});
        if (missing != PayloadType::nonce) message.add(wire::NoncePayload{peer.nonce_i});
        peer.raw(message.finish({.spi_i = 5, .exchange = ExchangeType::ike_sa_init, .initiator = true}));
    }
    EXPECT_EQ(sas(), 0u);
    EXPECT_EQ(count(Counter::payload_missing), 3u);
}

TEST_F(Receive, BoundsHalfOpenStateByCookies) {
    for (std::uint64_t i = 1; i <= 300; ++i) {
        ScriptedPeer stranger(victim);
        wire::MessageBuilder message;
        message.add(wire::SaPayload{*model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519")});
        message.add(wire::KePayload{.method = model::Ke::curve25519, .data = Bytes(32, 9)})
            .add(wire::NoncePayload{peer.nonce_i});
        stranger.raw(message.finish({.spi_i = i, .exchange = ExchangeType::ike_sa_init, .initiator = true}));
    }
    // All of them come from one address.
    EXPECT_EQ(sas(), model::limits::half_open_per_prefix_before_cookies);
    EXPECT_EQ(count(Counter::cookie_sent), 300 - model::limits::half_open_per_prefix_before_cookies);
}

// ---- half-open ------------------------------------------------------------------------------------

TEST_F(Receive, EstablishesAnHonestPeer) {
    peer.establish();
    EXPECT_TRUE(answers());
}

// RFC 7296 §1 [25], RFC 9242 §3.2 [151]: nothing but the set-up before IKE_AUTH is complete.
TEST_F(Receive, EstablishesNobodyByAnotherExchange) {
    peer.init();
    for (const ExchangeType exchange :
         {ExchangeType::create_child_sa, ExchangeType::informational, ExchangeType::ike_followup_ke}) {
        wire::MessageBuilder message;
        if (exchange == ExchangeType::create_child_sa) message = peer.auth();
        EXPECT_TRUE(peer.opened(peer.raw(peer.sealed(peer.header(exchange, 1), message.take_chain()))).empty());
    }
    EXPECT_EQ(count(Counter::unexpected_exchange), 3u);
    EXPECT_FALSE(alive());
    EXPECT_EQ(peer.send(ExchangeType::ike_auth, peer.auth()).size(), 1u);  // The honest message still counts.
    EXPECT_TRUE(alive());
}

TEST_F(Receive, RefusesIkeAuthWithoutEachOfItsPayloads) {
    for (const PayloadType missing :
         {PayloadType::id_i, PayloadType::auth, PayloadType::sa, PayloadType::ts_i, PayloadType::ts_r}) {
        ScriptedPeer sloppy(victim);
        sloppy.spis.initiator += static_cast<std::uint64_t>(missing);
        sloppy.init();
        const auto answers = sloppy.send(ExchangeType::ike_auth, sloppy.auth({missing}));
        ASSERT_EQ(answers.size(), 1u) << model::name_of(missing);
        // RFC 7296 §2.16: without AUTH it asks for EAP, which we do not do.
        const auto expected =
            missing == PayloadType::auth ? NotifyType::authentication_failed : NotifyType::invalid_syntax;
        EXPECT_NE(answers.front().notify(expected), nullptr) << model::name_of(missing);
        EXPECT_EQ(sas(), 0u) << model::name_of(missing);
    }
}

// RFC 8019 §4.6 [192]: counted, then dropped.
TEST_F(Receive, DropsForgedMessagesAndAtLastTheirHalfOpenSa) {
    peer.init();
    Bytes forged = peer.sealed(peer.header(ExchangeType::ike_auth, 1), peer.auth().take_chain());
    forged.back() ^= 1;
    for (std::size_t i = 0; i < model::limits::forged_messages_per_half_open; ++i)
        EXPECT_TRUE(peer.raw(forged).empty());
    EXPECT_EQ(sas(), 1u);
    peer.raw(forged);
    EXPECT_EQ(sas(), 0u);
}

// RFC 9242 §3.2 [150]: all of them, then IKE_AUTH.
TEST_F(Receive, DemandsEveryNegotiatedRoundBeforeIkeAuth) {
    peer.init("aes256gcm16-prfsha384-x25519-ke1_mlkem768");
    const auto answers = peer.send(ExchangeType::ike_auth, peer.auth());
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(NotifyType::invalid_syntax), nullptr);
    EXPECT_EQ(sas(), 0u);
}

// RFC 9242 §5 [153]: their number is bounded.
TEST_F(Receive, RefusesARoundThatWasNotNegotiated) {
    peer.init();
    wire::MessageBuilder message;
    message.add(wire::KePayload{.method = model::Ke::ml_kem_768, .data = Bytes(1184, 0)});
    const auto answers = peer.send(ExchangeType::ike_intermediate, std::move(message));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(NotifyType::invalid_syntax), nullptr);
    EXPECT_EQ(sas(), 0u);
}

// RFC 9370 §2.2.2 [158], draft-ietf-ipsecme-ikev2-mlkem §3 [162]: the method of the round, with a good key.
TEST_F(Receive, RefusesARoundOfAnotherMethodOrWithABadKey) {
    for (const model::Ke method : {model::Ke::ml_kem_512, model::Ke::ml_kem_768}) {
        ScriptedPeer odd(victim);
        odd.spis.initiator += static_cast<std::uint64_t>(method);
        odd.init("aes256gcm16-prfsha384-x25519-ke1_mlkem768");
        wire::MessageBuilder message;
        message.add(
            wire::KePayload{.method = method, .data = Bytes(method == model::Ke::ml_kem_512 ? 800 : 1184, 0xff)});
        const auto answers = odd.send(ExchangeType::ike_intermediate, std::move(message));
        ASSERT_EQ(answers.size(), 1u);
        EXPECT_NE(answers.front().notify(NotifyType::invalid_syntax), nullptr);
        EXPECT_EQ(sas(), 0u);
    }
}

// ---- established ----------------------------------------------------------------------------------

TEST_F(Receive, RepeatsNoAnswerForAForgedCopyOfARequest) {
    peer.establish();
    wire::MessageBuilder empty;
    const Bytes request = peer.sealed(peer.header(ExchangeType::informational, peer.next_id++), empty.take_chain());
    ASSERT_EQ(peer.raw(request).size(), 1u);
    Bytes forged = request;
    forged.back() ^= 1;
    EXPECT_TRUE(peer.raw(forged).empty());
    EXPECT_EQ(peer.raw(request).size(), 1u);
}

TEST_F(Receive, IgnoresMessageIdsOutsideTheWindow) {
    peer.establish();
    for (const std::uint32_t id : {0u, 4u, 100u, 0xffffffffu}) {
        wire::MessageBuilder empty;
        for (const Bytes& sent : peer.raw(peer.sealed(peer.header(ExchangeType::informational, id), empty.take_chain())))
            EXPECT_FALSE(wire::parse_header(sent)->response) << id;
    }
    EXPECT_EQ(count(Counter::unexpected_message_id), 4u);
    EXPECT_TRUE(answers());
}

// RFC 7296 §2.1 [12]: a repeated request brings the stored response back and nothing else.
TEST_F(Receive, RepeatsTheIdenticalAnswer) {
    peer.establish();
    wire::MessageBuilder empty;
    const Bytes request = peer.sealed(peer.header(ExchangeType::informational, peer.next_id++), empty.take_chain());
    const auto first = peer.raw(request), second = peer.raw(request);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first, second);
    EXPECT_EQ(count(Counter::info_in_req), 1u);
}

TEST_F(Receive, IsNotFooledByItsOwnReflectedMessages) {
    peer.establish();
    wire::MessageBuilder empty;
    const auto answer =
        peer.raw(peer.sealed(peer.header(ExchangeType::informational, peer.next_id++), empty.take_chain())).front();
    EXPECT_TRUE(peer.raw(answer).empty());
    Bytes flipped = answer;
    flipped[19] = 0x08;  // As if the initiator had asked.
    EXPECT_TRUE(peer.raw(flipped).empty());
    EXPECT_TRUE(answers());
}

// RFC 7296 §2.2 [6, 14]: a response needs a request.
TEST_F(Receive, IgnoresAResponseWithoutARequest) {
    peer.establish();
    wire::Header header = peer.header(ExchangeType::informational, 0);
    header.response = true;
    wire::MessageBuilder message;
    message.notify(NotifyType::authentication_failed);
    EXPECT_TRUE(peer.raw(peer.sealed(header, message.take_chain())).empty());
    EXPECT_TRUE(alive());
}

// RFC 7296 §2.4, §1.5 [21, 31]: unprotected messages change nothing, and an INFORMATIONAL one is not answered.
TEST_F(Receive, KeepsAnEstablishedSaWhateverIsSentInTheClear) {
    peer.establish();
    for (const NotifyType type :
         {NotifyType::invalid_ike_spi, NotifyType::authentication_failed, NotifyType::invalid_syntax,
          NotifyType::invalid_major_version, NotifyType::cookie, NotifyType::redirect}) {
        for (const bool response : {false, true}) {
            wire::Header header = peer.header(ExchangeType::informational, peer.next_id);
            header.response = response;
            wire::MessageBuilder message;
            message.notify(type);
            peer.raw(message.finish(header));
        }
    }
    wire::MessageBuilder deletes;
    deletes.add(wire::DeletePayload{.protocol = model::Protocol::ike, .spi_size = 0, .spis = {}});
    peer.raw(deletes.finish(peer.header(ExchangeType::informational, peer.next_id)));
    EXPECT_TRUE(alive());
    EXPECT_TRUE(answers());
}

// RFC 7296 §2.5 [26]: refused with its type.
TEST_F(Receive, RefusesACriticalPayloadButKeepsTheSa) {
    peer.establish();
    wire::MessageBuilder message;
    message.add(wire::UnknownPayload{.type = static_cast<PayloadType>(200), .critical = true, .body = {}});
    const auto refused = peer.send(ExchangeType::informational, std::move(message));
    ASSERT_EQ(refused.size(), 1u);
    ASSERT_NE(refused.front().notify(NotifyType::unsupported_critical_payload), nullptr);
    EXPECT_EQ(refused.front().notify(NotifyType::unsupported_critical_payload)->data[0], 200);
    EXPECT_TRUE(answers());
}

// RFC 7296 §2.5, §3.10.1, §4 [26, 33, 127]: what is unknown and not critical changes nothing.
TEST_F(Receive, SkipsUnknownPayloadsAndNotifications) {
    peer.establish();
    wire::MessageBuilder message;
    message.add(wire::UnknownPayload{.type = static_cast<PayloadType>(200), .critical = false, .body = {}});
    message.notify(static_cast<NotifyType>(8191)).notify(static_cast<NotifyType>(40000));
    EXPECT_EQ(peer.send(ExchangeType::informational, std::move(message)).size(), 1u);
    EXPECT_TRUE(answers());
}

// RFC 7296 §2.21.3, §3.14 [29, 32]: INVALID_SYNTAX, then the SA is closed; no SK inside SK.
TEST_F(Receive, EndsAnSaWhosePeerSendsNonsenseUnderItsKeys) {
    for (int kind = 0; kind < 3; ++kind) {
        ScriptedPeer sender(victim);
        sender.spis.initiator += static_cast<std::uint64_t>(kind);
        sender.init();
        sender.send(ExchangeType::ike_auth, sender.auth());
        ASSERT_TRUE(alive());
        wire::Chain chain{.first = PayloadType::nonce, .octets = {0, 0, 0, 200}};   // A length beyond the end.
        if (kind == 1) chain = {.first = PayloadType::sk, .octets = Bytes(60, 0)};  // SK inside SK.
        if (kind == 1) chain.octets[3] = 60;
        if (kind == 2) chain = {.first = PayloadType::none, .octets = {}};
        const auto exchange = kind == 2 ? static_cast<ExchangeType>(99) : ExchangeType::informational;
        const auto answers = sender.opened(sender.raw(sender.sealed(sender.header(exchange, sender.next_id++), chain)));
        ASSERT_EQ(answers.size(), 1u) << kind;
        EXPECT_NE(answers.front().notify(NotifyType::invalid_syntax), nullptr) << kind;
        EXPECT_EQ(sas(), 0u) << kind;
    }
}

// RFC 7296 §3.11 [122]: other protocols and sizes.
TEST_F(Receive, IgnoresDeletesOfWhatDoesNotExist) {
    peer.establish();
    const Bytes unknown(8, 0xee);
    for (const auto& [protocol, size] : {std::pair{model::Protocol::esp, 4},
                                         {model::Protocol::ah, 4},
                                         {model::Protocol::none, 0},
                                         {static_cast<model::Protocol>(255), 8},
                                         {model::Protocol::esp, 8}}) {
        wire::MessageBuilder message;
        message.add(wire::DeletePayload{.protocol = protocol,
                                        .spi_size = static_cast<std::uint8_t>(size),
                                        .spis = ByteView(unknown).first(size == 0 ? 0 : 8)});
        EXPECT_EQ(peer.send(ExchangeType::informational, std::move(message)).size(), 1u);
    }
    EXPECT_TRUE(alive());
    EXPECT_EQ(victim.engine.population().children, 1u);
}

// RFC 7296 §1.4.1 [123]: both halves at once.
TEST_F(Receive, DeletesAChildOnceHoweverOftenItIsNamed) {
    peer.establish();
    const Bytes spis{1, 2, 3, 4, 1, 2, 3, 4};
    wire::MessageBuilder message;
    message.add(wire::DeletePayload{.protocol = model::Protocol::esp, .spi_size = 4, .spis = spis});
    const auto answers = peer.send(ExchangeType::informational, std::move(message));
    ASSERT_EQ(answers.size(), 1u);
    const auto* deleted = std::get_if<wire::DeletePayload>(&answers.front().payloads.at(0));
    ASSERT_NE(deleted, nullptr);
    EXPECT_EQ(deleted->child_spis().size(), 1u);
    EXPECT_EQ(victim.engine.population().children, 0u);
}

}  // namespace
}  // namespace cygnet::ike::test
