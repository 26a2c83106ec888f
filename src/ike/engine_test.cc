#include "ike/engine.h"

#include <gtest/gtest.h>

#include "ike/test_pair.h"
#include "model/config_index.h"
#include "model/proposal.h"

namespace cygnet::ike::test {
namespace {

TEST(Engine, BringsUpATunnelWithAPreSharedKey) {
    Pair pair;
    pair.configure(connection(true), connection(false));
    const CommandDone done = pair.initiate(pair.a);
    EXPECT_TRUE(done.result) << done.result.error().text() << "\n" << pair.a.log() << "---\n" << pair.b.log();
    ASSERT_TRUE(pair.up());
    EXPECT_TRUE(pair.children_agree());
    EXPECT_EQ(pair.a.only_sa(pair.now).proposal->additional, std::vector{model::Ke::ml_kem_768});
}

// A reload replaces what changed and touches nothing else: of very many tunnels, not one hears of it.
TEST(Engine, ReloadsWithOneChangeAndTouchesNoOtherTunnel) {
    constexpr unsigned count = 10'000;
    const auto configs = [](bool at_a, bool changed) {
        auto config = config_of(connection(at_a));
        model::Connection one = *config->connections.begin()->second;
        one.proposals = model::parse_proposals(model::Protocol::ike, "aes256gcm16-prfsha256-x25519").value();
        const Duration usual = one.children.front().lifetime.rekey_time;
        config->connections.clear();
        for (unsigned i = 0; i < count; ++i) {
            const std::string number = std::to_string(i);
            one.name = "gw" + number;
            one.local.front().id = model::Identity::parse("n" + number + (at_a ? ".a" : ".b"));
            one.remote.front().id = model::Identity::parse("n" + number + (at_a ? ".b" : ".a"));
            one.children.front().lifetime.rekey_time = changed && i == 7 ? minutes(7) : usual;
            config->connections[one.name] = std::make_shared<const model::Connection>(one);
        }
        return model::with_index(std::move(*config));
    };
    Pair pair;
    pair.a.keeps_events = pair.b.keeps_events = false;
    pair.step(pair.a, Configure{configs(true, false), nullptr});
    pair.step(pair.b, Configure{configs(false, false), nullptr});
    for (unsigned i = 0; i < count; ++i) {
        const model::Path path{{address("192.0.2.1"), 500}, {address("192.0.2.2"), 500}};
        pair.step(pair.a, Initiate{.id = CommandId{i + 1000}, .connection = "gw" + std::to_string(i), .child = "net", .path = path});
        pair.run();
    }
    for (const CommandDone& done : pair.a.done) ASSERT_TRUE(done.result) << done.result.error().text();
    // The SPIs of all, and which packets their children carry.
    const auto tunnels = [&](const Node& node) {
        std::vector<std::tuple<std::uint64_t, std::uint32_t, std::uint32_t, model::ChildState>> all;
        for (const model::IkeStatus& sa : node.engine.list(pair.now))
            for (const model::ChildStatus& child : sa.children) all.emplace_back(sa.spi_i, child.spi_in, child.spi_out, child.state);
        return all;
    };
    const auto before_a = tunnels(pair.a), before_b = tunnels(pair.b);
    ASSERT_EQ(before_a.size(), count);
    ASSERT_EQ(before_b.size(), count);
    pair.a.installed.clear();
    pair.b.installed.clear();
    std::size_t sent = 0;
    pair.meddler = [&](Send&) {
        ++sent;
        return true;
    };
    pair.step(pair.a, Configure{configs(true, true), nullptr});
    pair.step(pair.b, Configure{configs(false, true), nullptr});
    pair.run();
    EXPECT_EQ(sent, 0u);
    for (const Node* node : {&pair.a, &pair.b})
        EXPECT_TRUE(node->installed.empty() && node->removed.empty() && node->moved.empty() && node->activated.empty());
    EXPECT_EQ(tunnels(pair.a), before_a);
    EXPECT_EQ(tunnels(pair.b), before_b);
    EXPECT_TRUE(pair.rekey(pair.a, {.ike = "gw8"}).result);
    EXPECT_EQ(pair.b.engine.population().children, count);
}

}  // namespace
}  // namespace cygnet::ike::test
