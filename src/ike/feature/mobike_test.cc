#include <gmock/gmock.h>

#include "ike/nat.h"
#include "ike/test_pair.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::ExchangeType;
using model::NotifyType;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const model::IpAddress home = address("192.0.2.1"), away = address("198.51.100.1"), far = address("203.0.113.1");
const model::IpAddress gateway = address("192.0.2.2"), second_gateway = address("198.51.100.2");

class Mobike : public testing::Test {
protected:
    void establish(model::Connection at_a = connection(true), model::Connection at_b = connection(false)) {
        pair.configure(std::move(at_a), std::move(at_b));
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log();
        ASSERT_TRUE(pair.up()) << pair.a.log() << pair.b.log();
    }
    model::IkeStatus a() { return pair.a.only_sa(pair.now); }
    model::IkeStatus b() { return pair.b.only_sa(pair.now); }
    // Where b's ESP goes.
    model::Path esp_of(const Node& node) { return node.moved.empty() ? node.installed.back().path : node.moved.back().path; }

    Pair pair;
};

// RFC 4555 §3.2, §3.3 [134]: negotiated in IKE_AUTH, which uses port 4500 even without a NAT.
TEST_F(Mobike, IsAgreedOnTheNatPortWithoutEncapsulation) {
    establish();
    EXPECT_TRUE(a().mobike && b().mobike);
    EXPECT_EQ(a().path, (model::Path{{home, 4500}, {gateway, 4500}}));
    EXPECT_EQ(b().path, (model::Path{{gateway, 4500}, {home, 4500}}));
    EXPECT_FALSE(a().children.front().udp_encapsulation);
}

TEST_F(Mobike, NeedsBothEnds) {
    model::Connection fixed = connection(false);
    fixed.mobike = false;
    establish(connection(true), std::move(fixed));
    EXPECT_FALSE(a().mobike || b().mobike);
    pair.give_addresses(pair.a, {away});
    pair.run();
    EXPECT_EQ(b().path.remote.address, home);
}

// RFC 4555 §3.5 [135]: the responder updates the IKE SA and its children from the header of UPDATE_SA_ADDRESSES.
TEST_F(Mobike, BothEndsFollowTheInitiator) {
    establish();
    pair.give_addresses(pair.a, {away});
    EXPECT_EQ(a().path.local.address, away) << "at once";
    EXPECT_EQ(esp_of(pair.a).local.address, away);
    pair.run();
    EXPECT_EQ(b().path.remote, (model::Endpoint{away, 4500}));
    EXPECT_EQ(esp_of(pair.b).remote, (model::Endpoint{away, 4500}));
    EXPECT_EQ(pair.b.events_of<model::IkeMoved>().size(), 1U);
    EXPECT_EQ(pair.b.events_of<model::IkeMoved>().front().before->path.remote.address, home);
    EXPECT_TRUE(pair.rekey(pair.b, {.child = "net"}).result);
    EXPECT_EQ(pair.b.installed.back().path.remote.address, away);
}

TEST_F(Mobike, MovesBetweenFamilies) {
    establish();
    const auto v6 = address("2001:db8::1"), gateway_v6 = address("2001:db8::2");
    pair.give_addresses(pair.b, {gateway, gateway_v6});
    pair.run();
    EXPECT_THAT(a().peer_addresses, UnorderedElementsAre(gateway, gateway_v6));
    pair.give_addresses(pair.a, {v6});
    pair.run();
    EXPECT_EQ(b().path, (model::Path{{gateway_v6, 4500}, {v6, 4500}})) << pair.a.log();
    EXPECT_EQ(esp_of(pair.b).remote.address, v6);
}

TEST_F(Mobike, StaysWhileTheCurrentPathIsUsable) {
    establish();
    pair.give_addresses(pair.a, {far, home, away});
    pair.run();
    EXPECT_EQ(a().path.local.address, home);
    // RFC 4555 §3.6: but the peer hears of the others.
    EXPECT_THAT(b().peer_addresses, UnorderedElementsAre(home, far, away));
}

