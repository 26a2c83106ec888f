#include "ike/feature/reauthentication.h"

#include <gtest/gtest.h>

#include "ike/test_pair.h"

namespace cygnet::ike::test {
namespace {

class Reauthentication : public testing::Test {
protected:
    Pair pair;
    model::Connection at_a = connection(true), at_b = connection(false);
    std::shared_ptr<model::Config> config_a, config_b;

    void SetUp() override {
        for (model::Connection* each : {&at_a, &at_b}) {
            each->rekey_time = Duration{0};
            each->over_time = seconds(100);
            each->rand_time = Duration{0};
            each->children.front().lifetime = {
                .rekey_time = Duration{0}, .life_time = Duration{0}, .rand_time = Duration{0}};
        }
    }
    void add_child(const std::string& name, const char* of_a, const char* of_b) {
        for (model::Connection* each : {&at_a, &at_b}) {
            model::ChildConfig child = each->children.front();
            child.name = name;
            child.local_ts = {*model::ConfiguredSelector::parse(each == &at_a ? of_a : of_b)};
            child.remote_ts = {*model::ConfiguredSelector::parse(each == &at_a ? of_b : of_a)};
            each->children.push_back(child);
        }
    }
    void start() {
        config_a = config_of(at_a);
        config_b = config_of(at_b);
        if (!at_b.pools.empty())
            config_b->pools["p"] = std::make_shared<const model::Pool>(
                model::Pool{.name = "p", .addresses = *model::AddressRange::parse("10.3.0.0/28"), .base_text = "p"});
        pair.step(pair.a, Configure{config_a, nullptr});
        pair.step(pair.b, Configure{config_b, nullptr});
        ASSERT_TRUE(pair.initiate(pair.a).result) << logs();
        ASSERT_EQ(id_at(pair.a), 1u);
    }
    std::uint32_t id_at(Node& node) { return static_cast<std::uint32_t>(node.only_sa(pair.now).id); }
    // Of two rekeys of one child: a's request does not arrive, b's does, but not its Delete.
    static bool leaves_it_undecided(const Send& send) {
        const auto header = *wire::parse_header(send.datagram);
        const bool of_a = header.initiator && header.exchange == model::ExchangeType::create_child_sa;
        return header.response || !(of_a || header.exchange == model::ExchangeType::informational);
    }
    std::string logs() const { return pair.a.log() + "---\n" + pair.b.log(); }
    CommandDone command(Node& at) {
        pair.step(at, Rekey{.id = CommandId{50}, .which = {.ike = "gw"}, .reauthenticate = true});
        pair.run();
        for (const CommandDone& done : at.done)
            if (done.id == CommandId{50}) return done;
        return {.id = CommandId{50}, .result = fail(Errc::timeout, "test"), .matches = 0};
    }
};

TEST_F(Reauthentication, MakesANewSaBeforeTheOldOneIsDeleted) {
    at_a.reauth_time = hours(1);
    start();
    std::vector<std::string> order;
    pair.meddler = [&](Send& send) {
        const auto header = wire::parse_header(send.datagram);
        // A message in fragments counts once.
        const std::string exchange = model::name_of(header->exchange);
        if (!header->response && (order.empty() || order.back() != exchange)) order.push_back(exchange);
        // The old child is there until the new one is on both sides.
        EXPECT_GE(pair.a.engine.population().children, 1u);
        EXPECT_GE(pair.b.engine.population().children, 1u);
        return true;
    };
    pair.pass(hours(1) + seconds(1));
    EXPECT_EQ(order, (std::vector<std::string>{"IKE_SA_INIT", "IKE_INTERMEDIATE", "IKE_AUTH", "INFORMATIONAL"})) << logs();
    EXPECT_EQ(id_at(pair.a), 2u);
    EXPECT_EQ(id_at(pair.b), 2u);
    EXPECT_TRUE(pair.up());
    EXPECT_TRUE(pair.children_agree());
    EXPECT_EQ(pair.a.engine.counters()[model::Counter::reauthenticated], 1u);
    EXPECT_EQ(pair.b.log().find("INITIAL_CONTACT"), std::string::npos);
    // The responder sees a Delete, and that another IKE SA is there.
    EXPECT_NE(pair.b.log().find("gw[1] ended: 192.0.2.1 has authenticated again: gw[2] takes over"), std::string::npos) << pair.b.log();
    // And again.
    pair.pass(hours(1) + seconds(1));
    EXPECT_EQ(id_at(pair.a), 3u);
}

TEST_F(Reauthentication, TakesAllChildrenAlong) {
    at_a.reauth_time = hours(1);
    add_child("second", "10.5.0.0/16", "10.6.0.0/16");
    start();
    EXPECT_TRUE(pair.initiate(pair.a, "second").result);
    pair.pass(hours(1) + seconds(1));
    EXPECT_EQ(id_at(pair.a), 2u) << logs();
    EXPECT_EQ(pair.a.only_sa(pair.now).children.size(), 2u);
    EXPECT_EQ(pair.b.only_sa(pair.now).children.size(), 2u);
    EXPECT_TRUE(pair.children_agree());
}

// One is being made in the old SA, another one waits there for its turn.
// Of a child that both sides are rekeying there are two until one has lost.
TEST_F(Reauthentication, TakesAChildThatBothSidesRekeyAlongOnce) {
    start();
    bool silent = true;
    pair.meddler = [&](Send& send) {
        return !silent || leaves_it_undecided(send);
    };
    for (Node* node : {&pair.a, &pair.b}) pair.step(*node, Rekey{.id = {}, .which = {.child = "net"}});
    pair.run();
    ASSERT_EQ(pair.a.engine.population().children, 2u) << logs();
    silent = false;
    command(pair.a);
    pair.pass(minutes(1));
    EXPECT_EQ(pair.a.engine.population().children, 1u) << logs();
    EXPECT_EQ(id_at(pair.a), 2u) << logs();
    EXPECT_TRUE(pair.up());
}

// … and what brings it back when the peer is silent does so once, too.
TEST_F(Reauthentication, BringsAChildThatBothSidesRekeyBackOnce) {
    at_a.children.front().dpd_action = model::Action::start;
    start();
    enum { a_is_lost, all_is_lost, nothing_is_lost } network = a_is_lost;
    pair.meddler = [&](Send& send) {
        return network == nothing_is_lost || (network == a_is_lost && leaves_it_undecided(send));
    };
    for (Node* node : {&pair.a, &pair.b}) pair.step(*node, Rekey{.id = {}, .which = {.child = "net"}});
    pair.run();
    ASSERT_EQ(pair.a.engine.population().children, 2u) << logs();
    network = all_is_lost;
    while (pair.a.log().find("stopped answering") == std::string::npos) pair.pass(seconds(1));
    network = nothing_is_lost;
    pair.pass(minutes(1));
    EXPECT_EQ(pair.a.engine.population().children, 1u) << logs();
    EXPECT_TRUE(pair.up());
}

// The old SA is lost before the new one has come far, and comes back by itself: once is enough.
TEST_F(Reauthentication, OfAnSaThatIsLostMeanwhileIsLeftToWhatBringsItBack) {
    at_a.children.front().close_action = model::Action::start;
    start();
    bool lost = true;
    pair.meddler = [&](Send& send) {
        return !lost || wire::parse_header(send.datagram)->exchange != model::ExchangeType::ike_sa_init;
    };
    command(pair.a);
    pair.step(pair.b, Terminate{.id = CommandId{60}, .which = {.ike = "gw"}});
    pair.run();
    lost = false;
    pair.pass(minutes(1));
    EXPECT_EQ(pair.a.engine.population().ike_sas, 1u) << logs();
    EXPECT_EQ(pair.a.engine.population().children, 1u) << logs();
    EXPECT_TRUE(pair.up());
    const auto waited = std::ranges::find(pair.a.done, CommandId{50}, &CommandDone::id);
    ASSERT_NE(waited, pair.a.done.end());
    EXPECT_TRUE(waited->result) << "what waited for a new authentication has one";
}

TEST_F(Reauthentication, TakesChildrenAlongThatComeMeanwhile) {
    add_child("second", "10.5.0.0/16", "10.6.0.0/16");
    add_child("third", "10.7.0.0/16", "10.8.0.0/16");
    start();
    bool lossy = true;
    pair.meddler = [&](Send& send) {
        return !lossy || wire::parse_header(send.datagram)->exchange != model::ExchangeType::create_child_sa;
    };
    pair.initiate(pair.a, "second");
    pair.initiate(pair.a, "third");
    command(pair.a);
    EXPECT_EQ(pair.a.engine.population().ike_sas, 2u) << "the old one waits for an answer";
    lossy = false;
    pair.pass(minutes(1));
    EXPECT_EQ(id_at(pair.a), 2u) << logs();
    EXPECT_EQ(pair.a.only_sa(pair.now).children.size(), 3u) << logs();
    EXPECT_EQ(pair.b.only_sa(pair.now).children.size(), 3u);
    EXPECT_TRUE(pair.children_agree());
}

// RFC 6023: the first child comes after IKE_AUTH, and the old SA waits for it.
TEST_F(Reauthentication, WaitsForTheChildOfAChildlessStart) {
    at_a.reauth_time = hours(1);
    at_a.childless = at_b.childless = model::Childless::prefer;
    start();
    pair.pass(hours(1) + seconds(1));
    EXPECT_EQ(id_at(pair.a), 2u) << logs();
    EXPECT_TRUE(pair.up());
    EXPECT_TRUE(pair.children_agree());
}

// RFC 7296 §2.8: packets of the peer meet the new SA only when both sides have it, those under way still find the old.
TEST_F(Reauthentication, LetsTheResponderUseTheNewSaWhenTheInitiatorHasIt) {
    at_a.reauth_time = hours(1);
    start();
    pair.pass(hours(1) + seconds(1));
    ASSERT_EQ(pair.b.installed.size(), 2u);
    EXPECT_TRUE(pair.b.installed[0].outbound_active);
    EXPECT_FALSE(pair.b.installed[1].outbound_active);
    EXPECT_TRUE(pair.a.installed[1].outbound_active);
}

TEST_F(Reauthentication, KeepsTheVirtualAddress) {
    at_a.reauth_time = hours(1);
    at_a.vips = {model::IpAddress::any(model::Family::v4)};
    at_a.children.front().local_ts = {{.dynamic = true, .selector = {}}};
    at_b.children.front().remote_ts = {{.dynamic = true, .selector = {}}};
    at_b.pools = {"p"};
    start();
    const auto before = pair.a.only_sa(pair.now).local_vips;
    pair.pass(hours(1) + seconds(1));
    EXPECT_EQ(id_at(pair.a), 2u) << logs();
    EXPECT_EQ(pair.a.only_sa(pair.now).local_vips, before);
    EXPECT_EQ(pair.a.assigned.size(), 1u) << "neither taken away nor added again";
    EXPECT_EQ(pair.b.engine.pools().front().online, 1u);
    pair.terminate(pair.a, {.ike = "gw"});
    EXPECT_EQ(pair.a.assigned.size(), 2u);
    EXPECT_TRUE(pair.a.assigned.back().remove);
    EXPECT_EQ(pair.b.engine.pools().front().online, 0u);
}

TEST_F(Reauthentication, SurvivesEveryUniquePolicy) {
    for (const auto policy :
         {model::UniquePolicy::never, model::UniquePolicy::no, model::UniquePolicy::keep, model::UniquePolicy::replace}) {
        Pair fresh;
        at_a.reauth_time = hours(1);
        at_a.unique = at_b.unique = policy;
        fresh.configure(at_a, at_b);
        ASSERT_TRUE(fresh.initiate(fresh.a).result);
        fresh.pass(hours(1) + seconds(30));
        EXPECT_TRUE(fresh.up()) << fresh.a.log() << "---\n" << fresh.b.log();
        EXPECT_EQ(fresh.a.only_sa(fresh.now).id, model::IkeSaId{2});
    }
}

TEST_F(Reauthentication, ThatFailsLeavesTheOldSaUntilItsEnd) {
    at_a.reauth_time = hours(1);
    start();
    pair.step(pair.b, Configure{config_of(at_b, "another secret"), nullptr});
    pair.pass(hours(1) + seconds(50));
    EXPECT_EQ(id_at(pair.a), 1u) << logs();
    EXPECT_EQ(pair.a.only_sa(pair.now).children.size(), 1u);
    pair.pass(seconds(60));
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0u) << "over_time after reauth_time it ends";
    EXPECT_NE(pair.a.log().find("nobody repeated the authentication"), std::string::npos);
}

TEST_F(Reauthentication, ThatLosesAChildIsGivenUp) {
    at_a.reauth_time = hours(1);
    start();
    model::Connection other = at_b;
    other.children.front().local_ts = {*model::ConfiguredSelector::parse("10.99.0.0/16")};
    pair.step(pair.b, Configure{config_of(other), nullptr});
    pair.pass(hours(1) + seconds(1));
    EXPECT_EQ(id_at(pair.a), 1u) << logs();
    EXPECT_TRUE(pair.up());
}

TEST_F(Reauthentication, IsNotPutOffByRekeys) {
    at_a.reauth_time = hours(1);
    start();
    pair.pass(minutes(40));
    EXPECT_TRUE(pair.rekey(pair.a, {.ike = "gw"}).result);
    EXPECT_EQ(id_at(pair.a), 2u);
    pair.pass(minutes(20) + seconds(1));
    EXPECT_EQ(id_at(pair.a), 3u) << logs();
    // RFC 4478 §2: the side that began the first authentication repeats it, whoever rekeyed.
    pair.pass(minutes(40));
    EXPECT_TRUE(pair.rekey(pair.b, {.ike = "gw"}).result);
    pair.pass(minutes(20) + seconds(1));
    EXPECT_TRUE(pair.a.only_sa(pair.now).initiator);
    EXPECT_EQ(pair.a.engine.counters()[model::Counter::reauthenticated], 2u) << logs();
}

// RFC 4478 §2: in the last message of IKE_AUTH the responder says when.
// Else the SA and the one that a rekey makes of it would both do it, and each bring the children again.
TEST_F(Reauthentication, WaitsForARekeyThatIsUnderWay) {
    at_a.reauth_time = hours(1);
    start();
    pair.pass(hours(1) - seconds(1));
    unsigned begun = 0;
    bool deaf = true;
    pair.meddler = [&](Send& send) {
        const auto header = wire::parse_header(send.datagram);
        begun += header->exchange == model::ExchangeType::ike_sa_init && !header->response;
        return !(deaf && header->exchange == model::ExchangeType::create_child_sa);
    };
    pair.step(pair.a, Rekey{.id = CommandId{51}, .which = {.ike = "gw"}});
    pair.pass(seconds(3));
    EXPECT_EQ(begun, 0u) << logs();
    deaf = false;
    pair.pass(minutes(2));
    EXPECT_EQ(begun, 1u) << logs();
    EXPECT_TRUE(pair.up());
    EXPECT_TRUE(pair.children_agree());
    EXPECT_EQ(pair.a.engine.population().children, 1u);
}

TEST_F(Reauthentication, IsAskedForByTheResponderWithTheSa) {
    at_b.reauth_time = hours(1);
    start();
    EXPECT_NE(pair.a.log().find("AUTH_LIFETIME"), std::string::npos) << logs();
    pair.pass(hours(1));
    EXPECT_EQ(id_at(pair.a), 2u) << logs();
    EXPECT_EQ(id_at(pair.b), 2u);
    EXPECT_TRUE(pair.up());
}

// RFC 4478 §2: or later, in an INFORMATIONAL request; zero means now.
TEST_F(Reauthentication, IsAskedForByTheRespondersOperator) {
    start();
    EXPECT_TRUE(command(pair.b).result) << logs();
    pair.pass(seconds(30));
    EXPECT_EQ(id_at(pair.a), 2u) << logs();
    EXPECT_TRUE(pair.up());
    pair.pass(minutes(5));
    EXPECT_EQ(id_at(pair.b), 2u) << "the new one has no end";
}

// The peer's time begins when it is asked, not while the question waits for another exchange.
TEST_F(Reauthentication, IsGivenItsTimeWhenAskedForLate) {
    start();
    bool silent = true;
    pair.meddler = [&](Send&) { return !silent; };
    pair.step(pair.b, Rekey{.id = {}, .which = {.child = "net"}});
    command(pair.b);
    pair.pass(model::limits::reauthentication_patience - seconds(8));
    silent = false;
    // Until the request is repeated, the peer has asked, and reauthenticated.
    pair.pass(minutes(2));
    EXPECT_EQ(id_at(pair.a), 2u) << logs();
    EXPECT_TRUE(pair.up());
    EXPECT_EQ(pair.b.log().find("in time"), std::string::npos) << logs();
}

// RFC 4478 §2: at any time: a reload with another reauth_time is told once, and to nobody whose time is the same.
TEST_F(Reauthentication, FollowsAReloadThatChangesItsTime) {
    at_b.reauth_time = hours(10);
    start();
    model::Connection changed = at_b;
    changed.reauth_time = hours(1);
    for (int times = 0; times < 2; ++times) {
        pair.step(pair.b, Configure{config_of(changed), nullptr});
        pair.run();
    }
    const std::string log = pair.a.log();
    EXPECT_NE(log.find("within 3600 s"), std::string::npos) << log;
    EXPECT_EQ(log.find("within 3600 s"), log.rfind("within 3600 s"));
    EXPECT_EQ(id_at(pair.a), 1u);
    pair.pass(hours(1));
    EXPECT_EQ(id_at(pair.a), 2u) << logs();
    EXPECT_TRUE(pair.up());
}

TEST_F(Reauthentication, IsBegunByTheInitiatorsOperator) {
    start();
    EXPECT_TRUE(command(pair.a).result) << logs();
    EXPECT_EQ(id_at(pair.a), 2u);
    EXPECT_TRUE(pair.up());
}

// The Delete waits for the answer to another request; meanwhile reauth_time is over.
TEST_F(Reauthentication, DoesNotBringBackWhatTheOperatorTerminated) {
    at_a.reauth_time = minutes(1);
    at_a.dpd_delay = seconds(50);
    start();
    bool silent = true;
    pair.meddler = [&](Send&) { return !silent; };
    pair.pass(seconds(51));
    pair.step(pair.a, Terminate{.id = CommandId{60}, .which = {.ike = "gw"}});
    pair.pass(seconds(15));
    silent = false;
    pair.pass(minutes(2));
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0u) << logs();
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u) << logs();
}

// RFC 4478 §2: a peer that does not obey loses its SA.
TEST_F(Reauthentication, ThatDoesNotComeEndsTheSa) {
    at_b.reauth_time = hours(1);
    start();
    // The initiator's first attempts vanish, like those of a peer that never heard of RFC 4478.
    pair.meddler = [&](Send& send) {
        return wire::parse_header(send.datagram)->exchange != model::ExchangeType::ike_sa_init;
    };
    pair.pass(hours(1) + seconds(99));
    EXPECT_EQ(pair.b.engine.population().ike_sas, 1u) << logs();
    pair.pass(seconds(2));
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u) << logs();
}

// RFC 4478 §2: only the responder may ask; and no peer can make us spin.
TEST_F(Reauthentication, IsNotAskedForByTheInitiatorNorWithoutPause) {
    start();
    EXPECT_TRUE(command(pair.b).result);
    EXPECT_EQ(pair.a.engine.population().ike_sas, 1u) << "the first pause is not over";
    pair.pass(model::limits::reauthentication_pause + seconds(1));
    EXPECT_EQ(id_at(pair.a), 2u);
}

}  // namespace
}  // namespace cygnet::ike::test
