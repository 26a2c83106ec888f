#include <gmock/gmock.h>

#include "ike/test_pair.h"
#include "ike/test_peer.h"
#include "wire/notify_data.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::GatewayType;
using model::NotifyType;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const model::IpAddress other_gateway = address("198.51.100.2");

Bytes gateway_data(GatewayType type, ByteView gateway, ByteView nonce = {}) {
    Bytes octets;
    Writer writer(octets);
    wire::write(writer, wire::GatewayData{.gateway_type = type, .gateway = gateway, .nonce = nonce});
    return octets;
}

class RedirectTest : public testing::Test {
protected:
    void configure(const std::string& to, model::RedirectAt at, bool follows = true) {
        model::Connection at_a = connection(true), at_b = connection(false);
        at_a.follow_redirects = follows;
        at_b.redirect_to = to;
        at_b.redirect_at = at;
        pair.configure(std::move(at_a), std::move(at_b));
    }
    // The notifications of the last IKE_SA_INIT request that a sent.
    std::string first_request() {
        for (auto event = pair.a.events.rbegin(); event != pair.a.events.rend(); ++event)
            if (const auto* trace = std::get_if<model::MessageTrace>(&*event);
                trace && trace->exchange == ExchangeType::ike_sa_init && trace->sent)
                return model::text_of(trace->payloads);
        return {};
    }
    model::Path to(model::IpAddress remote) { return {{address("192.0.2.1"), 500}, {remote, 500}}; }

    Pair pair;
};

// RFC 5685 §3 [203, 204]: the nonce comes back, no state is made, and the new gateway learns where we come from.
TEST_F(RedirectTest, BeforeAnyState) {
    configure("198.51.100.2", model::RedirectAt::init);
    const CommandDone waiting = pair.initiate(pair.a);
    EXPECT_FALSE(waiting.result) << "not done yet";
    EXPECT_THAT(first_request(), HasSubstr("REDIRECT_SUPPORTED"));
    EXPECT_THAT(pair.b.engine.list(pair.now), IsEmpty());
    EXPECT_THAT(pair.a.engine.list(pair.now), IsEmpty());
    ASSERT_EQ(pair.a.asked_for_gateways.size(), 1U);
    EXPECT_EQ(pair.a.asked_for_gateways[0].gateway, "198.51.100.2");

    // The other gateway has the same identity.
    pair.step(pair.b, Configure{config_of(connection(false)), nullptr});
    pair.step(pair.a, GatewayFound{pair.a.asked_for_gateways[0].id, to(other_gateway)});
    pair.run();
    ASSERT_TRUE(pair.up()) << pair.a.log();
    EXPECT_THAT(first_request(), HasSubstr("REDIRECTED_FROM"));
    EXPECT_EQ(pair.a.only_sa(pair.now).path.remote.address, other_gateway);
    EXPECT_TRUE(pair.a.done.back().result) << "the command that began it all";
}

TEST_F(RedirectTest, OnceAuthenticated) {
    configure("gw2.example", model::RedirectAt::auth);
    pair.initiate(pair.a);
    // RFC 5685 §6: no child; the client deletes the IKE SA.
    EXPECT_THAT(pair.a.installed, IsEmpty());
    EXPECT_THAT(pair.b.installed, IsEmpty());
    EXPECT_THAT(pair.b.engine.list(pair.now), IsEmpty()) << pair.b.log();
    EXPECT_THAT(pair.a.engine.list(pair.now), IsEmpty()) << pair.a.log();
    ASSERT_EQ(pair.a.asked_for_gateways.size(), 1U);
    EXPECT_EQ(pair.a.asked_for_gateways[0].gateway, "gw2.example");
    pair.step(pair.a, GatewayFound{pair.a.asked_for_gateways[0].id, fail(Errc::not_found, "host name", "cannot resolve gw2.example")});
    ASSERT_EQ(pair.a.done.size(), 1U);
    EXPECT_THAT(pair.a.done[0].result.error().detail, HasSubstr("gw2.example"));
}

// RFC 5685 §3 [203]: MUST NOT be sent to a client that has not said that it follows.
class RedirectOfTheDeaf : public RedirectTest, public testing::WithParamInterface<model::RedirectAt> {};
INSTANTIATE_TEST_SUITE_P(InEitherExchange, RedirectOfTheDeaf, testing::Values(model::RedirectAt::init, model::RedirectAt::auth));

TEST_P(RedirectOfTheDeaf, DoesNotHappen) {
    configure("198.51.100.2", GetParam(), false);
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log();
    EXPECT_TRUE(pair.up());
    EXPECT_THAT(first_request(), Not(HasSubstr("REDIRECT")));
}