// RFC 4555 §3.4, §3.6 [137]: each list is complete and replaces the one before.
TEST_F(Mobike, ListsReplaceEachOther) {
    pair.step(pair.a, HostAddresses{{home, away}});
    establish();
    EXPECT_THAT(b().peer_addresses, UnorderedElementsAre(home, away)) << "from IKE_AUTH";
    pair.give_addresses(pair.a, {home, far});
    pair.run();
    EXPECT_THAT(b().peer_addresses, UnorderedElementsAre(home, far));
    pair.give_addresses(pair.a, {home});
    pair.run();
    EXPECT_THAT(b().peer_addresses, ElementsAre(home));
}

TEST_F(Mobike, LocalAddrsLimitWhereItGoes) {
    model::Connection pinned = connection(true);
    pinned.local_addrs = {{.text = "192.0.2.0/24", .range = model::AddressRange::parse("192.0.2.0/24"), .any = false}};
    establish(std::move(pinned));
    pair.give_addresses(pair.a, {away, address("192.0.2.77")});
    pair.run();
    EXPECT_EQ(b().path.remote.address, address("192.0.2.77"));
    EXPECT_THAT(b().peer_addresses, ElementsAre(address("192.0.2.77")));
}

// RFC 4555 §3.7 [136]: ESP stays until the peer has answered from its new address.
TEST_F(Mobike, TrafficWaitsForTheProof) {
    establish();
    std::vector<model::Path> when_asked;
    pair.meddler = [&](Send& send) {
        if (send.path.local.address == gateway) when_asked.push_back(esp_of(pair.b));
        return true;
    };
    pair.give_addresses(pair.a, {away});
    pair.run();
    ASSERT_EQ(when_asked.size(), 2U) << "the answer to the update, then the check";
    EXPECT_EQ(when_asked.back().remote.address, home);
    EXPECT_EQ(esp_of(pair.b).remote.address, away);
    // Back at a proven address nothing is asked again.
    when_asked.clear();
    pair.give_addresses(pair.a, {home});
    pair.run();
    EXPECT_EQ(when_asked.size(), 1U);
    EXPECT_EQ(esp_of(pair.b).remote.address, home);
}

TEST_F(Mobike, ProofCanBeWaived) {
    model::Connection trusting = connection(false);
    trusting.return_routability = false;
    establish(connection(true), std::move(trusting));
    std::size_t said = 0;
    pair.meddler = [&](Send& send) {
        said += send.path.local.address == gateway;
        return true;
    };
    pair.give_addresses(pair.a, {away});
    pair.run();
    EXPECT_EQ(said, 1U);
    EXPECT_EQ(esp_of(pair.b).remote.address, away);
}

// RFC 4555 §3.5 [135]: an address that is not acceptable changes nothing at the responder; the initiator returns.
TEST_F(Mobike, UnacceptableAddressesAreGivenUp) {
    model::Connection strict = connection(false);
    strict.mobike_addrs = {{.text = "192.0.2.0/24", .range = model::AddressRange::parse("192.0.2.0/24"), .any = false}};
    establish(connection(true), std::move(strict));
    pair.give_addresses(pair.a, {away, address("192.0.2.9")});
    pair.run();
    EXPECT_EQ(b().path.remote.address, address("192.0.2.9")) << pair.a.log();
    pair.give_addresses(pair.a, {far});
    pair.run();
    EXPECT_EQ(b().path.remote.address, address("192.0.2.9"));
    EXPECT_EQ(a().path.local.address, address("192.0.2.9"));
    ASSERT_THAT(pair.a.events_of<model::Alert>(), Contains(Field(&model::Alert::type, "mobike-failure")));
}

// RFC 4555 §3.5 [137]: a change while the update is under way makes its answer void, and a new update follows.
TEST_F(Mobike, MovesTwiceInARow) {
    establish();
    pair.give_addresses(pair.a, {away});
    pair.give_addresses(pair.a, {far});
    pair.run();
    EXPECT_EQ(a().path.local.address, far);
    EXPECT_EQ(b().path.remote.address, far);
    EXPECT_EQ(esp_of(pair.b).remote.address, far);
    pair.give_addresses(pair.a, {away});
    pair.give_addresses(pair.a, {far});
    pair.give_addresses(pair.a, {away});
    pair.run();
    EXPECT_EQ(b().path.remote.address, away);
    EXPECT_EQ(esp_of(pair.b).remote.address, away);
}

