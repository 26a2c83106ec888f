#include "daemon/keep_up.h"

#include <gmock/gmock.h>

#include "model/limits.h"

namespace cygnet::daemon {
namespace {

using model::limits::keep_up_attempts_at_once;
using model::limits::keep_up_pause_first;
using model::limits::keep_up_pause_max;
using model::limits::keep_up_pause_refused;
using testing::IsEmpty;
using testing::SizeIs;
using Outcome = KeepUp::Outcome;

struct KeepUpTest : testing::Test {
    SeededRng rng{1};
    KeepUp keep_up{rng};
    Instant now = Instant::after_start(seconds(100));
    model::Config config{};

    void add(const std::string& name, bool kept = true) {
        config.connections[name] = std::make_shared<const model::Connection>(model::Connection{.name = name, .keep_up = kept});
    }
    void configure() { keep_up.configure(config, now); }
    // The only attempt that is due when the clock has moved on to it.
    KeepUp::Attempt next() {
        now = std::max(now, keep_up.next_deadline());
        const auto due = keep_up.due(now);
        EXPECT_THAT(due, SizeIs(1));
        return due.empty() ? KeepUp::Attempt{} : due.front();
    }
    Duration pause_after(Outcome outcome) {
        next();
        keep_up.finished("gw", outcome, now);
        return keep_up.next_deadline() - now;
    }
};

TEST_F(KeepUpTest, BeginsAtOnceAndRestsWhenItIsUp) {
    add("gw");
    add("other", false);
    configure();
    EXPECT_EQ(keep_up.next_deadline(), now);
    EXPECT_EQ(next().connection, "gw");
    EXPECT_THAT(keep_up.due(now), IsEmpty());  // one attempt at a time
    keep_up.finished("gw", Outcome::up, now);
    EXPECT_EQ(keep_up.next_deadline(), Instant::never());
    configure();  // nothing has changed
    EXPECT_EQ(keep_up.next_deadline(), Instant::never());
}

TEST_F(KeepUpTest, ComesBackSoonAfterALoss) {
    add("gw");
    configure();
    next();
    keep_up.finished("gw", Outcome::up, now);
    keep_up.lost("gw", now);
    keep_up.lost("gw", now);
    EXPECT_LE(keep_up.next_deadline() - now, model::limits::keep_up_pause_lost * 5 / 4);
    EXPECT_EQ(next().number, 0u);
}

TEST_F(KeepUpTest, PausesLongerEachTimeAndTakesTheNextAddress) {
    add("gw");
    configure();
    Duration expected = keep_up_pause_first;
    for (unsigned i = 0; i < 12; ++i) {
        const Duration pause = pause_after(Outcome::unreachable);
        EXPECT_GE(pause, expected * 3 / 4) << i;
        EXPECT_LE(pause, expected * 5 / 4) << i;
        expected = std::min(expected * 2, keep_up_pause_max);
    }
    EXPECT_EQ(next().number, 12u);
    keep_up.finished("gw", Outcome::up, now);
    keep_up.lost("gw", now);
    EXPECT_EQ(next().number, 12u);  // the address that worked
    keep_up.finished("gw", Outcome::unreachable, now);
    EXPECT_LE(keep_up.next_deadline() - now, keep_up_pause_first * 5 / 4);  // the series began anew
}

TEST_F(KeepUpTest, IsSlowerWhenThePeerSaysNo) {
    add("gw");
    configure();
    EXPECT_GE(pause_after(Outcome::refused), keep_up_pause_refused * 3 / 4);
}

TEST_F(KeepUpTest, ALossDuringAPauseDoesNotCutItShort) {
    add("gw");
    configure();
    const Duration pause = pause_after(Outcome::refused);
    keep_up.lost("gw", now);
    EXPECT_EQ(keep_up.next_deadline() - now, pause);
}

TEST_F(KeepUpTest, ALossDuringAnAttemptIsNotForgotten) {
    add("gw");
    configure();
    next();
    keep_up.lost("gw", now);
    keep_up.finished("gw", Outcome::up, now);
    EXPECT_NE(keep_up.next_deadline(), Instant::never());
}

TEST_F(KeepUpTest, StaysDownWhenTheOperatorWantsIt) {
    add("gw");
    configure();
    next();
    keep_up.finished("gw", Outcome::up, now);
    keep_up.leave_down("gw");
    keep_up.lost("gw", now);
    EXPECT_EQ(keep_up.next_deadline(), Instant::never());
    keep_up.resume("gw", now);
    EXPECT_NE(keep_up.next_deadline(), Instant::never());
    keep_up.lost("gw", now);  // what the operator has brought up is lost
    EXPECT_LE(keep_up.next_deadline() - now, model::limits::keep_up_pause_lost * 5 / 4);
    keep_up.leave_down("gw");
    add("gw");  // changed
    configure();
    EXPECT_EQ(keep_up.next_deadline(), now);
}

TEST_F(KeepUpTest, ForgetsWhatIsNoLongerKept) {
    add("gw");
    add("other");
    configure();
    keep_up.due(now);
    config.connections.erase("gw");
    add("other", false);
    configure();
    keep_up.finished("gw", Outcome::unreachable, now);
    EXPECT_EQ(keep_up.next_deadline(), Instant::never());
    EXPECT_FALSE(keep_up.keeps("gw"));
    EXPECT_FALSE(keep_up.keeps("other"));
}

TEST_F(KeepUpTest, AChangeDuringAnAttemptIsTriedAfterIt) {
    add("gw");
    configure();
    next();
    add("gw");
    configure();
    EXPECT_EQ(keep_up.next_deadline(), Instant::never());
    keep_up.finished("gw", Outcome::up, now);
    EXPECT_NE(keep_up.next_deadline(), Instant::never());
}

TEST_F(KeepUpTest, TriesNoMoreAtOnceThanItMay) {
    for (std::size_t i = 0; i < keep_up_attempts_at_once + 10; ++i) add("gw" + std::to_string(i));
    configure();
    const auto first = keep_up.due(now);
    ASSERT_THAT(first, SizeIs(keep_up_attempts_at_once));
    EXPECT_EQ(keep_up.next_deadline(), Instant::never());
    keep_up.finished(first.front().connection, Outcome::up, now);
    EXPECT_EQ(keep_up.next_deadline(), now);
    EXPECT_THAT(keep_up.due(now), SizeIs(1));
}

}  // namespace
}  // namespace cygnet::daemon