// RFC 5685 §5: only the notification, without a nonce; the new gateway first, then the Delete.
TEST_F(RedirectTest, WithATunnelUp) {
    configure({}, model::RedirectAt::auth);
    ASSERT_TRUE(pair.initiate(pair.a).result);
    pair.step(pair.b, Redirect{.id = static_cast<CommandId>(50), .peer_id = model::Identity::parse("*.example"), .gateway = "198.51.100.2"});
    pair.run();
    ASSERT_EQ(pair.b.done.size(), 1U);
    EXPECT_TRUE(pair.b.done[0].result);
    EXPECT_EQ(pair.b.done[0].matches, 1U);
    EXPECT_TRUE(pair.up()) << "still";
    ASSERT_EQ(pair.a.asked_for_gateways.size(), 1U);
    const auto old = pair.a.only_sa(pair.now).id;
    pair.step(pair.a, GatewayFound{pair.a.asked_for_gateways[0].id, to(other_gateway)});
    pair.run();
    ASSERT_TRUE(pair.up()) << pair.a.log() << pair.b.log();
    EXPECT_NE(pair.a.only_sa(pair.now).id, old);
    EXPECT_EQ(pair.a.only_sa(pair.now).path.remote.address, other_gateway);
}

// The gateway that we are sent to sends us on: the tunnel that we left ends all the same, and its children come along.
TEST_F(RedirectTest, SentOnWithATunnelUp) {
    model::Connection at_a = connection(true), at_b = connection(false);
    for (model::Connection* side : {&at_a, &at_b}) {
        side->children.push_back(side->children.front());
        side->children.back().name = "second";
    }
    model::Connection sends_on = at_b;
    sends_on.redirect_to = "203.0.113.2";
    pair.configure(at_a, at_b);
    ASSERT_TRUE(pair.initiate(pair.a).result);
    ASSERT_TRUE(pair.initiate(pair.a, "second").result);
    const auto old = pair.a.only_sa(pair.now);
    ASSERT_EQ(old.children.size(), 2U);
    pair.step(pair.b, Redirect{.id = static_cast<CommandId>(50), .ike = "gw", .gateway = "198.51.100.2"});
    pair.run();
    ASSERT_EQ(pair.a.asked_for_gateways.size(), 1U);
    pair.step(pair.b, Configure{config_of(std::move(sends_on)), nullptr});
    pair.step(pair.a, GatewayFound{pair.a.asked_for_gateways[0].id, to(other_gateway)});
    pair.run();
    ASSERT_EQ(pair.a.asked_for_gateways.size(), 2U) << pair.a.log();
    pair.step(pair.b, Configure{config_of(std::move(at_b)), nullptr});
    pair.step(pair.a, GatewayFound{pair.a.asked_for_gateways[1].id, to(address("203.0.113.2"))});
    pair.run();
    const auto now = pair.a.only_sa(pair.now);
    EXPECT_NE(now.id, old.id);
    EXPECT_EQ(now.children.size(), 2U) << pair.a.log();
}

// An attempt that is tried again is the same attempt: it still knows the tunnel that it replaces.
TEST_F(RedirectTest, TriedAgainWithATunnelUp) {
    model::Connection at_a = connection(true);
    at_a.keyingtries = 2;
    pair.configure(at_a, connection(false));
    ASSERT_TRUE(pair.initiate(pair.a).result);
    const auto old = pair.a.only_sa(pair.now).id;
    pair.step(pair.b, Redirect{.id = static_cast<CommandId>(50), .ike = "gw", .gateway = "198.51.100.2"});
    pair.run();
    ASSERT_EQ(pair.a.asked_for_gateways.size(), 1U);
    bool silent = true;
    pair.meddler = [&](Send& send) { return !silent || send.path.remote.address != other_gateway; };
    pair.step(pair.a, GatewayFound{pair.a.asked_for_gateways[0].id, to(other_gateway)});
    for (int i = 0; i < 600 && pair.a.log().find("beginning attempt 2") == std::string::npos; ++i) pair.pass(seconds(1));
    ASSERT_THAT(pair.a.log(), HasSubstr("beginning attempt 2"));
    EXPECT_THAT(first_request(), HasSubstr("REDIRECTED_FROM"));
    silent = false;
    pair.pass(seconds(60));
    ASSERT_TRUE(pair.up()) << pair.a.log();
    EXPECT_NE(pair.a.only_sa(pair.now).id, old);
    EXPECT_EQ(pair.a.only_sa(pair.now).path.remote.address, other_gateway);
}

