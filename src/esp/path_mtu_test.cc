#include "esp/path_mtu.h"

#include <gtest/gtest.h>

#include "esp/test_packets.h"

namespace cygnet::esp {
namespace {

using testing::suites;
using testing::test_spec;

constexpr Instant at(int second) { return Instant::after_start(seconds(second)); }

model::ChildSaSpec spec_over(const testing::Suite& suite, bool v6, bool udp, model::ChildMode mode) {
    model::ChildSaSpec spec = test_spec(suite);
    if (v6) spec.path = {{*model::IpAddress::parse("2001:db8::1"), 4500}, {*model::IpAddress::parse("2001:db8::2"), 4500}};
    spec.udp_encapsulation = udp;
    spec.mode = mode;
    return spec;
}

// RFC 4301 §8.2: the longest packet just fits, and one octet more does not.
TEST(InnerMtu, is_what_fits_and_not_an_octet_less) {
    for (const auto& suite : suites)
        for (const bool v6 : {false, true})
            for (const bool udp : {false, true})
                for (const auto mode : {model::ChildMode::tunnel, model::ChildMode::transport}) {
                    const ChildPointer child = testing::child_of(spec_over(suite, v6, udp, mode));
                    const std::size_t outside = mode == model::ChildMode::transport ? (v6 ? 40 : 20) : 0;
                    for (std::uint32_t path = 576; path <= 1600; ++path) {
                        const std::size_t mtu = inner_mtu(*child, path);
                        const auto outer = [&](std::size_t inner) {
                            return outer_size(*child, encapsulated_size(child->sa->out.shape, inner - outside));
                        };
                        ASSERT_LE(outer(mtu), path);
                        ASSERT_GT(outer(mtu + 1), path);
                    }
                }
}

TEST(InnerMtu, of_a_path_that_takes_nothing_is_nothing) {
    const ChildPointer child = testing::child_of(test_spec());
    EXPECT_EQ(inner_mtu(*child, 0), 0U);
    EXPECT_EQ(inner_mtu(*child, 60), 0U);
}

TEST(InnerMtu, of_a_tcp_stream_is_all) {
    model::ChildSaSpec spec = test_spec();
    spec.path.stream = static_cast<model::StreamId>(3);
    EXPECT_EQ(inner_mtu(*testing::child_of(spec), 1280), 65515U);
}

// RFC 4301 §8.2.2 [174]: it ages.
TEST(PathMtu, is_forgotten_in_time) {
    PathMtu path;
    EXPECT_EQ(path.at(at(1)), 0U);
    path.set(1400, at(10));
    EXPECT_EQ(path.at(at(9)), 1400U);
    EXPECT_EQ(path.at(at(10)), 0U);
    path.set(1300, at(20));
    path.forget();
    EXPECT_EQ(path.at(at(11)), 0U);
}

TEST(PathMtu, is_proven_by_the_longest_packet) {
    PathMtu path;
    EXPECT_TRUE(path.prove(1400, at(1), at(10)));
    EXPECT_FALSE(path.prove(1300, at(2), at(11)));
    EXPECT_FALSE(path.prove(1400, at(3), at(12))) << "known, but for longer now";
    EXPECT_EQ(path.proven(at(11)), 1400U);
    EXPECT_TRUE(path.prove(1300, at(12), at(20)));
    path.restart();
    EXPECT_EQ(path.proven(at(13)), 0U);
}

TEST(PathMtu, is_probed_at_once_and_then_more_and_more_seldom) {
    PathMtu path;
    std::vector<int> probed;
    for (int second = 5; second < 100; ++second)
        if (path.probe_is_due(at(second), seconds(10))) probed.push_back(second);
    EXPECT_EQ(probed, (std::vector<int>{5, 6, 8, 12, 20, 30, 40, 50, 60, 70, 80, 90}));
    path.restart();
    EXPECT_TRUE(path.probe_is_due(at(91), seconds(10)));
}

}  // namespace
}  // namespace cygnet::esp
