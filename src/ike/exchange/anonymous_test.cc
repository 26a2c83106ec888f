// Peers that prove no identity, honest ones and others. RFC 7619.
#include <gtest/gtest.h>

#include "ike/exchange/ike_auth.h"
#include "ike/test_pair.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

void make_null(model::AuthConfig& round) {
    round.auth = model::AuthClass::null;
    round.auth_text = "null";
    round.id = {};
}

// Neither side proves anything: an anonymous peer has no shared key that the other could prove.
model::Connection anonymous(bool at_a) {
    model::Connection made = connection(at_a);
    make_null(made.local.front());
    make_null(made.remote.front());
    made.children.front().local_ts = {{.dynamic = true, .selector = {}}};
    made.children.front().remote_ts = {{.dynamic = true, .selector = {}}};
    return made;
}

TEST(NullAuthentication, BringsUpATunnelBetweenStrangers) {
    Pair pair;
    pair.configure(anonymous(true), anonymous(false));
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    EXPECT_TRUE(pair.up());
    EXPECT_TRUE(pair.children_agree());
    // RFC 7619 §2.2: ID_NULL, without data.
    EXPECT_EQ(pair.b.only_sa(pair.now).remote_id, (model::Identity{.type = model::IdType::null, .data = {}}));
}

class AnonymousPeer : public testing::Test {
protected:
    Node victim{7};
    Instant now = Instant::after_start(seconds(1000));

    void configure(model::Connection made) { configure(config_of(std::move(made))); }
    void configure(std::shared_ptr<model::Config> config) {
        Effects effects;
        victim.engine.step(now, Configure{std::move(config), nullptr}, effects);
    }
    // An honest IKE_AUTH request, but with NULL authentication.
    static wire::MessageBuilder request(ScriptedPeer& peer, const model::Identity& id) {
        const Bytes octets = signed_octets(peer.proposal.prf, peer.init_request, peer.nonce_r,
                                           peer.protection->sk_p(true), id_payload_body(id), {});
        const AuthData auth = null_auth(peer.protection->sk_p(true), peer.proposal.prf, octets);
        wire::MessageBuilder message = peer.auth({model::PayloadType::id_i, model::PayloadType::auth});
        message.add(wire::IdiPayload{.id_type = id.type, .data = id.data});
        message.add(wire::AuthPayload{.method = auth.method, .data = auth.data});
        return message;
    }
    const model::Identity nobody{.type = model::IdType::null, .data = {}};
};

// RFC 7619 §2 [78]: a policy that requires an identity answers NULL authentication with AUTHENTICATION_FAILED.
TEST_F(AnonymousPeer, IsRefusedWhereAnIdentityIsExpected) {
    for (const auto auth : {model::AuthClass::psk, model::AuthClass::pubkey, model::AuthClass::any}) {
        for (const auto& id : {nobody, model::Identity::parse("a.example")}) {
            model::Connection strict = connection(false);
            strict.remote.front().auth = auth;
            if (id.type == model::IdType::null) strict.remote.front().id = {};
            configure(strict);
            ScriptedPeer peer(victim);
            peer.init();
            const auto answers = peer.send(model::ExchangeType::ike_auth, request(peer, id));
            ASSERT_EQ(answers.size(), 1u);
            EXPECT_NE(answers.front().notify(model::NotifyType::authentication_failed), nullptr);
            EXPECT_EQ(victim.engine.population().ike_sas, 0u);
        }
    }
}

// RFC 7619 §2.2 [78]: what it says about itself is not used: not even as a name.
TEST_F(AnonymousPeer, GetsNoNameOutOfItsOwnWords) {
    configure(anonymous(false));
    ScriptedPeer peer(victim);
    peer.init();
    peer.send(model::ExchangeType::ike_auth, request(peer, model::Identity::parse("admin.example")));
    ASSERT_EQ(victim.engine.list(now).size(), 1u) << victim.log();
    EXPECT_EQ(victim.engine.list(now).front().remote_id, nobody);
    EXPECT_NE(victim.log().find("unproven"), std::string::npos);
}

// RFC 7619 §2.1: AUTH binds IKE_SA_INIT to the SA all the same.
TEST_F(AnonymousPeer, IsRefusedWithAWrongAuth) {
    configure(anonymous(false));
    ScriptedPeer peer(victim);
    peer.init();
    wire::MessageBuilder message = peer.auth({model::PayloadType::id_i, model::PayloadType::auth});
    message.add(wire::IdiPayload{.id_type = model::IdType::null, .data = {}});
    message.add(wire::AuthPayload{.method = model::AuthMethod::null, .data = Bytes(48, 1)});
    const auto answers = peer.send(model::ExchangeType::ike_auth, std::move(message));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(model::NotifyType::authentication_failed), nullptr);
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

