#include "ike/timers.h"

#include <gtest/gtest.h>

#include "ike/test_pair.h"

namespace cygnet::ike::test {
namespace {

using model::Counter;

const auto lose_all = [](Send&) { return false; };

TEST(Timers, RetransmitUntilTheAnswerComes) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    int lost = 0;
    pair.meddler = [&](Send&) { return ++lost > 2; };
    pair.initiate(pair.a);
    EXPECT_FALSE(pair.up());
    pair.pass(seconds(20));
    EXPECT_TRUE(pair.up());
    EXPECT_EQ(pair.a.engine.counters()[Counter::retransmitted], 2u);
}

TEST(Timers, GiveUpAfterTheLastRetransmissionAndSayWhy) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    pair.meddler = lose_all;
    pair.initiate(pair.a);
    pair.pass(minutes(10));
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0u);
    ASSERT_EQ(pair.a.done.size(), 1u);
    ASSERT_FALSE(pair.a.done.front().result);
    EXPECT_NE(pair.a.done.front().result.error().detail.find("did not answer 6 transmissions"), std::string::npos);
    EXPECT_EQ(pair.a.engine.next_deadline(), Instant::never());
}

TEST(Timers, BeginAgainAsOftenAsKeyingtriesSays) {
    Pair pair;
    model::Connection patient = connection(true);
    patient.keyingtries = 2;
    pair.configure(patient, connection(false));
    pair.meddler = lose_all;
    pair.initiate(pair.a);
    pair.pass(minutes(4));
    EXPECT_EQ(pair.a.engine.population().ike_sas, 1u);
    EXPECT_TRUE(pair.a.done.empty());
    pair.pass(minutes(4));
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0u);
    EXPECT_EQ(pair.a.done.size(), 1u);
}

TEST(Timers, LetAHalfOpenSaGo) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    pair.meddler = [](Send& send) { return send.datagram[18] == 34; };
    pair.initiate(pair.a);
    EXPECT_EQ(pair.b.engine.population().half_open, 1u);
    pair.pass(seconds(31));
    EXPECT_EQ(pair.b.engine.population().half_open, 0u);
    EXPECT_EQ(pair.b.engine.counters()[Counter::half_open_expired], 1u);
}

// RFC 7296 §2.4 [24]: asked only after silence.
TEST(Timers, AskWhetherThePeerLivesOnlyWhenItWasSilent) {
    Pair pair;
    model::Connection watchful = connection(true);
    watchful.dpd_delay = seconds(30);
    pair.configure(watchful, connection(false));
    pair.initiate(pair.a);
    pair.pass(seconds(29));
    EXPECT_EQ(pair.a.engine.counters()[Counter::info_out_req], 0u);
    const model::ChildId child = pair.a.only_sa(pair.now).children.front().id;
    pair.step(pair.a, UsageReport{.child = child, .usage = {.bytes_in = 1, .packets_in = 1, .last_in = pair.now}});
    pair.pass(seconds(25));
    EXPECT_EQ(pair.a.engine.counters()[Counter::info_out_req], 0u);
    pair.pass(seconds(30));
    EXPECT_EQ(pair.a.engine.counters()[Counter::info_out_req], 1u);
    EXPECT_TRUE(pair.up());
}

TEST(Timers, EndAnSaWhosePeerIsDeadAndReviveItsChild) {
    Pair pair;
    model::Connection watchful = connection(true);
    watchful.dpd_delay = seconds(30);
    watchful.children.front().dpd_action = model::Action::start;
    pair.configure(watchful, connection(false));
    pair.initiate(pair.a);
    pair.meddler = lose_all;
    pair.pass(minutes(4));
    pair.meddler = nullptr;
    pair.pass(minutes(4));
    EXPECT_TRUE(pair.up()) << pair.a.log();
    EXPECT_EQ(pair.a.events_of<model::IkeDown>().size(), 1u);
}

// RFC 3948 §4 [132]: only when nothing else was sent.
TEST(Timers, KeepTheMappingOfOurNatOpen) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    pair.meddler = [](Send& send) {  // A NAT in front of a.
        if (send.path.local.address == address("192.0.2.1"))
            send.path.local.address = address("203.0.113.1");
        else
            send.path.remote.address = address("192.0.2.1");
        return true;
    };
    EXPECT_TRUE(pair.initiate(pair.a).result) << pair.a.log() << "---\n" << pair.b.log();
    EXPECT_TRUE(pair.a.only_sa(pair.now).nat_local);
    EXPECT_TRUE(pair.b.only_sa(pair.now).nat_remote);
    EXPECT_EQ(pair.a.only_sa(pair.now).path.local.port, 4500);
    EXPECT_EQ(pair.b.only_sa(pair.now).path.remote.port, 4500);
    EXPECT_TRUE(pair.a.installed.front().udp_encapsulation && pair.b.installed.front().udp_encapsulation);
    pair.pass(seconds(70));
    EXPECT_EQ(pair.a.keepalives.size(), 3u);
    EXPECT_TRUE(pair.b.keepalives.empty());
}

