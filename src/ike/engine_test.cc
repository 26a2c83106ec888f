#include "ike/engine.h"

#include <gtest/gtest.h>

#include "ike/test_pair.h"

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

// A reload replaces what changed and touches nothing else: of many tunnels, not one hears of it.
TEST(Engine, ReloadsWithOneChangeAndTouchesNoOtherTunnel) {
    constexpr unsigned count = 200;
    const auto configs = [](bool at_a, bool changed) {
        auto config = config_of(connection(at_a));
        const auto first = *config->connections.begin()->second;
        config->connections.clear();
        for (unsigned i = 0; i < count; ++i) {
            model::Connection one = first;
            one.name = "gw" + std::to_string(i);
            const std::string mine = "n" + std::to_string(i) + (at_a ? ".a" : ".b"), theirs = "n" + std::to_string(i) + (at_a ? ".b" : ".a");
            one.local.front().id = model::Identity::parse(mine);
            one.remote.front().id = model::Identity::parse(theirs);
            if (changed && i == 7) one.children.front().lifetime.rekey_time = minutes(7);
            config->connections[one.name] = std::make_shared<const model::Connection>(one);
        }
        return config;
    };
    Pair pair;
    pair.step(pair.a, Configure{configs(true, false), nullptr});
    pair.step(pair.b, Configure{configs(false, false), nullptr});
    for (unsigned i = 0; i < count; ++i) {
        const model::Path path{{address("192.0.2.1"), 500}, {address("192.0.2.2"), 500}};
        pair.step(pair.a, Initiate{.id = CommandId{i + 1000}, .connection = "gw" + std::to_string(i), .child = "net", .path = path});
        pair.run();
    }
    ASSERT_EQ(pair.b.engine.population().children, count) << pair.a.log() << pair.b.log();
    for (const CommandDone& done : pair.a.done) ASSERT_TRUE(done.result) << done.result.error().text();
    const auto spis = [&](const Node& node) {
        std::vector<std::pair<std::uint64_t, std::uint32_t>> all;
        for (const model::IkeStatus& sa : node.engine.list(pair.now)) all.emplace_back(sa.spi_i, sa.children.at(0).spi_in);
        return all;
    };
    const auto before_a = spis(pair.a), before_b = spis(pair.b);
    std::size_t sent = 0;
    pair.meddler = [&](Send&) {
        ++sent;
        return true;
    };
    pair.step(pair.a, Configure{configs(true, true), nullptr});
    pair.step(pair.b, Configure{configs(false, true), nullptr});
    pair.run();
    EXPECT_EQ(sent, 0u);
    EXPECT_TRUE(pair.a.removed.empty() && pair.b.removed.empty());
    EXPECT_EQ(spis(pair.a), before_a);
    EXPECT_EQ(spis(pair.b), before_b);
    EXPECT_TRUE(pair.rekey(pair.a, {.ike = "gw8"}).result);
    EXPECT_EQ(pair.b.engine.population().children, count);
}

}  // namespace
}  // namespace cygnet::ike::test