// A gateway that is not there, or does not take us, is not the end: the tunnel stays, and the next REDIRECT is followed.
TEST_F(RedirectTest, InVainWithATunnelUp) {
    configure({}, model::RedirectAt::auth);
    ASSERT_TRUE(pair.initiate(pair.a).result);
    const auto send_away = [&](std::uint64_t id) {
        pair.step(pair.b, Redirect{.id = static_cast<CommandId>(id), .ike = "gw", .gateway = "198.51.100.2"});
        pair.run();
    };
    send_away(50);
    ASSERT_EQ(pair.a.asked_for_gateways.size(), 1U);
    pair.step(pair.a, GatewayFound{pair.a.asked_for_gateways[0].id, fail(Errc::not_found, "DNS", "no such name")});
    send_away(51);
    ASSERT_EQ(pair.a.asked_for_gateways.size(), 2U) << pair.a.log();
    pair.meddler = [](Send& send) { return send.path.remote.address != other_gateway; };
    pair.step(pair.a, GatewayFound{pair.a.asked_for_gateways[1].id, to(other_gateway)});
    pair.pass(minutes(5));
    ASSERT_TRUE(pair.up()) << pair.a.log();
    send_away(52);
    EXPECT_EQ(pair.a.asked_for_gateways.size(), 3U) << pair.a.log();
}

TEST_F(RedirectTest, OnlyTheResponderSendsAway) {
    configure({}, model::RedirectAt::auth);
    ASSERT_TRUE(pair.initiate(pair.a).result);
    // RFC 5685 §10.
    pair.step(pair.a, Redirect{.id = static_cast<CommandId>(50), .ike = "gw", .gateway = "198.51.100.2"});
    pair.run();
    ASSERT_FALSE(pair.a.done.back().result);
    EXPECT_THAT(pair.a.done.back().result.error().detail, HasSubstr("did not announce"));
    EXPECT_THAT(pair.b.asked_for_gateways, IsEmpty());
}

// RFC 5685 §7 [204]: loops are limited.
TEST_F(RedirectTest, LoopsEnd) {
    configure("198.51.100.2", model::RedirectAt::init);
    pair.initiate(pair.a);
    for (unsigned i = 0; i < 20 && !pair.a.asked_for_gateways.empty(); ++i) {
        const auto asked = std::exchange(pair.a.asked_for_gateways, {});
        pair.step(pair.a, GatewayFound{asked.front().id, to(other_gateway)});
        pair.run();
    }
    EXPECT_EQ(pair.a.engine.counters()[Counter::redirected], model::limits::redirects_per_period);
    EXPECT_THAT(pair.a.engine.list(pair.now), IsEmpty());
    ASSERT_EQ(pair.a.done.size(), 1U);
    EXPECT_FALSE(pair.a.done[0].result);
}

// ---- forged and malformed ones ----------------------------------------------------------------------

// RFC 5685 §3 [203]: a REDIRECT without our nonce MUST be discarded silently, and we go on waiting.
TEST_F(RedirectTest, ForgeriesAreIgnored) {
    configure({}, model::RedirectAt::auth);
    const auto forge = [&](const Send& request, const Bytes& data) {
        auto header = *wire::parse_header(request.datagram);
        header.response = true;
        header.initiator = false;
        wire::MessageBuilder message;
        message.notify(NotifyType::redirect, data);
        pair.step(pair.a, Datagram{.path = request.path, .bytes = message.finish(header)});
    };
    const Bytes target{198, 51, 100, 2};
    unsigned tried = 0;
    pair.meddler = [&](Send& send) {
        const auto message = wire::parse_message(send.datagram);
        if (send.path.local.address != address("192.0.2.1") || !message || message->header.exchange != ExchangeType::ike_sa_init) return true;
        const Bytes nonce = keep(message->find<wire::NoncePayload>()->data);
        forge(send, gateway_data(GatewayType::ipv4, target));
        forge(send, gateway_data(GatewayType::ipv4, target, Bytes(32, 0)));
        forge(send, gateway_data(GatewayType::ipv4, target, ByteView{nonce}.first(16)));
        forge(send, gateway_data(GatewayType::ipv4, Bytes{1, 2, 3}, nonce));
        forge(send, gateway_data(GatewayType::fqdn, bytes_of("a b"), nonce));
        forge(send, gateway_data(static_cast<GatewayType>(9), target, nonce));
        forge(send, {1, 4, 198});
        ++tried;
        return true;
    };
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log();
    EXPECT_TRUE(pair.up());
    EXPECT_EQ(tried, 1U);
    EXPECT_THAT(pair.a.asked_for_gateways, IsEmpty());
    EXPECT_EQ(pair.a.engine.counters()[Counter::redirect_refused], 7U);
}

// A client redirects its gateway: nothing happens but an answer.
TEST_F(RedirectTest, AGatewayDoesNotFollow) {
    Node victim{3};
    ScriptedPeer peer{victim};
    peer.step(Configure{config_of(connection(false)), nullptr});
    peer.establish();
    wire::MessageBuilder message;
    message.notify(NotifyType::redirect, gateway_data(GatewayType::ipv4, Bytes{198, 51, 100, 2}));
    EXPECT_EQ(peer.send(ExchangeType::informational, std::move(message)).size(), 1U);
    EXPECT_EQ(victim.only_sa(peer.now).state, model::IkeState::established);
    EXPECT_EQ(victim.engine.counters()[Counter::redirect_refused], 1U);
}

}  // namespace
}  // namespace cygnet::ike::test
