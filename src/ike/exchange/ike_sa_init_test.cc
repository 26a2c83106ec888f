#include "ike/exchange/ike_sa_init.h"

#include <gtest/gtest.h>

#include "ike/test_pair.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;

model::Connection with_ike(bool at_a, const char* proposals) {
    model::Connection made = connection(at_a);
    made.proposals = *model::parse_proposals(model::Protocol::ike, proposals);
    return made;
}

// RFC 7296 §2.6 [51]: the request again with the cookie first.
TEST(IkeSaInit, ReturnsACookieUnderLoadAndComesUp) {
    Pair pair({}, {.always_cookie = true});
    pair.configure(connection(true), connection(false));
    EXPECT_TRUE(pair.initiate(pair.a).result);
    EXPECT_TRUE(pair.up());
    EXPECT_EQ(pair.b.engine.counters()[Counter::cookie_sent], 1u);
}

// RFC 7296 §2.6 [52]: stateless.
TEST(IkeSaInit, KeepsNothingOfAStrangerWithoutACookie) {
    Pair pair({}, {.always_cookie = true});
    pair.configure(connection(true), connection(false));
    pair.meddler = [&](Send& send) { return send.path.remote.address == address("192.0.2.2"); };  // The cookie is lost.
    pair.initiate(pair.a);
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u);
}

// RFC 7296 §1.2, §3.4 [46, 47]: the whole set is offered again with the other group.
TEST(IkeSaInit, RepeatsWithTheGroupThatTheResponderWants) {
    Pair pair;
    pair.configure(with_ike(true, "aes256gcm16-prfsha256-x25519-ecp256"),
                   with_ike(false, "aes256gcm16-prfsha256-ecp256"));
    EXPECT_TRUE(pair.initiate(pair.a).result);
    ASSERT_TRUE(pair.up());
    EXPECT_EQ(pair.a.only_sa(pair.now).proposal->ke, model::Ke::ecp_256);
}

// RFC 7296 §2.6.1 [53]: kept in the retry.
TEST(IkeSaInit, KeepsTheCookieWhenTheGroupChanges) {
    Pair pair({}, {.always_cookie = true});
    pair.configure(with_ike(true, "aes256gcm16-prfsha256-x25519-ecp256"),
                   with_ike(false, "aes256gcm16-prfsha256-ecp256"));
    EXPECT_TRUE(pair.initiate(pair.a).result);
    EXPECT_TRUE(pair.up());
    EXPECT_EQ(pair.b.engine.counters()[Counter::cookie_sent], 1u);
}

TEST(IkeSaInit, EndsAtOnceWithoutACommonProposal) {
    Pair pair;
    pair.configure(with_ike(true, "aes256gcm16-prfsha256-x25519"), with_ike(false, "aes128-sha256-modp2048"));
    const CommandDone done = pair.initiate(pair.a);
    ASSERT_FALSE(done.result);
    EXPECT_NE(done.result.error().detail.find("NO_PROPOSAL_CHOSEN"), std::string::npos);
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
    EXPECT_EQ(pair.b.engine.counters()[Counter::no_proposal_chosen], 1u);
    EXPECT_NE(pair.b.log().find("no IKE proposal in common"), std::string::npos);
}

// RFC 9242 §3.1 [149]: only when both announced it.
TEST(IkeSaInit, FallsBackToAClassicPeerUnlessPostQuantumIsRequired) {
    Pair pair;
    pair.configure(connection(true), with_ike(false, "aes256gcm16-prfsha384-x25519"));
    EXPECT_TRUE(pair.initiate(pair.a).result);
    ASSERT_TRUE(pair.up());
    EXPECT_TRUE(pair.a.only_sa(pair.now).proposal->additional.empty());

    Pair strict;
    model::Connection required = connection(true);
    required.post_quantum = model::PostQuantum::required;
    strict.configure(required, with_ike(false, "aes256gcm16-prfsha384-x25519"));
    EXPECT_FALSE(strict.initiate(strict.a).result);
}

