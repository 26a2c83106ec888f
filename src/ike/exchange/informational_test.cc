#include "ike/exchange/informational.h"

#include <gtest/gtest.h>

#include "ike/test_pair.h"

namespace cygnet::ike::test {
namespace {

class Informational : public testing::Test {
protected:
    void SetUp() override {
        pair.configure(connection(true), connection(false));
        ASSERT_TRUE(pair.initiate(pair.a).result);
        ASSERT_TRUE(pair.up());
    }
    Pair pair;
};

// RFC 7296 §1.4.1 [121]: an empty response.
TEST_F(Informational, DeletesAnIkeSaWithItsChildren) {
    const CommandDone done = pair.terminate(pair.b, {.ike = "gw"});
    EXPECT_TRUE(done.result);
    EXPECT_EQ(done.matches, 1u);
    for (Node* node : {&pair.a, &pair.b}) {
        EXPECT_EQ(node->engine.population().ike_sas + node->engine.population().children, 0u);
        EXPECT_EQ(node->removed.size(), 1u);
        EXPECT_EQ(node->events_of<model::IkeDown>().size(), 1u);
    }
}

// RFC 7296 §1.4.1 [120]: answered with the paired SA.
TEST_F(Informational, DeletesOneChildAndKeepsTheIkeSa) {
    EXPECT_TRUE(pair.terminate(pair.a, {.child = "net"}).result);
    for (Node* node : {&pair.a, &pair.b}) {
        EXPECT_EQ(node->engine.population().children, 0u);
        EXPECT_EQ(node->only_sa(pair.now).state, model::IkeState::established);
    }
}

// RFC 7296 §1.4.1 [120]: no Delete in the answer of one who deletes already.
TEST_F(Informational, SurvivesDeletionOfTheSameChildFromBothSides) {
    for (Node* node : {&pair.a, &pair.b}) pair.step(*node, Terminate{.id = CommandId{50}, .which = {.child = "net"}});
    pair.run();
    for (Node* node : {&pair.a, &pair.b}) {
        EXPECT_EQ(node->engine.population().children, 0u);
        EXPECT_EQ(node->removed.size(), 1u);
        EXPECT_TRUE(node->done.back().result);
        EXPECT_EQ(node->only_sa(pair.now).state, model::IkeState::established);
    }
}

TEST_F(Informational, SurvivesDeletionOfTheIkeSaFromBothSides) {
    for (Node* node : {&pair.a, &pair.b}) pair.step(*node, Terminate{.id = CommandId{50}, .which = {.ike = "gw"}});
    pair.run();
    pair.pass(minutes(5));
    for (Node* node : {&pair.a, &pair.b}) {
        EXPECT_EQ(node->engine.population().ike_sas, 0u);
        EXPECT_TRUE(node->done.back().result) << node->log();
    }
}

TEST_F(Informational, EndsByForceWithoutWaiting) {
    pair.meddler = [](Send&) { return false; };
    EXPECT_TRUE(pair.terminate(pair.a, {.ike = "gw"}, true).result);
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0u);
}

TEST(CloseAction, BringsBackWhatThePeerTookDown) {
    for (const SaSelector& what : {SaSelector{.ike = "gw"}, SaSelector{.child = "net"}}) {
        Pair pair;
        model::Connection stubborn = connection(true);
        stubborn.children.front().close_action = model::Action::start;
        pair.configure(stubborn, connection(false));
        pair.initiate(pair.a);
        EXPECT_TRUE(pair.terminate(pair.b, what).result);
        EXPECT_TRUE(pair.up()) << pair.a.log();
        EXPECT_EQ(pair.a.installed.size(), 2u);
        EXPECT_TRUE(pair.terminate(pair.a, what).result);  // Our own wish is final.
        EXPECT_EQ(pair.a.engine.population().children, 0u);
    }
}

TEST(Terminate, FailsAnAttemptThatIsUnderWay) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    pair.meddler = [](Send&) { return false; };
    pair.initiate(pair.a);
    EXPECT_TRUE(pair.terminate(pair.a, {.ike = "gw"}).result);
    ASSERT_EQ(pair.a.done.size(), 2u);
    EXPECT_FALSE(pair.a.done.front().result);
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0u);
    EXPECT_TRUE(pair.a.events_of<model::IkeDown>().empty());
}

TEST_F(Informational, FindsNothingToTerminate) {
    const CommandDone done = pair.terminate(pair.a, {.ike = "nobody"});
    ASSERT_FALSE(done.result);
    EXPECT_EQ(done.result.error().code, Errc::not_found);
    EXPECT_EQ(done.matches, 0u);
}

TEST_F(Informational, RevertsToTheSameSaForASecondInitiate) {
    EXPECT_TRUE(pair.initiate(pair.a, "").result);
    EXPECT_TRUE(pair.up());
}

}  // namespace
}  // namespace cygnet::ike::test
