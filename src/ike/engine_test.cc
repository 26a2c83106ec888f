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

}  // namespace
}  // namespace cygnet::ike::test