TEST(IkeSaInit, RunsEveryKindOfSuite) {
    for (const char* suite :
         {"aes128-sha256-modp2048", "aes256-sha384-ecp384", "aes256-sha512-ecp521", "chacha20poly1305-prfsha256-x25519",
          "aes128gcm16-prfsha512-modp3072", "aes256gcm16-prfsha384-x25519-ke1_mlkem1024"}) {
        Pair pair;
        pair.configure(with_ike(true, suite), with_ike(false, suite));
        EXPECT_TRUE(pair.initiate(pair.a).result) << suite << "\n" << pair.a.log() << "---\n" << pair.b.log();
        EXPECT_TRUE(pair.up()) << suite;
    }
}

TEST(IkeSaInit, AnswersARepeatedRequestWithTheSameOctetsAndNoNewState) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    std::vector<Bytes> answers;
    bool repeated = false;
    pair.meddler = [&](Send& send) {
        if (send.path.remote.address == address("192.0.2.1") && send.datagram[18] == 34)
            answers.push_back(send.datagram);
        if (send.datagram[18] == 34 && !std::exchange(repeated, true)) pair.a.outbox.push_back(send);
        return true;
    };
    EXPECT_TRUE(pair.initiate(pair.a).result);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0], answers[1]);
    EXPECT_TRUE(pair.up());
}

TEST(IkeSaInit, TakesUnauthenticatedErrorsForHintsOnly) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    pair.meddler = [&](Send& send) {  // Somebody answers faster than the responder.
        if (send.path.remote.address != address("192.0.2.2") || send.datagram[18] != 34) return true;
        const auto header = wire::parse_header(send.datagram);
        for (const auto type : {model::NotifyType::invalid_syntax, model::NotifyType::authentication_failed,
                                model::NotifyType::invalid_ike_spi}) {
            wire::MessageBuilder forged;
            forged.notify(type);
            wire::Header answer = *header;
            answer.initiator = false;
            answer.response = true;
            pair.step(pair.a, Datagram{.path = {send.path.local, send.path.remote}, .bytes = forged.finish(answer)});
        }
        return true;
    };
    EXPECT_TRUE(pair.initiate(pair.a).result);
    EXPECT_TRUE(pair.up());
}

// RFC 7296 §1.2 [46]: no loop.
TEST(IkeSaInit, DoesNotFollowAResponderThatSendsItRoundForEver) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    pair.meddler = [&](Send& send) {
        wire::Header answer = *wire::parse_header(send.datagram);
        answer.initiator = false;
        answer.response = true;
        wire::MessageBuilder forged;
        forged.notify(model::NotifyType::cookie, pair.a.rng.bytes(16));
        pair.step(pair.a, Datagram{.path = {send.path.local, send.path.remote}, .bytes = forged.finish(answer)});
        return false;
    };
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_LE(pair.a.engine.counters()[Counter::ike_init_out_req], model::limits::sa_init_retries + 1);
}

TEST(IkeSaInit, RefusesAPublicValueThatIsNoPoint) {
    Pair pair;
    pair.configure(with_ike(true, "aes256gcm16-prfsha256-ecp256"), with_ike(false, "aes256gcm16-prfsha256-ecp256"));
    pair.meddler = [&](Send& send) {
        auto message = *wire::parse_message(send.datagram);
        if (message.header.exchange != ExchangeType::ike_sa_init || message.header.response) return true;
        const Bytes zeros(64, 0);
        for (wire::Payload& payload : message.payloads)
            if (auto* ke = std::get_if<wire::KePayload>(&payload)) ke->data = zeros;
        send.datagram = wire::written(message);
        return true;
    };
    pair.initiate(pair.a);
    EXPECT_EQ(pair.b.engine.counters()[Counter::bad_ke_value], 1u);
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u);
}

TEST(IkeSaInit, NamesAMissingConnectionToTheOperator) {
    Pair pair;
    model::Connection elsewhere = connection(false);
    elsewhere.remote_addrs = {{.text = "198.51.100.1", .range = model::AddressRange::parse("198.51.100.1")}};
    pair.configure(connection(true), elsewhere);
    EXPECT_FALSE(pair.initiate(pair.a).result);
    EXPECT_NE(pair.b.log().find("no connection is configured"), std::string::npos);
}

}  // namespace
}  // namespace cygnet::ike::test
