#include "ike/failures.h"

#include <gmock/gmock.h>

#include "ike/test_pair.h"

namespace cygnet::ike {
namespace {

using test::connection;
using test::Pair;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// What `cygnet why` would say of the connection, or of its child.
std::string why(const test::Node& node, const std::string& child = "") {
    for (const model::Failure& failure : node.engine.failures("gw"))
        if (failure.child == child) return failure.why.sentence();
    return "nothing";
}

std::string kind(const test::Node& node, const std::string& child = "") {
    for (const model::Failure& failure : node.engine.failures("gw"))
        if (failure.child == child) return failure.why.kind;
    return "nothing";
}

// Each side expects the other's very address, as gateways do.
model::HostPattern host(const char* text) {
    return {.text = text, .range = model::AddressRange::single(test::address(text))};
}
model::Connection gateway(bool at_a) {
    model::Connection made = connection(at_a);
    made.remote_addrs = {host(at_a ? "192.0.2.2" : "192.0.2.1")};
    return made;
}

struct Broken : testing::Test {
    Pair pair;
    model::Connection at_a = gateway(true), at_b = gateway(false);

    void try_it() {
        pair.configure(at_a, at_b);
        pair.initiate(pair.a);
    }
    // The sentence is what the log has.
    void expect(const test::Node& node, const std::string& sentence, const std::string& child = "") {
        EXPECT_EQ(why(node, child), sentence);
        EXPECT_THAT(node.log(), HasSubstr(sentence));
    }
};

TEST_F(Broken, ProposalsAreShownBesideEachOther) {
    at_a.proposals = model::parse_proposals(model::Protocol::ike, "aes128-sha256-modp2048").value();
    at_b.proposals = model::parse_proposals(model::Protocol::ike, "aes128-sha256-ecp384").value();
    try_it();
    expect(pair.b,
           "no IKE proposal in common, the nearest two differ in key exchange (here: "
           "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_384; the peer: "
           "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048): add aes128-sha256-modp2048 to "
           "connections.gw.proposals, or aes128-sha256-ecp384 to the peer's proposals");
    expect(pair.a,
           "the peer accepts none of our IKE proposals (NO_PROPOSAL_CHOSEN) (here: "
           "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048): find in the peer's configuration or log what "
           "it accepts, and add that to connections.gw.proposals");
}

TEST_F(Broken, SecretsThatDifferAreNamed) {
    pair.step(pair.a, Configure{test::config_of(at_a, "one"), nullptr});
    pair.step(pair.b, Configure{test::config_of(at_b, "another"), nullptr});
    pair.initiate(pair.a);
    expect(pair.b,
           "the pre-shared keys of b.example and a.example differ (here: secrets.ike-1; the peer: another one): copy the "
           "same secret to both sides, and mind that the peer may find another section of its own for b.example");
    expect(pair.a,
           "the peer refused our IKE_AUTH (here: we are a.example with a pre-shared key; the peer: AUTHENTICATION_FAILED): "
           "check at the peer that its remote.id accepts a.example with remote.auth = psk, that it is the local.id which "
           "our remote.id asks for, and that the secret is the same on both sides; its log says which");
}

TEST_F(Broken, AnIdentityThatIsNotExpectedIsShownBesideTheExpectedOne) {
    at_a.local.front().id = model::Identity::parse("stranger.example");
    try_it();
    expect(pair.b,
           "the peer is not who gw expects (here: remote.id = a.example; the peer: it says that it is stranger.example): "
           "set remote.id = stranger.example here, or local.id = a.example at the peer");
}

TEST_F(Broken, AnIdentityThatIsNotOursIsShownBesideOurs) {
    at_a.remote.front().id = model::Identity::parse("c.example");
    try_it();
    expect(pair.b,
           "the peer wants to talk to somebody else than gw (here: local.id = b.example; the peer: it asks for c.example): "
           "set local.id = c.example here, or remote.id = b.example at the peer");
}

TEST_F(Broken, AnotherMethodThanDemandedIsNamed) {
    at_b.remote.front().auth = model::AuthClass::pubkey;
    at_b.remote.front().auth_text = "pubkey";
    try_it();
    expect(pair.b,
           "the peer authenticates in another way than gw demands (here: remote.auth = pubkey; the peer: it uses "
           "a pre-shared key): let remote.auth here and local.auth at the peer be the same");
}

TEST_F(Broken, AMissingSecretSaysWhereToWriteIt) {
    auto config = test::config_of(at_a);
    config->secrets.clear();
    pair.step(pair.a, Configure{config, nullptr});
    pair.step(pair.b, Configure{test::config_of(at_b), nullptr});
    pair.initiate(pair.a);
    expect(pair.a,
           "no shared key for a.example and b.example: add a section secrets.ike-<name> with id = b.example and the secret");
}

TEST_F(Broken, SelectorsAreShownBesideEachOther) {
    at_b.children.front().local_ts = {*model::ConfiguredSelector::parse("10.7.0.0/16")};
    try_it();
    expect(pair.b,
           "the traffic selectors of the peer fit no child of gw (here: net: 10.7.0.0/16 === 10.1.0.0/16; the peer: "
           "10.2.0.0/16 === 10.1.0.0/16): write local_ts = 10.2.0.0/16 into child net here, or remote_ts = 10.7.0.0/16 "
           "into the peer's",
           "net");
    expect(pair.a,
           "the peer accepts no part of the traffic selectors of child net (TS_UNACCEPTABLE) (here: 10.1.0.0/16 === "
           "10.2.0.0/16): let local_ts = 10.2.0.0/16 and remote_ts = 10.1.0.0/16 at the peer overlap with "
           "connections.gw.children.net here",
           "net");
}

TEST_F(Broken, ProposalsOfAChildAreShownBesideEachOther) {
    at_a.children.front().esp_proposals = model::parse_proposals(model::Protocol::esp, "aes128gcm16").value();
    at_b.children.front().esp_proposals = model::parse_proposals(model::Protocol::esp, "aes256gcm16").value();
    try_it();
    expect(pair.b,
           "no ESP proposal in common, the nearest two differ in encryption (here: ESP:AES_GCM_16_256/NO_EXT_SEQ; the "
           "peer: ESP:AES_GCM_16_128/NO_EXT_SEQ): add aes128gcm16 to esp_proposals of child net, or aes256gcm16 to the "
           "peer's proposals",
           "net");
    EXPECT_THAT(why(pair.a, "net"), HasSubstr("add that to connections.gw.children.net.esp_proposals"));
}

TEST_F(Broken, SilenceSaysHowOftenAndWhereToLook) {
    pair.configure(at_a, at_b);
    pair.meddler = [](Send&) { return false; };
    pair.initiate(pair.a);
    pair.pass(seconds(5));
    EXPECT_THAT(why(pair.a), HasSubstr("did not answer 2 transmissions"));  // before the end already
    pair.pass(minutes(5));
    expect(pair.a,
           "192.0.2.2[500] did not answer 6 transmissions of IKE_SA_INIT: check that 192.0.2.2 is the peer's address, that "
           "its daemon runs with a connection for 192.0.2.1, and that UDP ports 500 and 4500 pass all firewalls");
}

TEST_F(Broken, SilenceAfterTheFirstAnswerPointsToThePath) {
    pair.configure(at_a, at_b);
    std::size_t seen = 0;
    pair.meddler = [&](Send&) { return ++seen <= 2; };
    pair.initiate(pair.a);
    pair.pass(minutes(5));
    EXPECT_THAT(why(pair.a), HasSubstr("answered IKE_SA_INIT, but none of 6 transmissions after it"));
    EXPECT_THAT(why(pair.a), HasSubstr("fragmentation = yes"));
    // The responder waited in vain as well.
    EXPECT_THAT(why(pair.b), HasSubstr("did not authenticate in time"));
}

TEST_F(Broken, APeerThatDiesSaysSo) {
    at_a.dpd_delay = seconds(10);
    try_it();
    ASSERT_TRUE(pair.up());
    EXPECT_EQ(kind(pair.a), "nothing");
    pair.meddler = [](Send&) { return false; };
    pair.pass(minutes(5));
    EXPECT_THAT(why(pair.a), HasSubstr("stopped answering: 6 transmissions without a response"));
    EXPECT_EQ(kind(pair.a), "dead-peer");
}

TEST_F(Broken, ADeletionNamesWhoWantedIt) {
    try_it();
    ASSERT_TRUE(pair.up());
    pair.terminate(pair.a, {.ike = "gw"});
    EXPECT_EQ(why(pair.a), "terminated by the operator: `cygnet up gw` brings it back");
    EXPECT_THAT(why(pair.b), HasSubstr(" closed the connection"));
}

TEST_F(Broken, AStrangerIsRememberedBesideTheConnections) {
    at_b.remote_addrs = {host("198.51.100.7")};
    try_it();
    EXPECT_EQ(kind(pair.b), "nothing");
    const auto strangers = pair.b.engine.stranger_failures();
    ASSERT_THAT(strangers, SizeIs(1));
    EXPECT_EQ(strangers.front().why.sentence(),
              "no connection is configured for 192.0.2.1 calling 192.0.2.2: let remote_addrs of one contain 192.0.2.1 and "
              "its local_addrs 192.0.2.2, or take the keys out");
    EXPECT_EQ(strangers.front().phase, "IKE_SA_INIT");
}

TEST_F(Broken, SomebodyFromAnywhereDoesNotHideWhatTheExpectedPeerDid) {
    at_b.remote_addrs = {};
    at_a.proposals = model::parse_proposals(model::Protocol::ike, "aes128-sha256-modp2048").value();
    try_it();
    EXPECT_EQ(kind(pair.b), "nothing");
    EXPECT_THAT(pair.b.engine.stranger_failures(), SizeIs(1));
}

// ---- the log itself -----------------------------------------------------------------------------

model::Failure failure(std::string connection, const char* kind, std::string what, unsigned sa = 0) {
    return {.connection = std::move(connection), .why = {.kind = kind, .what = std::move(what)}, .sa = model::IkeSaId{sa}};
}

TEST(FailureLog, CountsTheSameReasonInARow) {
    FailureLog log;
    log.note(failure("gw", "no-answer", "silence", 1));
    log.note(failure("gw", "no-answer", "silence", 2));
    EXPECT_EQ(log.of("gw").front().times, 2u);
    log.note(failure("gw", "secret", "wrong", 3));
    EXPECT_EQ(log.of("gw").front().times, 1u);
    EXPECT_EQ(log.of("gw").front().why.what, "wrong");
}

TEST(FailureLog, KeepsTheReasonWhenTheEndOfTheSaHasNone) {
    FailureLog log;
    log.note(failure("gw", "identity", "somebody else", 1));
    log.note(failure("gw", "other", "the SA ended", 1));
    EXPECT_EQ(log.of("gw").front().why.what, "somebody else");
    log.note(failure("gw", "other", "the SA ended", 2));
    EXPECT_EQ(log.of("gw").front().why.what, "the SA ended");
}

TEST_F(Broken, TroubleOnTheWayIsForgottenWhenItComesUp) {
    pair.configure(at_a, at_b);
    bool reachable = false;
    pair.meddler = [&](Send&) { return reachable; };
    pair.initiate(pair.a);
    pair.pass(seconds(5));
    EXPECT_EQ(kind(pair.a), "no-answer");
    reachable = true;
    pair.pass(seconds(20));
    ASSERT_TRUE(pair.up());
    EXPECT_EQ(kind(pair.a), "nothing");
}

TEST(FailureLog, IsBoundedAgainstStrangers) {
    FailureLog log;
    for (int i = 0; i < 1000; ++i) log.note(failure("", "no-connection", std::to_string(i)));
    EXPECT_THAT(log.strangers(), SizeIs(model::limits::stranger_failures));
    EXPECT_EQ(log.strangers().back().why.what, "999");
    log.note(failure("", "no-connection", std::string(1 << 20, 'x')));
    EXPECT_LT(log.strangers().back().why.what.size(), model::limits::failure_text_octets + 10);
}

TEST(FailureLog, ForgetsWhatIsNoLongerConfigured) {
    FailureLog log;
    log.note(failure("gw", "secret", "a"));
    log.note(failure("other", "secret", "b"));
    model::Failure child = failure("gw", "selectors", "c");
    child.child = "gone";
    log.note(child);
    log.keep_only(*test::config_of(connection(true)));
    ASSERT_THAT(log.all(), SizeIs(1));
    EXPECT_EQ(log.all().front().connection, "gw");
    EXPECT_THAT(log.of("other"), IsEmpty());
}

TEST(FailureLog, FindsAConnectionWithItsChildren) {
    FailureLog log;
    for (const char* name : {"g", "gw", "gw2"}) log.note(failure(name, "secret", name));
    model::Failure child = failure("gw", "selectors", "child");
    child.child = "net";
    log.note(child);
    std::vector<std::string> found;
    for (const model::Failure& one : log.of("gw")) found.push_back(one.why.what);
    EXPECT_THAT(found, ElementsAre("gw", "child"));
}

}  // namespace
}  // namespace cygnet::ike
