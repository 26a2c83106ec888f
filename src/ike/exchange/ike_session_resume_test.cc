// RFC 5723 between two engines, and against a peer that does as it likes.
#include <gtest/gtest.h>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;
using model::Resumption;

model::Connection resuming(bool at_a, Resumption kind = Resumption::ticket) {
    model::Connection made = connection(at_a);
    made.resumption = kind;
    if (at_a) {
        made.dpd_delay = seconds(10);
        made.children.front().dpd_action = model::Action::start;
    }
    return made;
}

std::uint64_t counter(const Node& node, Counter which) { return node.engine.counters()[which]; }

struct Resuming : ::testing::Test {
    Pair pair;

    void SetUp() override { pair.configure(resuming(true), resuming(false)); }
    // a believes in its IKE SA until nobody answers its questions.
    void wait_for_the_reconnect() { pair.pass(minutes(6)); }
    void expect_resumed(bool resumed) {
        EXPECT_TRUE(pair.up()) << pair.a.log() << pair.b.log();
        EXPECT_TRUE(pair.children_agree());
        EXPECT_EQ(counter(pair.b, Counter::ike_resumed), resumed ? 1u : 0u) << pair.b.log();
        EXPECT_EQ(counter(pair.b, Counter::ike_init_in_req), resumed ? 0u : 1u);
    }
};

// RFC 5723 §4.3 [200], §5: IKE_SESSION_RESUME, then IKE_AUTH, without a key exchange.
TEST_F(Resuming, BringsTheTunnelBackWithoutAKeyExchange) {
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log();
    EXPECT_EQ(counter(pair.b, Counter::ticket_issued), 1u);
    const auto before = pair.a.only_sa(pair.now);
    pair.restart(pair.b);
    wait_for_the_reconnect();
    expect_resumed(true);
    const auto after = pair.a.only_sa(pair.now);
    EXPECT_EQ(after.proposal, before.proposal);
    EXPECT_EQ(after.remote_id, before.remote_id);
    EXPECT_NE(after.spi_i, before.spi_i);
    EXPECT_EQ(counter(pair.b, Counter::ticket_issued), 1u) << "the new IKE SA has a ticket, too";
}

// The keys of a hybrid handshake are inherited; its additional exchange is not made again.
TEST_F(Resuming, DoesNotRepeatAdditionalKeyExchanges) {
    model::Connection at_a = resuming(true), at_b = resuming(false);
    at_a.proposals = at_b.proposals = *model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha384-x25519-ke1_mlkem768");
    pair.configure(at_a, at_b);
    ASSERT_TRUE(pair.initiate(pair.a).result);
    pair.restart(pair.b);
    wait_for_the_reconnect();
    expect_resumed(true);
    EXPECT_EQ(counter(pair.b, Counter::intermediate_in_req), 0u);
}

// RFC 5723 §4.3.2 [201]: TICKET_NACK, then a regular exchange.
TEST_F(Resuming, FallsBackToAFullHandshakeWhenTheGatewayHasLostItsKeys) {
    ASSERT_TRUE(pair.initiate(pair.a).result);
    pair.restart(pair.b, false);
    wait_for_the_reconnect();
    expect_resumed(false);
    EXPECT_EQ(counter(pair.b, Counter::ticket_refused), 1u);
}

TEST_F(Resuming, IsRefusedWhenTheConnectionHasChanged) {
    ASSERT_TRUE(pair.initiate(pair.a).result);
    const auto change = [&](auto how) {
        model::Connection changed = resuming(false);
        how(changed);
        pair.b.config = config_of(std::move(changed));
    };
    change([](model::Connection& to) { to.remote.front().id = model::Identity::parse("*.example"); });
    pair.restart(pair.b);
    wait_for_the_reconnect();
    expect_resumed(false);
    change([](model::Connection& to) { to.name = "other"; });
    pair.restart(pair.b);
    wait_for_the_reconnect();
    expect_resumed(false);
    change([](model::Connection& to) { to.resumption = Resumption::no; });
    pair.restart(pair.b);
    wait_for_the_reconnect();
    expect_resumed(false);
}

