// IPComp and BEET mode between two backends, with the kernel's packets.
#include "dataplane/test_tunnel.h"

namespace cygnet::dataplane {
namespace {

using esp::Drop;
using testing::Side;
using testing::tcp_transfer;

class CompressedTunnel : public testing::Tunnel {
protected:
    void open_with(model::Ipcomp ipcomp, model::ChildMode mode = model::ChildMode::tunnel) {
        ASSERT_NO_FATAL_FAILURE(open_both());
        model::ChildSaSpec spec = esp::testing::test_spec();
        spec.ipcomp = ipcomp;
        spec.mode = mode;
        model::ChildSaSpec other = esp::testing::mirrored(spec);
        if (mode == model::ChildMode::beet) {
            spec.local = other.remote = esp::testing::selectors({"10.1.0.1/32"});
            spec.remote = other.local = esp::testing::selectors({"10.2.0.1/32"});
        }
        other.mode = mode;
        install(left, std::move(spec));
        install(right, std::move(other));
    }
    model::ChildUsage usage(Side& side) { return *side.backend->usage(model::ChildId{1}); }
    void expect_no_drops() {
        for (Side* side : {&left, &right})
            for (const Drop drop : {Drop::ipcomp_wrong_index, Drop::ipcomp_malformed, Drop::ipcomp_too_long, Drop::ipcomp_trailing,
                                    Drop::bad_next_header, Drop::bad_inner_packet, Drop::selector_mismatch, Drop::not_transportable})
                EXPECT_EQ(side->dropped(drop), 0U) << name_of(drop);
    }
};

Bytes text(std::size_t size) {
    Bytes octets(size);
    for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>(i % 61);
    return octets;
}
Bytes noise(std::size_t size) { return SeededRng(11).bytes(size); }

TEST_F(CompressedTunnel, carries_what_becomes_smaller_and_what_does_not) {
    ASSERT_NO_FATAL_FAILURE(open_with({.cpi_in = 0x1234, .cpi_out = 0x2345}));
    EXPECT_TRUE(ping("10.2.0.1", 3));
    EXPECT_TRUE(ping("2001:db8:2::1", 3));
    for (const char* to : {"10.2.0.1", "2001:db8:2::1"}) {
        const Bytes half_noise = concat({text(1'000'000), noise(1'000'000)});
        const std::uint64_t before = usage(left).bytes_out;
        EXPECT_TRUE(tcp_transfer(left.host, right.host, to, half_noise) == half_noise);
        EXPECT_LT(usage(left).bytes_out - before, half_noise.size() * 9 / 10) << "octets that ESP carried";
    }
    expect_no_drops();
}

TEST_F(CompressedTunnel, drops_what_has_the_index_of_somebody_else) {
    ASSERT_NO_FATAL_FAILURE(open_both());
    model::ChildSaSpec spec = esp::testing::test_spec();
    spec.ipcomp = {.cpi_in = 0x1234, .cpi_out = 0x2345};
    model::ChildSaSpec other = esp::testing::mirrored(spec);
    other.ipcomp.cpi_in = 0x2346;
    install(left, std::move(spec));
    install(right, std::move(other));
    EXPECT_NE(left.host.shell("ping -q -n -s 1000 -c 2 -i 0.05 -W 1 10.2.0.1 >/dev/null"), 0);
    EXPECT_GT(right.dropped(Drop::ipcomp_wrong_index), 0U);
}

TEST_F(CompressedTunnel, carries_packets_in_beet_mode) {
    ASSERT_NO_FATAL_FAILURE(open_with({}, model::ChildMode::beet));
    EXPECT_TRUE(ping("10.2.0.1", 3));
    const Bytes random = noise(1'000'000);
    EXPECT_TRUE(tcp_transfer(left.host, right.host, "10.2.0.1", random) == random);
    expect_no_drops();
}

TEST_F(CompressedTunnel, carries_compressed_packets_in_beet_mode) {
    ASSERT_NO_FATAL_FAILURE(open_with({.cpi_in = 0x1234, .cpi_out = 2}, model::ChildMode::beet));
    EXPECT_TRUE(ping("10.2.0.1", 3));
    const Bytes words = text(1'000'000);
    EXPECT_TRUE(tcp_transfer(left.host, right.host, "10.2.0.1", words) == words);
    EXPECT_LT(usage(left).bytes_out, words.size() / 2);
    expect_no_drops();
}

}  // namespace
}  // namespace cygnet::dataplane