// RFC 4555 §3.5: what is outstanding goes out again from the new address.
class MobikeInARekey : public Mobike, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(ByEitherEnd, MobikeInARekey, testing::Bool());

TEST_P(MobikeInARekey, Moves) {
    const bool by_a = GetParam();
    establish();
    pair.step(by_a ? pair.a : pair.b, Rekey{.id = static_cast<CommandId>(77), .which = {.ike = "gw"}});
    pair.give_addresses(pair.a, {away});
    pair.run();
    ASSERT_TRUE(pair.up()) << pair.a.log() << pair.b.log();
    EXPECT_EQ(b().path.remote.address, away);
    EXPECT_EQ(esp_of(pair.b).remote.address, away);
    EXPECT_TRUE(a().mobike && b().mobike) << "a rekey keeps it";
    pair.give_addresses(pair.a, {home});
    pair.run();
    EXPECT_EQ(b().path.remote.address, home);
    EXPECT_EQ(esp_of(pair.b).remote.address, home);
}

TEST_F(Mobike, MovesWhileTheSaIsDeleted) {
    establish();
    pair.step(pair.b, Terminate{.id = static_cast<CommandId>(77), .which = {.ike = "gw"}});
    pair.give_addresses(pair.a, {away});
    pair.run();
    EXPECT_THAT(pair.a.engine.list(pair.now), IsEmpty());
    EXPECT_THAT(pair.b.engine.list(pair.now), IsEmpty());
}

// RFC 4555 §3.10: a path that has died without a word is found out by a liveness check, which tries the others.
TEST_F(Mobike, FindsAnotherPathWhenTheCurrentOneDies) {
    model::Connection watchful = connection(true);
    watchful.dpd_delay = seconds(30);
    establish(std::move(watchful));
    pair.give_addresses(pair.a, {home, away});
    pair.run();
    pair.meddler = [](Send& send) { return send.path.local.address != home && send.path.remote.address != home; };
    pair.pass(seconds(40));
    ASSERT_TRUE(pair.up()) << pair.a.log();
    EXPECT_EQ(a().path.local.address, away);
    EXPECT_EQ(b().path.remote.address, away);
    EXPECT_EQ(esp_of(pair.b).remote.address, away);
}

TEST_F(Mobike, FindsAnotherAddressOfTheResponder) {
    model::Connection watchful = connection(true);
    watchful.dpd_delay = seconds(30);
    pair.step(pair.b, HostAddresses{{gateway, second_gateway}});
    establish(std::move(watchful));
    EXPECT_THAT(a().peer_addresses, UnorderedElementsAre(gateway, second_gateway));
    pair.give_addresses(pair.a, {home});
    pair.run();
    pair.meddler = [](Send& send) { return send.path.local.address != gateway && send.path.remote.address != gateway; };
    pair.pass(seconds(40));
    ASSERT_TRUE(pair.up()) << pair.a.log();
    EXPECT_EQ(a().path.remote.address, second_gateway);
    EXPECT_EQ(b().path.local.address, second_gateway);
}

// RFC 4555 §3.5, §3.6: the responder may leave an address that it has lost, and says which it has now.
TEST_F(Mobike, TheResponderLosesItsAddress) {
    establish();
    pair.give_addresses(pair.b, {second_gateway});
    EXPECT_EQ(b().path.local.address, second_gateway);
    EXPECT_EQ(esp_of(pair.b).local.address, second_gateway);
    pair.meddler = [&](Send& send) { return send.path.local.address != gateway && send.path.remote.address != gateway; };
    pair.run();
    pair.give_addresses(pair.a, {home});
    pair.run();
    EXPECT_EQ(a().path.remote.address, second_gateway) << pair.a.log();
    EXPECT_EQ(esp_of(pair.a).remote.address, second_gateway);
}