TEST_F(Resuming, IsRefusedWhenTheSharedSecretHasChanged) {
    ASSERT_TRUE(pair.initiate(pair.a).result);
    pair.b.config = config_of(resuming(false), "another secret");
    pair.restart(pair.b);
    wait_for_the_reconnect();
    EXPECT_EQ(counter(pair.b, Counter::ticket_refused), 1u) << pair.b.log();
    EXPECT_EQ(counter(pair.b, Counter::ike_resumed), 0u);
    EXPECT_FALSE(pair.up());
}

// RFC 5723 §6.2 [202]: a Delete of either side ends the ticket.
TEST_F(Resuming, DoesNotFollowADelete) {
    for (Node* who : {&pair.a, &pair.b}) {
        ASSERT_TRUE(pair.initiate(pair.a).result);
        ASSERT_TRUE(pair.terminate(*who).result);
        ASSERT_TRUE(pair.initiate(pair.a).result);
        EXPECT_EQ(counter(pair.b, Counter::resume_in_req), 0u);
        ASSERT_TRUE(pair.terminate(pair.a).result);
    }
}

// RFC 5723 §6.2: a rekey invalidates the ticket, and the client asks for another, whoever rekeyed.
TEST_F(Resuming, SurvivesRekeysOfTheIkeSa) {
    ASSERT_TRUE(pair.initiate(pair.a).result);
    ASSERT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result);
    ASSERT_TRUE(pair.rekey(pair.b, {.ike = "gw"}).result);
    EXPECT_EQ(counter(pair.b, Counter::ticket_issued), 3u) << pair.a.log();
    pair.restart(pair.b);
    wait_for_the_reconnect();
    expect_resumed(true);
}

// RFC 5723 §4.3.1 [200]: an expired ticket is not presented.
TEST_F(Resuming, AnExpiredTicketStaysAtHome) {
    model::Connection at_b = resuming(false);
    at_b.rekey_time = seconds(50);
    at_b.over_time = seconds(10);
    at_b.rand_time = Duration{0};
    pair.configure(resuming(true), at_b);
    ASSERT_TRUE(pair.initiate(pair.a).result);
    EXPECT_NE(pair.a.log().find("good for 60 s"), std::string::npos) << pair.a.log();
    pair.restart(pair.b);
    wait_for_the_reconnect();
    expect_resumed(false);
    EXPECT_EQ(counter(pair.b, Counter::resume_in_req), 0u);
}

// RFC 5723 §4.1: before a ticket runs out, the client asks for another.
TEST_F(Resuming, ATicketIsRenewedInTime) {
    model::Connection at_b = resuming(false);
    at_b.rekey_time = Duration{0};
    model::Connection at_a = resuming(true);
    at_a.rekey_time = Duration{0};
    pair.configure(at_a, at_b);
    ASSERT_TRUE(pair.initiate(pair.a).result);
    pair.pass(hours(19));
    EXPECT_EQ(counter(pair.b, Counter::ticket_issued), 2u);
}

// RFC 5723 §4.3.4: the old SA is silently deleted.
TEST_F(Resuming, ReplacesAnSaThatTheGatewayStillHas) {
    ASSERT_TRUE(pair.initiate(pair.a).result);
    pair.meddler = [](Send&) { return false; };
    pair.pass(seconds(165 + 20));
    pair.meddler = nullptr;
    wait_for_the_reconnect();
    EXPECT_TRUE(pair.up()) << pair.a.log() << pair.b.log();
    EXPECT_EQ(counter(pair.b, Counter::ike_resumed), 1u);
    EXPECT_EQ(pair.b.events_of<model::IkeDown>().size(), 1u);
}

TEST_F(Resuming, AReplayedRequestIsWorthNothing) {
    ASSERT_TRUE(pair.initiate(pair.a).result);
    pair.restart(pair.b);
    Bytes request;
    pair.meddler = [&](Send& send) {
        const auto header = *wire::parse_header(send.datagram);
        if (header.exchange != ExchangeType::ike_session_resume || header.response || !request.empty()) return true;
        // An eavesdropper is faster, with an SPI of its own.
        request = send.datagram;
        request[0] ^= 1;
        pair.step(pair.b, Datagram{.path = {send.path.remote, send.path.local}, .bytes = request});
        pair.b.outbox.clear();
        return true;
    };
    wait_for_the_reconnect();
    EXPECT_EQ(counter(pair.b, Counter::ike_resumed), 1u) << "it did not use up the ticket";
    pair.pass(minutes(1));
    expect_resumed(true);
    // RFC 5723 §4.3.1: now the ticket is used.
    request[0] ^= 2;
    pair.step(pair.b, Datagram{.path = {{address("192.0.2.2"), 500}, {address("192.0.2.1"), 500}}, .bytes = request});
    ASSERT_EQ(pair.b.outbox.size(), 1u);
    const Bytes answer = pair.b.outbox.front().datagram;
    EXPECT_NE(wire::parse_message(answer)->notify(NotifyType::ticket_nack), nullptr);
    EXPECT_LT(answer.size(), request.size());
    pair.b.outbox.clear();
    EXPECT_EQ(pair.b.engine.population().half_open, 0u);
}

