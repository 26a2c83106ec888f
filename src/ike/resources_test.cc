// Child SAs of single workers, RFC 9611.
#include "ike/resources.h"

#include <gtest/gtest.h>

#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;
using model::ExchangeType;
using model::NotifyType;

model::Connection per_worker(bool at_a, bool wanted = true) {
    model::Connection made = connection(at_a);
    made.children.front().per_cpu_sas = wanted;
    return made;
}

constexpr EngineSettings two_workers{.resources = 2};

class Resources : public testing::Test {
protected:
    void up(bool at_b = true) {
        pair.configure(per_worker(true), per_worker(false, at_b));
        ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log();
    }
    // Worker `resource` has sent through the first child that is listed.
    void want(Node& node, model::Resource resource, std::size_t child = 0) {
        pair.step(node, ResourceWanted{node.only_sa(pair.now).children.at(child).id, resource});
        pair.run();
    }
    std::vector<model::Resource> resources(const Node& node) {
        std::vector<model::Resource> all;
        for (const model::ChildStatus& child : node.only_sa(pair.now).children) all.push_back(child.resource);
        return all;
    }
    std::uint32_t unique_id(const Node& node, std::size_t child) { return node.only_sa(pair.now).children.at(child).unique_id; }

    Pair pair{two_workers, two_workers};
    const std::vector<model::Resource> only_first{model::every_resource};
};

// RFC 9611 §3 [109]: the first SA stays for everybody, further ones have its selectors and algorithms, and keys of their own.
TEST_F(Resources, EachWorkerGetsAnSaBesideTheFirst) {
    up();
    EXPECT_TRUE(pair.a.installed[0].per_resource && pair.b.installed[0].per_resource);
    EXPECT_EQ(pair.a.installed[0].resource, model::every_resource);
    want(pair.a, 1);
    ASSERT_EQ(pair.a.installed.size(), 2U) << pair.a.log();
    ASSERT_EQ(pair.b.installed.size(), 2U);
    const model::ChildSaSpec &first = pair.a.installed[0], &own = pair.a.installed[1];
    EXPECT_EQ(own.resource, 1U);
    EXPECT_TRUE(own.outbound_active);
    EXPECT_TRUE(own.local == first.local && own.remote == first.remote && own.encr == first.encr && own.mode == first.mode);
    EXPECT_FALSE(own.out.encr.equals(first.out.encr.reveal()));
    EXPECT_TRUE(pair.children_agree());
    EXPECT_EQ(pair.b.installed[1].resource, model::no_resource) << "the peer receives on it";
    EXPECT_FALSE(pair.b.installed[1].outbound_active);
    EXPECT_EQ(resources(pair.a), (std::vector<model::Resource>{model::every_resource, 1}));
    want(pair.a, 0);
    EXPECT_EQ(resources(pair.a), (std::vector<model::Resource>{model::every_resource, 1, 0}));
    EXPECT_EQ(pair.a.engine.counters()[Counter::resource_wanted], 2U);
    want(pair.a, 0);
    want(pair.a, 2);
    EXPECT_EQ(pair.a.installed.size(), 3U) << "it is there, and there is no third worker";
}

// RFC 9611 §3: compression and mode are properties, too.
TEST_F(Resources, FurtherSasAreCompressedAndInTheModeOfTheFirst) {
    const auto made = [](bool at_a) {
        model::Connection both = per_worker(at_a);
        model::ChildConfig& child = both.children.front();
        child.ipcomp = true;
        child.mode = model::ChildMode::transport;
        child.local_ts = child.remote_ts = {{.dynamic = true, .selector = {}}};
        return both;
    };
    pair.configure(made(true), made(false));
    ASSERT_TRUE(pair.initiate(pair.a).result) << pair.a.log();
    want(pair.a, 1);
    for (const Node* node : {&pair.a, &pair.b}) {
        ASSERT_EQ(node->installed.size(), 2U) << pair.a.log() << pair.b.log();
        EXPECT_EQ(node->installed[1].mode, model::ChildMode::transport);
        EXPECT_TRUE(node->installed[0].ipcomp.agreed() && node->installed[1].ipcomp.agreed());
    }
    EXPECT_TRUE(pair.children_agree());
}