// A router that rewrites what a sends.
struct NatBox {
    model::Endpoint outside{address("203.0.113.77"), 20'001};
    bool on = false;
    void pass(Send& send) const {
        if (!on) return;
        if (send.path.local.address == home) send.path.local = outside;
        if (send.path.remote == outside) send.path.remote = {home, 4500};
    }
};

// RFC 4555 §3.8 [138]: NAT detection in liveness checks finds a NAT that appears, changes its mapping, and disappears.
TEST_F(Mobike, NatsAppearRebindAndDisappear) {
    model::Connection watchful = connection(true);
    watchful.dpd_delay = seconds(30);
    establish(std::move(watchful));
    NatBox nat;
    pair.meddler = [&](Send& send) {
        nat.pass(send);
        return true;
    };
    nat.on = true;
    pair.pass(seconds(61));
    EXPECT_TRUE(a().nat_local && b().nat_remote) << pair.a.log();
    EXPECT_EQ(b().path.remote, nat.outside);
    EXPECT_TRUE(pair.a.moved.back().udp_encapsulation && pair.b.moved.back().udp_encapsulation);
    EXPECT_THAT(pair.a.keepalives, testing::Not(IsEmpty()));

    nat.outside.port = 20'002;
    pair.pass(seconds(61));
    EXPECT_EQ(b().path.remote, nat.outside);
    EXPECT_EQ(esp_of(pair.b).remote, nat.outside);

    nat.on = false;
    pair.pass(seconds(61));
    EXPECT_FALSE(a().nat_local || b().nat_remote);
    EXPECT_EQ(b().path.remote, (model::Endpoint{home, 4500}));
    EXPECT_FALSE(pair.a.moved.back().udp_encapsulation || pair.b.moved.back().udp_encapsulation);
    const std::size_t sent = pair.a.keepalives.size();
    pair.pass(seconds(61));
    EXPECT_EQ(pair.a.keepalives.size(), sent) << "no NAT, no keepalives";
}

// RFC 4555 §3.8: ESP may follow a NAT's new port at once; IKE waits for UPDATE_SA_ADDRESSES.
TEST_F(Mobike, EspFollowsANewPort) {
    NatBox nat{.on = true};
    pair.meddler = [&](Send& send) {
        if (send.path.local.address == home) send.path.local = {nat.outside.address, send.path.local.port == 500 ? std::uint16_t{20'000} : nat.outside.port};
        if (send.path.remote.address != nat.outside.address) return true;
        const bool known = send.path.remote.port == 20'000 || send.path.remote == nat.outside;
        send.path.remote = {home, send.path.remote.port == 20'000 ? std::uint16_t{500} : std::uint16_t{4500}};
        return known;
    };
    establish();
    ASSERT_TRUE(b().nat_remote);
    const model::ChildId child = b().children.front().id;
    const model::Endpoint rebound{nat.outside.address, 20'050};
    pair.step(pair.b, PeerMoved{.child = child, .path = {{gateway, 4500}, rebound}});
    EXPECT_EQ(esp_of(pair.b).remote, rebound);
    EXPECT_EQ(b().path.remote, nat.outside);
    pair.step(pair.b, PeerMoved{.child = child, .path = {{gateway, 4500}, {far, 4500}}});
    EXPECT_EQ(esp_of(pair.b).remote, rebound) << "nobody has answered from there";

    // The old mapping is gone. The initiator, which hears ESP, asks for nothing: the responder's own requests find it.
    nat.outside.port = rebound.port;
    const CommandDone done = pair.rekey(pair.b, {.child = "net"});
    EXPECT_FALSE(done.result) << "not by the old mapping";
    pair.pass(seconds(10));
    EXPECT_TRUE(pair.b.done.back().result) << pair.b.log();
    EXPECT_EQ(b().path.remote, rebound);
    EXPECT_EQ(esp_of(pair.b).remote, rebound);
}

// RFC 4555 §3.12: ESP from an address that the peer should not use any more does not show that it hears us.
TEST_F(Mobike, EspFromElsewhereIsNoSignOfLife) {
    model::Connection at_b = connection(false);
    at_b.dpd_delay = seconds(30);
    establish(connection(true), std::move(at_b));
    const model::ChildId child = b().children.front().id;
    std::uint64_t packets = 0;
    const auto questions_in = [&](Duration time) {
        std::size_t asked = 0;
        pair.meddler = [&](Send& send) {
            asked += send.path.local.address == gateway && !wire::parse_header(send.datagram)->response;
            return true;
        };
        for (const Instant end = pair.now + time; pair.now < end;) {
            pair.pass(seconds(5));
            pair.step(pair.b, UsageReport{.child = child, .usage = {.packets_in = ++packets, .last_in = pair.now}});
        }
        pair.meddler = nullptr;
        return asked;
    };
    EXPECT_EQ(questions_in(minutes(3)), 0u);
    pair.step(pair.b, PeerMoved{.child = child, .path = {{gateway, 4500}, {far, 4500}}});
    EXPECT_EQ(esp_of(pair.b).remote.address, home) << "without a NAT nothing follows";
    EXPECT_EQ(questions_in(minutes(3)), 1u) << "its answer counts";
}

// ---- peers that do what they must not ---------------------------------------------------------------

class MobikePeer : public testing::Test {
protected:
    void establish(model::Connection at_victim = connection(false)) {
        peer.step(Configure{config_of(std::move(at_victim)), nullptr});
        peer.init();
        const auto answers = peer.send(ExchangeType::ike_auth, std::move(peer.auth().notify(NotifyType::mobike_supported, Bytes{1, 2})));
        ASSERT_EQ(answers.size(), 1U);
        const auto* supported = answers.front().notify(NotifyType::mobike_supported);
        // RFC 4555 §4.2.1: sent empty; what is received in it is ignored.
        ASSERT_NE(supported, nullptr) << victim.log();
        EXPECT_THAT(supported->data, IsEmpty());
    }
    model::IkeStatus sa() { return victim.only_sa(peer.now); }
    static wire::MessageBuilder message(std::initializer_list<std::pair<NotifyType, Bytes>> notifications) {
        wire::MessageBuilder builder;
        for (const auto& [type, data] : notifications) builder.notify(type, data);
        return builder;
    }
    static model::Path from(model::IpAddress where, std::uint16_t port = 500) { return {{gateway, 500}, {where, port}}; }

    Node victim{3};
    ScriptedPeer peer{victim};
};

// RFC 4555 §3.7 [136]: if the values do not match, the IKE SA MUST be closed.
TEST_F(MobikePeer, AWrongCookieEndsTheSa) {
    establish();
    const auto answers = peer.send_from(from(far), ExchangeType::informational, message({{NotifyType::update_sa_addresses, {}}}));
    ASSERT_EQ(answers.size(), 2U);
    const auto* cookie = answers[1].notify(NotifyType::cookie2);
    ASSERT_NE(cookie, nullptr);
    // RFC 4555 §4.2.5: 8 to 64 octets.
    EXPECT_THAT(cookie->data.size(), testing::AllOf(testing::Ge(8U), testing::Le(64U)));
    EXPECT_THAT(victim.moved, testing::Each(Field(&MoveChild::path, testing::Field(&model::Path::remote, testing::Field(&model::Endpoint::address, home)))));
    Bytes wrong = keep(cookie->data);
    wrong.back() ^= 1;
    peer.respond(answers[1], message({{NotifyType::cookie2, wrong}}));
    EXPECT_THAT(victim.engine.list(peer.now), IsEmpty());
}

TEST_F(MobikePeer, AMissingCookieEndsTheSaToo) {
    establish();
    const auto answers = peer.send_from(from(far), ExchangeType::informational, message({{NotifyType::update_sa_addresses, {}}}));
    ASSERT_EQ(answers.size(), 2U);
    peer.respond(answers[1], {});
    EXPECT_THAT(victim.engine.list(peer.now), IsEmpty());
}

// RFC 4555 §3.7 [136]: the recipient MUST copy the notification as it is.
TEST_F(MobikePeer, CookiesAreCopied) {
    establish();
    const Bytes cookie(64, 9);
    const auto answers = peer.send(ExchangeType::informational, message({{NotifyType::cookie2, cookie}}));
    ASSERT_EQ(answers.size(), 1U);
    ASSERT_NE(answers.front().notify(NotifyType::cookie2), nullptr);
    EXPECT_EQ(keep(answers.front().notify(NotifyType::cookie2)->data), cookie);
}

// RFC 4555 §3.8, §3.10 [140]: a message from elsewhere that does not say UPDATE_SA_ADDRESSES changes nothing.
TEST_F(MobikePeer, APathTestChangesNothing) {
    establish();
    const NatHash hash{};
    const auto answers =
        peer.send_from(from(far, 4711), ExchangeType::informational,
                       message({{NotifyType::nat_detection_source_ip, keep(hash)}, {NotifyType::nat_detection_destination_ip, keep(hash)}}));
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(sa().path.remote.address, home);
    EXPECT_THAT(victim.moved, IsEmpty());
}

// RFC 4555 §3.9 [139]: the contents MUST be verified, and MUST NOT be used when they do not match.
TEST_F(MobikePeer, AnUnexpectedNatIsReported) {
    establish();
    const Bytes claimed{198, 51, 100, 1, 192, 0, 2, 2, 1, 0xf4, 1, 0xf4};
    auto answers = peer.send_from(from(far), ExchangeType::informational,
                                  message({{NotifyType::update_sa_addresses, {}}, {NotifyType::no_nats_allowed, claimed}}));
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_NE(answers.front().notify(NotifyType::unexpected_nat_detected), nullptr);
    EXPECT_EQ(sa().path.remote.address, home);
    EXPECT_THAT(victim.moved, IsEmpty());
    answers = peer.send_from(from(far), ExchangeType::informational,
                             message({{NotifyType::additional_ip4_address, {198, 51, 100, 9}}, {NotifyType::no_nats_allowed, claimed}}));
    EXPECT_THAT(sa().peer_addresses, ElementsAre(home));
    // With the header's addresses it is as if nothing had been said.
    answers = peer.send_from(from(away), ExchangeType::informational,
                             message({{NotifyType::update_sa_addresses, {}}, {NotifyType::no_nats_allowed, claimed}}));
    EXPECT_EQ(answers.front().notify(NotifyType::unexpected_nat_detected), nullptr);
    EXPECT_EQ(sa().path.remote.address, away);
}

TEST_F(MobikePeer, AnUnexpectedNatEndsTheHandshake) {
    peer.step(Configure{config_of(connection(false)), nullptr});
    peer.init();
    const Bytes claimed{198, 51, 100, 1, 192, 0, 2, 2, 1, 0xf4, 1, 0xf4};
    wire::MessageBuilder auth = peer.auth();
    auth.notify(NotifyType::mobike_supported).notify(NotifyType::no_nats_allowed, claimed);
    const auto answers = peer.send(ExchangeType::ike_auth, std::move(auth));
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_NE(answers.front().notify(NotifyType::unexpected_nat_detected), nullptr);
    EXPECT_THAT(victim.engine.list(peer.now), IsEmpty());
}

// RFC 4555 §3.9: without NAT traversal, all that can update addresses has NO_NATS_ALLOWED.
TEST_F(MobikePeer, ListsAreProtectedWithoutNatTraversal) {
    establish();
    peer.step(HostAddresses{{gateway, second_gateway}});
    const auto requests = peer.opened(peer.sent());
    ASSERT_EQ(requests.size(), 1U);
    ASSERT_NE(requests.front().notify(NotifyType::additional_ip4_address), nullptr);
    const auto* protection = requests.front().notify(NotifyType::no_nats_allowed);
    ASSERT_NE(protection, nullptr);
    EXPECT_EQ(keep(protection->data), (Bytes{192, 0, 2, 2, 192, 0, 2, 1, 1, 0xf4, 1, 0xf4}));
}

// RFC 4555 §3.5 [135]: whoever answered the first IKE_SA_INIT does not decide, also after it has rekeyed the IKE SA.
TEST_F(Mobike, TheResponderHasNothingToDecide) {
    establish();
    ASSERT_TRUE(pair.rekey(pair.b, {.ike = "gw"}).result);
    ASSERT_TRUE(b().initiator) << "of the rekeyed SA";
    pair.give_addresses(pair.a, {away});
    pair.run();
    EXPECT_EQ(b().path.remote.address, away) << "a still decides";
}

TEST_F(MobikePeer, ManyAddressesAreNotKept) {
    establish();
    wire::MessageBuilder many;
    for (unsigned i = 0; i < 60; ++i) many.notify(NotifyType::additional_ip4_address, Bytes{198, 51, 100, static_cast<std::uint8_t>(i)});
    many.notify(NotifyType::additional_ip4_address, Bytes{1, 2, 3}).notify(NotifyType::additional_ip4_address, Bytes{224, 0, 0, 1});
    peer.send(ExchangeType::informational, std::move(many));
    EXPECT_EQ(sa().peer_addresses.size(), model::limits::peer_addresses);
}

}  // namespace
}  // namespace cygnet::ike::test
