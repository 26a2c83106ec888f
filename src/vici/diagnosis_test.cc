#include "vici/diagnosis.h"

#include <gmock/gmock.h>

namespace cygnet::vici {
namespace {

using testing::HasSubstr;

constexpr Instant now = Instant::after_start(seconds(1000));

struct DiagnosisTest : testing::Test {
    model::Connection connection{.name = "gw"};
    std::vector<model::IkeStatus> sas{};
    std::vector<model::Failure> failures{};
    std::optional<Duration> next{};

    DiagnosisTest() {
        connection.children = {{.name = "net"}, {.name = "voice"}};
        connection.remote_addrs = {{.text = "192.0.2.2", .range = model::AddressRange::single(*model::IpAddress::parse("192.0.2.2"))}};
    }
    void fail_with(const char* what, const char* child = "", unsigned sa = 0) {
        failures.push_back({.connection = "gw",
                            .child = child,
                            .why = {.kind = "secret", .what = what, .ours = "a", .theirs = "b", .advice = "agree"},
                            .phase = "IKE_AUTH",
                            .peer = {*model::IpAddress::parse("192.0.2.2"), 500},
                            .sa = model::IkeSaId{sa},
                            .when = now - seconds(65)});
    }
    model::IkeStatus& add_sa(model::IkeState state) {
        model::IkeStatus sa;
        sa.name = "gw";
        sa.id = model::IkeSaId{7};
        sa.state = state;
        sa.path.remote = {*model::IpAddress::parse("192.0.2.2"), 4500};
        sa.remote_id = model::Identity::parse("sun");
        sa.established_for = seconds(3700);
        return sas.emplace_back(std::move(sa));
    }
    static void add_child(model::IkeStatus& sa, const char* name) {
        model::ChildStatus child;
        child.name = name;
        child.state = model::ChildState::installed;
        sa.children.push_back(child);
    }
    std::string state() { return std::string(told().text("state").value()); }
    std::string sentence() { return std::string(told().text("sentence").value()); }
    Section told() { return *diagnosis({connection, sas, failures, next}, now).section("gw"); }
};

TEST_F(DiagnosisTest, SaysSinceWhenItIsUp) {
    model::IkeStatus& sa = add_sa(model::IkeState::established);
    add_child(sa, "net");
    add_child(sa, "voice");
    EXPECT_EQ(state(), "up");
    EXPECT_EQ(sentence(), "gw is up since 1 h 1 min with 192.0.2.2[4500] [sun]");
}

TEST_F(DiagnosisTest, NamesTheChildThatIsMissing) {
    add_child(add_sa(model::IkeState::established), "net");
    EXPECT_EQ(state(), "partly-up");
    EXPECT_THAT(sentence(), HasSubstr("but child voice is not: nobody asked for it yet, `cygnet up --child voice` does"));
    fail_with("selectors", "voice");
    EXPECT_THAT(sentence(), HasSubstr("but child voice is not: selectors (here: a; the peer: b): agree"));
}

TEST_F(DiagnosisTest, ForgetsTheTroubleOfAChildThatIsUp) {
    add_child(add_sa(model::IkeState::established), "net");
    fail_with("selectors", "net");
    EXPECT_TRUE(told().section("failures")->empty());
}

TEST_F(DiagnosisTest, TellsTheLastFailureOfOneThatIsDown) {
    fail_with("the secrets differ");
    EXPECT_EQ(state(), "down");
    EXPECT_EQ(sentence(), "gw is down: the secrets differ (here: a; the peer: b): agree");
    const Section failure = *told().section("failures")->section("0");
    EXPECT_EQ(raw_text(failure),
              "kind=secret sentence=the secrets differ (here: a; the peer: b): agree what=the secrets differ here=a the-peer=b "
              "advice=agree phase=IKE_AUTH peer=192.0.2.2[500] seconds-ago=65 times=1");
}

TEST_F(DiagnosisTest, TellsWhatHappenedSoFar) {
    add_sa(model::IkeState::connecting).initiator = false;
    EXPECT_EQ(state(), "never-tried");  // that is somebody else's attempt
    sas.front().initiator = true;
    EXPECT_EQ(state(), "connecting");
    EXPECT_EQ(sentence(), "gw is connecting to 192.0.2.2[4500]");
    fail_with("no answer", "", 7);
    EXPECT_THAT(sentence(), HasSubstr("; so far no answer"));
    failures.clear();
    fail_with("no answer", "", 6);
    EXPECT_THAT(sentence(), HasSubstr("; the last attempt: no answer"));
}

TEST_F(DiagnosisTest, SaysWhenItIsTriedAgain) {
    fail_with("no answer");
    EXPECT_FALSE(told().has("next-attempt"));
    next = seconds(12);
    EXPECT_EQ(told().text("next-attempt"), "12");
}

TEST_F(DiagnosisTest, SaysWhatToDoAboutOneThatNobodyTried) {
    EXPECT_EQ(state(), "never-tried");
    EXPECT_THAT(sentence(), HasSubstr("`cygnet up gw` begins it"));
    connection.remote_addrs = {{.text = "%any", .any = true}};
    EXPECT_THAT(sentence(), HasSubstr("waits for a peer"));
}

}  // namespace
}  // namespace cygnet::vici