TEST_F(Resources, AWorkerTakesWhatThePeerMadeOnceThePeerHasTheKeys) {
    up();
    want(pair.a, 1);
    want(pair.b, 0);
    EXPECT_TRUE(pair.b.activated.empty()) << "the answer may still be under way";
    EXPECT_EQ(pair.b.installed.size(), 2U);
    pair.pass(model::limits::resource_settled);
    want(pair.b, 0);
    EXPECT_EQ(pair.b.activated, std::vector{pair.b.installed[1].id});
    EXPECT_EQ(resources(pair.b), (std::vector<model::Resource>{model::every_resource, 0}));
    EXPECT_EQ(pair.b.installed.size(), 2U) << "no third SA";
    // A packet of the peer on an SA that nobody here uses makes nobody use it.
    want(pair.a, 0);
    pair.step(pair.b, InboundSeen{pair.b.installed[2].id});
    EXPECT_EQ(pair.b.activated.size(), 1U);
}

// RFC 9611 §3: who has not said SA_RESOURCE_INFO is asked for nothing.
TEST_F(Resources, NothingOfTheKindWithAPeerThatDoesNotWantIt) {
    up(false);
    EXPECT_FALSE(pair.a.installed[0].per_resource);
    want(pair.a, 1);
    EXPECT_EQ(resources(pair.a), only_first);
    EXPECT_EQ(pair.a.engine.counters()[Counter::create_child_out_req], 0U);
}

// RFC 9611 §3: a rekeyed SA belongs to the worker of the old one, whoever began; that of the IKE SA changes nothing.
TEST_F(Resources, RekeysKeepTheResource) {
    up();
    want(pair.a, 1);
    for (Node* node : {&pair.a, &pair.b}) {
        ASSERT_TRUE(pair.rekey(*node, {.child_id = unique_id(*node, 1)}).result) << node->log();
        EXPECT_EQ(pair.a.installed.back().resource, 1U);
        EXPECT_TRUE(pair.a.installed.back().per_resource);
        EXPECT_EQ(pair.b.installed.back().resource, model::no_resource);
        EXPECT_FALSE(pair.b.installed.back().outbound_active);
        EXPECT_EQ(resources(pair.a), (std::vector<model::Resource>{model::every_resource, 1}));
    }
    ASSERT_TRUE(pair.rekey(pair.a, {.child_id = unique_id(pair.a, 0)}).result);
    EXPECT_EQ(pair.a.installed.back().resource, model::every_resource);
    EXPECT_TRUE(pair.a.installed.back().per_resource);
    ASSERT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result);
    want(pair.a, 0);
    EXPECT_EQ(pair.a.only_sa(pair.now).children.size(), 3U) << pair.a.log();
    EXPECT_TRUE(pair.children_agree());
}

TEST_F(Resources, WhatThePeerTakesDownIsAskedForAgainInMeasure) {
    up();
    for (int i = 0; i < 5; ++i) {
        want(pair.a, 1);
        ASSERT_EQ(resources(pair.a).size(), 2U) << "after pause " << i;
        ASSERT_TRUE(pair.terminate(pair.b, {.child_id = unique_id(pair.b, 1)}).result);
        EXPECT_EQ(resources(pair.a), only_first) << "the first stays";
        want(pair.a, 1);
        EXPECT_EQ(resources(pair.a), only_first);
        pair.pass(model::limits::resource_pause_first * (1 << i) - milliseconds(1));
        want(pair.a, 1);
        EXPECT_EQ(resources(pair.a), only_first);
        pair.pass(milliseconds(1));
    }
    EXPECT_EQ(pair.a.engine.counters()[Counter::resource_wanted], 5U);
}

// RFC 9611 §3 [109]: the first is there for all; so it comes back before any other.
TEST_F(Resources, TheFirstIsMadeAnewWhenItIsLost) {
    up();
    want(pair.a, 1);
    ASSERT_TRUE(pair.terminate(pair.b, {.child_id = unique_id(pair.b, 0)}).result);
    EXPECT_EQ(resources(pair.a), std::vector<model::Resource>{1});
    want(pair.a, 0);
    EXPECT_EQ(resources(pair.a), (std::vector<model::Resource>{1, model::every_resource})) << pair.a.log();
    EXPECT_EQ(resources(pair.b), (std::vector<model::Resource>{model::no_resource, model::every_resource}));
    want(pair.a, 0);
    EXPECT_EQ(resources(pair.a).size(), 3U);
}

