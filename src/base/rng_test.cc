#include "base/rng.h"

#include <array>

#include <gtest/gtest.h>

namespace cygnet {
namespace {

TEST(SeededRng, repeats_itself_for_the_same_seed_and_differs_for_another) {
    EXPECT_EQ(SeededRng(7).bytes(100), SeededRng(7).bytes(100));
    EXPECT_NE(SeededRng(7).bytes(100), SeededRng(8).bytes(100));
}

// The first outputs of SplitMix64 from state 1234567, as its authors' reference prints them.
TEST(SeededRng, is_splitmix64) {
    SeededRng rng(1234567);
    const std::uint64_t expected[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                      4593380528125082431u, 16408922859458223821u};
    for (std::uint64_t value : expected) {
        const Bytes octets = rng.bytes(8);
        std::uint64_t word = 0;
        for (std::size_t i = 8; i-- > 0;) word = word << 8 | octets[i];
        EXPECT_EQ(word, value);
    }
}

TEST(Below, stays_below_its_bound_and_reaches_every_value) {
    SeededRng rng(1);
    std::array<int, 6> count{};
    for (int i = 0; i < 6000; ++i) ++count.at(rng.below(6));
    for (int times : count) EXPECT_NEAR(times, 1000, 200);
    EXPECT_EQ(rng.below(1), 0u);
}

// A generator that first yields the largest value: the incomplete last interval.
class Scripted final : public Rng {
  public:
    void fill(MutableByteView out) override {
        for (auto& octet : out) octet = calls_ == 0 ? 0xff : 0x00;
        ++calls_;
    }
    int calls() const { return calls_; }

  private:
    int calls_ = 0;
};

TEST(Below, draws_again_instead_of_favouring_small_values) {
    Scripted rng;
    EXPECT_EQ(rng.below(10), 0u);
    EXPECT_EQ(rng.calls(), 2);
}

}  // namespace
}  // namespace cygnet