// RFC 4301 §4.4.2.1 [171]: soft and hard.
TEST(Timers, RekeyAChildAfterItsVolumeAndEndItAfterTheHardOne) {
    Pair pair;
    model::Connection small = connection(true);
    small.children.front().lifetime = {.rekey_time = Duration{0},
                                       .life_time = Duration{0},
                                       .rekey_bytes = 1000,
                                       .life_bytes = 5000,
                                       .rand_bytes = 100};
    pair.configure(small, connection(false));
    pair.initiate(pair.a);
    const model::ChildId first = pair.a.installed.front().id;
    pair.step(pair.a, UsageReport{.child = first, .usage = {.bytes_out = 900}});
    pair.run();
    EXPECT_EQ(pair.a.installed.size(), 1u);
    pair.step(pair.a, UsageReport{.child = first, .usage = {.bytes_out = 1000}});
    pair.run();
    ASSERT_EQ(pair.a.installed.size(), 2u) << pair.a.log();
    EXPECT_TRUE(pair.up());
    pair.step(pair.a, UsageReport{.child = pair.a.installed.back().id, .usage = {.bytes_in = 6000}});
    pair.run();
    EXPECT_EQ(pair.b.engine.population().ike_sas, 1u);
    EXPECT_FALSE(pair.up() && pair.a.only_sa(pair.now).children.front().id == pair.a.installed[1].id);
}

// RFC 7296 §2.23 [131]: authenticated packets alone move the peer.
TEST(Timers, FollowAPeerWhoseNatHasANewMappingOnlyWhenItIsBehindOne) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    pair.initiate(pair.a);
    const model::Endpoint elsewhere{address("198.51.100.9"), 4500};
    pair.step(pair.b, PeerMoved{.child = pair.b.installed.front().id, .path = {.local = {}, .remote = elsewhere}});
    EXPECT_TRUE(pair.b.moved.empty());

    Pair behind;
    model::Connection forced = connection(true);
    forced.mobike = false;  // RFC 4555 §3.8 has another way
    forced.encap = true;  // b believes that a is behind NAT.
    behind.configure(forced, connection(false));
    behind.initiate(behind.a);
    EXPECT_TRUE(behind.b.only_sa(behind.now).nat_remote);
    behind.step(behind.b, PeerMoved{.child = behind.b.installed.front().id, .path = {.local = {}, .remote = elsewhere}});
    ASSERT_EQ(behind.b.moved.size(), 1u);
    EXPECT_EQ(behind.b.moved.front().path.remote, elsewhere);
    EXPECT_EQ(behind.b.only_sa(behind.now).path.remote, elsewhere);
}

// RFC 7296 §2.8 [124]: an expired SA is not used.
TEST(Timers, DeleteAnSaAtItsHardLifetime) {
    Pair pair;
    model::Connection mortal = connection(true);
    mortal.rekey_time = hours(1);
    mortal.children.front().lifetime = {.rekey_time = Duration{0}, .life_time = minutes(10), .rand_time = Duration{0}};
    pair.configure(mortal, connection(false));
    pair.initiate(pair.a);
    pair.pass(minutes(11));
    EXPECT_EQ(pair.a.engine.population().children + pair.b.engine.population().children, 0u);
    EXPECT_EQ(pair.a.engine.population().ike_sas, 1u);
}

TEST(Timers, CloseAChildThatIsIdleAndKeepABusyOne) {
    Pair pair;
    model::Connection brief = connection(true);
    brief.children.front().inactivity = seconds(60);
    pair.configure(brief, connection(false));
    ASSERT_TRUE(pair.initiate(pair.a).result);
    pair.pass(seconds(50));
    pair.step(pair.a, UsageReport{.child = pair.a.installed.front().id, .usage = {.bytes_out = 1, .packets_out = 1, .last_out = pair.now}});
    pair.pass(seconds(50));
    EXPECT_TRUE(pair.up());
    ASSERT_TRUE(pair.rekey(pair.a, {.child = "net"}).result);
    pair.pass(seconds(9));
    EXPECT_TRUE(pair.up()) << "60 s after the last packet are not over";
    pair.pass(seconds(2));
    EXPECT_EQ(pair.a.engine.population().children, 0U) << "a rekey is no traffic";
    EXPECT_EQ(pair.b.engine.population().children, 0U);
    EXPECT_EQ(pair.a.only_sa(pair.now).state, model::IkeState::established);
}

TEST(Timers, LeaveATrapForTheChildOfADeadPeer) {
    for (const auto action : {model::Action::trap, model::Action::trap_and_start}) {
        Pair pair;
        model::Connection watchful = connection(true);
        watchful.dpd_delay = seconds(30);
        watchful.children.front().dpd_action = action;
        pair.configure(watchful, connection(false));
        pair.initiate(pair.a);
        pair.meddler = lose_all;
        pair.pass(minutes(4));
        EXPECT_EQ(pair.a.engine.policies().size(), 1U) << pair.a.log();
        pair.meddler = nullptr;
        pair.pass(minutes(4));
        EXPECT_EQ(pair.up(), model::starts(action));
    }
}

}  // namespace
}  // namespace cygnet::ike::test