// RFC 9611 §3.2: the number of SAs of the same selectors is limited, and we do not ask beyond what we would allow.
TEST(ResourceLimit, IsKeptByWhoAsks) {
    Pair pair({.resources = 1000}, {.resources = 1000});
    pair.configure(per_worker(true), per_worker(false));
    ASSERT_TRUE(pair.initiate(pair.a).result);
    const model::ChildId first = pair.a.installed[0].id;
    for (model::Resource i = 0; i < model::limits::children_per_selectors + 5; ++i) {
        pair.step(pair.a, ResourceWanted{first, i});
        pair.run();
    }
    EXPECT_EQ(pair.a.engine.population().children, model::limits::children_per_selectors);
    EXPECT_EQ(pair.b.engine.counters()[Counter::max_queue_out], 0U);
}

// ---- peers that do as they like -------------------------------------------------------------------

class HostileResources : public testing::Test {
protected:
    void SetUp() override {
        peer.step(Configure{config_of(per_worker(false)), nullptr});
        peer.init();
        auto auth = peer.auth();
        auth.notify(NotifyType::sa_resource_info);
        const auto answers = peer.send(ExchangeType::ike_auth, std::move(auth));
        ASSERT_EQ(answers.size(), 1U);
        ASSERT_NE(answers[0].notify(NotifyType::sa_resource_info), nullptr) << victim.log();
    }
    static model::Proposal esp(const char* text, std::uint32_t spi) {
        model::Proposal proposal = model::parse_proposals(model::Protocol::esp, text)->front();
        Writer(proposal.spi).u32(spi);
        return proposal;
    }
    ScriptedPeer::Answer ask(const char* proposal = "aes256gcm16", const wire::NotifyPayload& marked = marks()) {
        wire::MessageBuilder message;
        message.add(marked);
        message.add(wire::SaPayload{{esp(proposal, ++spi)}}).add(wire::NoncePayload{nonce});
        add_selectors(message);
        auto answers = peer.send(ExchangeType::create_child_sa, std::move(message));
        EXPECT_EQ(answers.size(), 1U) << victim.log();
        return answers.empty() ? ScriptedPeer::Answer{} : std::move(answers.front());
    }
    static void add_selectors(wire::MessageBuilder& message) {
        const std::array local{model::ConfiguredSelector::parse("10.1.0.0/16")->selector};
        const std::array remote{model::ConfiguredSelector::parse("10.2.0.0/16")->selector};
        message.add(wire::TsiPayload::of(local)).add(wire::TsrPayload::of(remote));
    }
    static wire::NotifyPayload marks() { return {.message_type = NotifyType::sa_resource_info, .spi = {}, .data = {}}; }

    // The victim's worker wants an SA; the peer says what `answer` holds.
    void answer_wish(wire::MessageBuilder answer) {
        peer.step(ResourceWanted{victim.installed[0].id, 1});
        const auto asked = peer.opened(peer.sent());
        ASSERT_EQ(asked.size(), 1U) << victim.log();
        ASSERT_NE(asked[0].notify(NotifyType::sa_resource_info), nullptr);
        said = peer.respond(asked[0], std::move(answer));
    }

    Node victim{1, two_workers};
    ScriptedPeer peer{victim};
    std::vector<ScriptedPeer::Answer> said{};
    Bytes nonce = Bytes(32, 9);
    std::uint32_t spi = 0x0a00'0000;
};

// RFC 9611 §3.2 [109]: TS_MAX_QUEUE at the limit and not NO_ADDITIONAL_SAS; the IKE SA and its children stay.
TEST_F(HostileResources, AFloodOfFurtherSasEndsAtTheLimit) {
    for (std::size_t i = 1; i < model::limits::children_per_selectors; ++i)
        ASSERT_NE(ask().notify(NotifyType::sa_resource_info), nullptr) << victim.log();
    for (int i = 0; i < 10; ++i) {
        const auto refused = ask();
        const auto* why = refused.notify(NotifyType::ts_max_queue);
        ASSERT_NE(why, nullptr);
        EXPECT_EQ(why->protocol, model::Protocol::none);
        EXPECT_TRUE(why->spi.empty() && why->data.empty());
        EXPECT_EQ(refused.notify(NotifyType::no_additional_sas), nullptr);
    }
    EXPECT_EQ(victim.engine.population().children, model::limits::children_per_selectors);
    EXPECT_EQ(victim.engine.counters()[Counter::max_queue_out], 10U);
    EXPECT_EQ(victim.engine.list(peer.now).at(0).state, model::IkeState::established);
}