TEST(ResumptionWithCookies, TheRequestComesAgainWithTheCookie) {
    Pair pair({}, {.always_cookie = true});
    pair.configure(resuming(true), resuming(false));
    ASSERT_TRUE(pair.initiate(pair.a).result);
    pair.restart(pair.b);
    pair.pass(minutes(6));
    EXPECT_TRUE(pair.up()) << pair.a.log();
    EXPECT_EQ(counter(pair.b, Counter::ike_resumed), 1u);
}

// ---- a peer that does as it likes -------------------------------------------------------------------

struct HostileResumption : ::testing::Test {
    Node victim{2};
    ScriptedPeer peer{victim};
    Bytes ticket{};
    SecretBytes old_d{};

    void SetUp() override {
        model::Connection made = resuming(false);
        peer.step(Configure{config_of(std::move(made)), nullptr});
        peer.init();
        wire::MessageBuilder request = peer.auth();
        request.notify(NotifyType::ticket_request);
        const auto answers = peer.send(ExchangeType::ike_auth, std::move(request));
        ASSERT_EQ(answers.size(), 1u);
        const auto* given = answers[0].notify(NotifyType::ticket_lt_opaque);
        ASSERT_NE(given, nullptr) << victim.log();
        ticket = keep(given->data.subspan(4));
        old_d = peer.protection->sk_d().clone();
    }
    Bytes request(ByteView with_ticket) {
        peer.spis = {.initiator = peer.spis.initiator + 1, .responder = 0};
        peer.next_id = 1;
        wire::MessageBuilder message;
        message.add(wire::NoncePayload{peer.nonce_i}).notify(NotifyType::ticket_opaque, with_ticket);
        return message.finish(
            {.spi_i = peer.spis.initiator, .exchange = ExchangeType::ike_session_resume, .initiator = true});
    }
    // The gateway takes the ticket, and we have the keys that follow from SK_d.
    void resume(const SecretBytes& d) {
        peer.init_request = request(ticket);
        const auto sent = peer.raw(peer.init_request);
        ASSERT_EQ(sent.size(), 1u);
        peer.init_response = sent.front();
        const auto answer = *wire::parse_message(peer.init_response);
        ASSERT_NE(answer.find<wire::NoncePayload>(), nullptr) << victim.log();
        EXPECT_EQ(answer.header.exchange, ExchangeType::ike_session_resume);
        peer.spis.responder = answer.header.spi_r;
        peer.nonce_r = keep(answer.find<wire::NoncePayload>()->data);
        peer.protection = std::move(*Protection::make(
            peer.proposal, keys_after_resumption(peer.proposal, d, {peer.nonce_i, peer.nonce_r}, peer.spis), true));
    }
    wire::MessageBuilder auth(const char* id) {
        const model::Identity who = model::Identity::parse(id);
        const Bytes octets = signed_octets(peer.proposal.prf, peer.init_request, peer.nonce_r,
                                           peer.protection->sk_p(true), id_payload_body(who), {});
        const AuthData proof = resumed_auth(peer.proposal.prf, peer.protection->sk_p(true), octets);
        wire::MessageBuilder message;
        message.add(wire::IdiPayload{.id_type = who.type, .data = who.data});
        message.add(wire::AuthPayload{.method = proof.method, .data = proof.data});
        return message;
    }
    std::size_t established() {
        std::size_t count = 0;
        for (const auto& sa : victim.engine.list(peer.now)) count += sa.state == model::IkeState::established;
        return count;
    }
    void expect_nack(ByteView with_ticket) {
        const Bytes sent_request = request(with_ticket);
        const auto sent = peer.raw(sent_request);
        ASSERT_EQ(sent.size(), 1u);
        EXPECT_NE(wire::parse_message(sent[0])->notify(NotifyType::ticket_nack), nullptr);
        EXPECT_LE(sent[0].size(), sent_request.size());
        EXPECT_EQ(victim.engine.population().half_open, 0u);
    }
};