// RFC 7619 §2.2: the data of ID_NULL is empty.
TEST_F(AnonymousPeer, IsRefusedWithDataInIdNull) {
    configure(anonymous(false));
    ScriptedPeer peer(victim);
    peer.init();
    const auto answers = peer.send(model::ExchangeType::ike_auth,
                                   request(peer, {.type = model::IdType::null, .data = {1, 2, 3}}));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(model::NotifyType::invalid_syntax), nullptr);
    EXPECT_EQ(victim.engine.population().ike_sas, 0u);
}

// A gateway for those with a key and for those without; the first comes from `network`, which the others want.
std::shared_ptr<model::Config> mixed() {
    auto config = config_of(connection(false));
    model::Connection open = anonymous(false);
    open.name = "open";
    open.unique = model::UniquePolicy::replace;
    config->connections["open"] = std::make_shared<const model::Connection>(open);
    return config;
}

// RFC 7619 §2.3, §3.3 [78]: INITIAL_CONTACT and unique = replace touch nobody else's SA.
TEST_F(AnonymousPeer, KillsAndReplacesNobodysSa) {
    configure(mixed());
    ScriptedPeer known(victim);
    known.establish();
    for (std::uint64_t spi = 1; spi <= 3; ++spi) {
        ScriptedPeer peer(victim);
        peer.spis.initiator = spi;
        peer.init();
        auto message = request(peer, spi == 3 ? model::Identity::parse("a.example") : nobody);
        message.notify(model::NotifyType::initial_contact);
        peer.send(model::ExchangeType::ike_auth, std::move(message));
        EXPECT_EQ(victim.engine.population().ike_sas, 1 + spi) << victim.log();
    }
    for (const auto& sa : victim.engine.list(now)) EXPECT_EQ(sa.state, model::IkeState::established);
}

// RFC 7619 §2.5: nor does it get traffic that belongs to somebody.
TEST_F(AnonymousPeer, GetsNoTrafficOfOthers) {
    auto config = mixed();
    model::Connection known = connection(false);
    known.children.front().remote_ts = {{.dynamic = true, .selector = {}}};  // the same address: both are behind one NAT
    config->connections["gw"] = std::make_shared<const model::Connection>(known);
    configure(config);
    ScriptedPeer honest(victim);
    honest.init();
    auto with_own_address = honest.auth({model::PayloadType::ts_i});
    const std::array own{model::TrafficSelector::of(*model::AddressRange::parse("192.0.2.1"))};
    with_own_address.add(wire::TsiPayload::of(own));
    honest.send(model::ExchangeType::ike_auth, std::move(with_own_address));
    ASSERT_EQ(victim.engine.population().children, 1u) << victim.log();
    ScriptedPeer thief(victim);
    thief.spis.initiator = 77;
    thief.init();
    auto message = request(thief, nobody);
    const auto answers = thief.send(model::ExchangeType::ike_auth, std::move(message));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers.front().notify(model::NotifyType::ts_unacceptable), nullptr) << victim.log();
    EXPECT_EQ(victim.engine.population().children, 1u);
}

// RFC 7619 §3.2: limits of their own.
TEST_F(AnonymousPeer, IsOneOfAFew) {
    configure(mixed());
    std::size_t refused = 0;
    for (std::uint64_t spi = 1; spi <= model::limits::anonymous_ike_sas + 2; ++spi) {
        ScriptedPeer peer(victim);
        // Slowly enough that nobody is asked for a cookie.
        peer.now = peer.now + milliseconds(20) * static_cast<Duration::rep>(spi);
        peer.spis.initiator = spi;
        peer.init();
        auto message = request(peer, nobody);
        const auto answers = peer.send(model::ExchangeType::ike_auth, std::move(message));
        ASSERT_EQ(answers.size(), 1u);
        refused += answers.front().notify(model::NotifyType::authentication_failed) != nullptr;
        victim.events.clear();
    }
    EXPECT_EQ(refused, 2u);
    EXPECT_GE(victim.engine.counters()[model::Counter::anonymous_refused], 2u);
    ScriptedPeer known(victim);
    known.now = known.now + minutes(5);
    known.establish();
}

}  // namespace
}  // namespace cygnet::ike::test