// RFC 9611 §3: further SAs have the properties of the first.
TEST_F(HostileResources, AFurtherSaWithOtherPropertiesIsRefused) {
    for (const char* other : {"aes128gcm16", "chacha20poly1305", "aes256-sha256"})
        EXPECT_NE(ask(other).notify(NotifyType::no_proposal_chosen), nullptr) << other;
    EXPECT_EQ(victim.engine.population().children, 1U);
    EXPECT_NE(ask().notify(NotifyType::sa_resource_info), nullptr);
    EXPECT_GE(victim.engine.counters()[Counter::resource_refused] + victim.engine.counters()[Counter::no_proposal_chosen], 3U);
}

// RFC 9611 §5.1: one with a protocol or an SPI is ignored.
TEST_F(HostileResources, ANotificationWithAnSpiMarksNothing) {
    const Bytes octets{1, 2, 3, 4};
    const auto answer = ask("aes256gcm16", {.protocol = model::Protocol::esp, .message_type = NotifyType::sa_resource_info, .spi = octets, .data = {}});
    EXPECT_EQ(answer.notify(NotifyType::sa_resource_info), nullptr);
    EXPECT_EQ(victim.installed.back().resource, model::every_resource);
    EXPECT_FALSE(victim.installed.back().per_resource);
}

// RFC 9611 §5.1: the identifier is for debugging, whatever it holds.
TEST_F(HostileResources, TheIdentifierMeansNothing) {
    const Bytes octets(1000, 0xff);
    EXPECT_NE(ask("aes256gcm16", {.message_type = NotifyType::sa_resource_info, .spi = {}, .data = octets}).notify(NotifyType::sa_resource_info), nullptr);
    EXPECT_EQ(victim.installed.back().resource, model::no_resource);
}

// RFC 9611 §3.2: the asking ends for a while, the IKE SA stays, and no other one begins.
TEST_F(HostileResources, ARefusalEndsTheAsking) {
    for (const NotifyType refusal : {NotifyType::ts_max_queue, NotifyType::no_additional_sas, NotifyType::no_proposal_chosen}) {
        wire::MessageBuilder answer;
        answer.notify(refusal);
        answer_wish(std::move(answer));
        EXPECT_TRUE(said.empty());
        peer.step(ResourceWanted{victim.installed[0].id, 1});
        EXPECT_TRUE(peer.sent().empty());
        EXPECT_EQ(victim.engine.population().ike_sas, 1U);
        EXPECT_EQ(victim.engine.population().children, 1U);
        peer.now = peer.now + model::limits::resource_pause_max;
    }
    EXPECT_EQ(victim.engine.counters()[Counter::max_queue_in], 1U);
}

// RFC 9611 §3: without SA_RESOURCE_INFO it is some other child, which nobody asked for.
TEST_F(HostileResources, AnAnswerWithoutTheMarkIsDeleted) {
    wire::MessageBuilder answer;
    model::Proposal chosen = esp("aes256gcm16", ++spi);
    answer.add(wire::SaPayload{{chosen}}).add(wire::NoncePayload{nonce});
    const std::array local{model::ConfiguredSelector::parse("10.2.0.0/16")->selector};
    const std::array remote{model::ConfiguredSelector::parse("10.1.0.0/16")->selector};
    answer.add(wire::TsiPayload::of(local)).add(wire::TsrPayload::of(remote));
    answer_wish(std::move(answer));
    ASSERT_EQ(said.size(), 1U) << victim.log();
    EXPECT_EQ(said[0].header.exchange, ExchangeType::informational) << "a Delete";
    EXPECT_EQ(victim.engine.population().children, 1U);
}

}  // namespace
}  // namespace cygnet::ike::test
