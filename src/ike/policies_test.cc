#include "ike/policies.h"

#include <gtest/gtest.h>

#include "ike/test_pair.h"

namespace cygnet::ike::test {
namespace {

model::TrafficSelector ts(std::string_view text) { return model::ConfiguredSelector::parse(text)->selector; }

const model::PacketEnds first_packet{.local = ts("10.1.0.1[tcp/4000]"), .remote = ts("10.2.0.1[tcp/80]")};
const model::PacketEnds other_packet{.local = ts("10.1.0.1[tcp/4001]"), .remote = ts("10.2.0.2[tcp/80]")};
const model::Path path_to_b{.local = {address("192.0.2.1"), 500}, .remote = {address("192.0.2.2"), 500}};

// Policies as the data plane of `a` has them.
class Traps : public testing::Test {
protected:
    Result<> install(std::optional<model::Path> path = path_to_b) {
        const auto id = static_cast<CommandId>(++command_);
        step(InstallPolicies{.id = id, .connection = "gw", .child = "net", .path = path});
        return std::move(pair.a.done.back().result);
    }
    Result<> uninstall() {
        step(UninstallPolicies{.id = static_cast<CommandId>(++command_), .connection = "", .child = "net"});
        return std::move(pair.a.done.back().result);
    }
    void meet(const model::PacketEnds& packet, std::optional<model::Path> path = path_to_b) {
        ASSERT_FALSE(pair.a.engine.policies().empty());
        step(Acquire{.policy = pair.a.engine.policies().front().id, .packet = packet, .path = path});
        pair.run();
    }
    void step(Input input) { pair.step(pair.a, std::move(input)); }
    std::size_t children() { return pair.a.engine.population().children; }

    Pair pair;
    std::uint64_t command_ = 100;
};

TEST_F(Traps, AreListedUntilTheyAreUninstalled) {
    pair.configure(connection(true), connection(false));
    ASSERT_TRUE(install());
    EXPECT_TRUE(install()) << "a second time changes nothing";
    const auto all = pair.a.engine.policies();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].child, "net");
    EXPECT_EQ(all[0].kind, model::PolicyKind::trap);
    EXPECT_NE(all[0].reqid, 0U);
    EXPECT_EQ(model::text_of(all[0].local) + " " + model::text_of(all[0].remote), "10.1.0.0/16 10.2.0.0/16");
    EXPECT_TRUE(uninstall());
    EXPECT_TRUE(pair.a.engine.policies().empty());
    EXPECT_FALSE(uninstall());
}

// RFC 7296 §2.9 [81]: the packet is the first choice of the offer, which the answer holds.
TEST_F(Traps, BringTheChildUpWithThePacketFirst) {
    pair.configure(connection(true), connection(false));
    ASSERT_TRUE(install());
    meet(first_packet);
    ASSERT_TRUE(pair.up()) << pair.a.log();
    EXPECT_EQ(model::text_of(pair.a.only_sa(pair.now).children[0].local), "10.1.0.0/16");
    EXPECT_EQ(pair.a.only_sa(pair.now).children[0].reqid, pair.a.engine.policies()[0].reqid);
    EXPECT_EQ(pair.a.engine.policies().size(), 1U) << "the trap stays";
    meet(first_packet);
    EXPECT_EQ(children(), 1U) << "what the child carries needs no other";
}

TEST_F(Traps, UseTheIkeSaThatIsThere) {
    pair.configure(connection(true), connection(false));
    ASSERT_TRUE(pair.initiate(pair.a).result);
    ASSERT_TRUE(pair.terminate(pair.a, {.child = "net"}).result);
    ASSERT_TRUE(install());
    meet(first_packet, std::nullopt);  // the peer's address is not needed
    EXPECT_TRUE(pair.up()) << pair.a.log();
    EXPECT_EQ(pair.a.engine.population().ike_sas, 1U);
}

TEST_F(Traps, DoNothingWithoutAnAddressOfThePeer) {
    pair.configure(connection(true), connection(false));
    ASSERT_TRUE(install(std::nullopt)) << "selectors that are written out need none";
    meet(first_packet, std::nullopt);
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0U);
    EXPECT_NE(pair.a.log().find("names no address"), std::string::npos) << pair.a.log();
}

TEST_F(Traps, NeedAnAddressForDynamicSelectors) {
    model::Connection dynamic = connection(true);
    dynamic.children.front().remote_ts = {*model::ConfiguredSelector::parse("dynamic")};
    pair.configure(dynamic, connection(false));
    const auto refused = install(std::nullopt);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("remote_addrs"), std::string::npos);
    ASSERT_TRUE(install());
    EXPECT_EQ(model::text_of(pair.a.engine.policies()[0].remote), "192.0.2.2/32");
}

TEST_F(Traps, BeginOneChildForManyPackets) {
    pair.configure(connection(true), connection(false));
    ASSERT_TRUE(install());
    for (int i = 0; i < 5; ++i) step(Acquire{.policy = pair.a.engine.policies()[0].id, .packet = first_packet, .path = path_to_b});
    step(Acquire{.policy = pair.a.engine.policies()[0].id, .packet = other_packet, .path = path_to_b});
    EXPECT_EQ(pair.a.engine.counters()[model::Counter::acquired], 1U);
    pair.run();
    EXPECT_TRUE(pair.up());
}

TEST_F(Traps, OfAPolicyWithOnePairBeginAChildForEach) {
    model::Connection pairs = connection(true);
    pairs.children.front().single_pair = true;
    pair.configure(pairs, connection(false));
    ASSERT_TRUE(install());
    meet(first_packet);
    meet(other_packet);
    ASSERT_EQ(children(), 2U) << pair.a.log();
    for (const auto& child : pair.a.only_sa(pair.now).children) EXPECT_TRUE(child.local.size() == 1 && child.local[0].single_address());
}

TEST_F(Traps, EndWithTheirConfiguration) {
    pair.configure(connection(true), connection(false));
    ASSERT_TRUE(install());
    step(Configure{config_of(connection(true)), nullptr});
    EXPECT_EQ(pair.a.engine.policies().size(), 1U) << "the same child in a new configuration";
    model::Connection changed = connection(true);
    changed.children.front().remote_ts = {*model::ConfiguredSelector::parse("10.3.0.0/16")};
    step(Configure{config_of(changed), nullptr});
    EXPECT_TRUE(pair.a.engine.policies().empty());
    step(Acquire{.policy = model::PolicyId{1}, .packet = first_packet, .path = path_to_b});
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0U) << "a packet that was on its way to us";
}

TEST_F(Traps, OfAShuntBringNothingUp) {
    model::Connection shunt = connection(true);
    shunt.children.front().mode = model::ChildMode::drop;
    pair.configure(shunt, connection(false));
    ASSERT_TRUE(install());
    EXPECT_EQ(pair.a.engine.policies()[0].kind, model::PolicyKind::drop);
    meet(first_packet);
    EXPECT_EQ(pair.a.engine.population().ike_sas, 0U);
}

}  // namespace
}  // namespace cygnet::ike::test