// RFC 5723 §4.3.2 [201], §9.2: forged and truncated tickets.
TEST_F(HostileResumption, ForgedTicketsEarnANackAndNoState) {
    for (std::size_t i = 0; i < ticket.size(); i += 7) {
        Bytes forged = ticket;
        forged[i] ^= 1;
        expect_nack(forged);
        expect_nack(ByteView(ticket).first(i));
    }
    expect_nack(Bytes(2048, 1));
    EXPECT_EQ(established(), 1u);
}

TEST_F(HostileResumption, TheKeysAloneResume) {
    resume(old_d);
    EXPECT_EQ(peer.send(ExchangeType::ike_auth, auth("a.example")).size(), 1u);
    EXPECT_EQ(established(), 1u) << "in the place of the old one: " << victim.log();
    EXPECT_EQ(victim.engine.counters()[Counter::ike_resumed], 1u);
    // RFC 5723 §4.3.1: and once.
    expect_nack(ticket);
}

// RFC 5723 §9.1: a stolen ticket without its SK_d.
TEST_F(HostileResumption, AStolenTicketResumesNothing) {
    resume(SecretBytes(old_d.size()));
    EXPECT_TRUE(peer.send(ExchangeType::ike_auth, auth("a.example")).empty());
    EXPECT_EQ(victim.engine.counters()[Counter::ike_resumed], 0u);
    EXPECT_EQ(victim.engine.counters()[Counter::integrity_failed], 1u);
    EXPECT_EQ(established(), 1u) << "the old one, undisturbed";
}

// RFC 5723 §4.3.3 [200]: IDi is that of the ticket, and there is no CERT.
TEST_F(HostileResumption, AnotherIdentityOrACertificateIsRefused) {
    resume(old_d);
    auto answers = peer.send(ExchangeType::ike_auth, auth("c.example"));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers[0].notify(NotifyType::authentication_failed), nullptr);
    resume(old_d);
    wire::MessageBuilder message = auth("a.example");
    message.add(wire::CertPayload{.encoding = model::CertEncoding::x509_signature, .data = Bytes(10, 1)});
    answers = peer.send(ExchangeType::ike_auth, std::move(message));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers[0].notify(NotifyType::authentication_failed), nullptr);
    EXPECT_EQ(victim.engine.counters()[Counter::ike_resumed], 0u);
    EXPECT_EQ(established(), 1u);
}

TEST_F(HostileResumption, IncompleteRequestsKeepNothing) {
    wire::MessageBuilder no_nonce, no_ticket;
    no_nonce.notify(NotifyType::ticket_opaque, ticket);
    no_ticket.add(wire::NoncePayload{peer.nonce_i});
    for (wire::MessageBuilder* message : {&no_nonce, &no_ticket}) {
        const Bytes octets =
            message->finish({.spi_i = 99, .exchange = ExchangeType::ike_session_resume, .initiator = true});
        const auto sent = peer.raw(octets);
        ASSERT_LE(sent.size(), 1u);
        for (const Bytes& answer : sent) EXPECT_LE(answer.size(), octets.size());
    }
    EXPECT_EQ(victim.engine.population().half_open, 0u);
}

// RFC 5723 §4.1: who did not ask gets no ticket, and each request in an INFORMATIONAL exchange another one.
TEST_F(HostileResumption, EachTicketReplacesTheOneBefore) {
    wire::MessageBuilder ask;
    ask.notify(NotifyType::ticket_request);
    const auto answers = peer.send(ExchangeType::informational, std::move(ask));
    ASSERT_EQ(answers.size(), 1u);
    ASSERT_NE(answers[0].notify(NotifyType::ticket_lt_opaque), nullptr);
    expect_nack(ticket);
    const auto silent = peer.send(ExchangeType::informational, {});
    ASSERT_EQ(silent.size(), 1u);
    EXPECT_TRUE(silent[0].payloads.empty());
}

}  // namespace
}  // namespace cygnet::ike::test
