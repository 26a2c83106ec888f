#include "wire/reassembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/rng.h"

namespace cygnet::wire {
namespace {

using Verdict = Reassembly::Verdict;
constexpr PayloadType first = PayloadType::id_i;

auto add(Reassembly& reassembly, std::uint16_t number, std::uint16_t total, std::string_view text) {
    return reassembly.add({number, total}, number == 1 ? first : PayloadType::none,
                          bytes_of(number == 1 ? "header" : "other"), bytes_of(text));
}

TEST(Reassembly, JoinsFragmentsInOrderOfTheirNumbers) {
    Reassembly reassembly;
    EXPECT_FALSE(add(reassembly, 3, 3, "three").value());
    EXPECT_FALSE(add(reassembly, 1, 3, "one").value());
    EXPECT_EQ(reassembly.fragments(), 2u);
    const auto whole = add(reassembly, 2, 3, "two").value();
    ASSERT_TRUE(whole);
    EXPECT_EQ(text_of(whole->chain.octets), "onetwothree");
    EXPECT_EQ(whole->chain.first, first);
    EXPECT_EQ(text_of(whole->aad), "header");
    EXPECT_EQ(reassembly.octets(), 0u);
}

TEST(Reassembly, OfOneFragmentIsCompleteAtOnce) {
    Reassembly reassembly;
    EXPECT_TRUE(add(reassembly, 1, 1, "all").value());
}

// RFC 7383 §2.6 [144]: a fragment that is there already is dropped.
TEST(Reassembly, RecognisesReplays) {
    Reassembly reassembly;
    EXPECT_EQ(reassembly.classify({1, 2}), Verdict::fresh);
    EXPECT_FALSE(add(reassembly, 1, 2, "one").value());
    EXPECT_EQ(reassembly.classify({1, 2}), Verdict::replayed);
    EXPECT_EQ(add(reassembly, 1, 2, "forged").error().code, Errc::state);
    EXPECT_EQ(text_of(add(reassembly, 2, 2, "two").value()->chain.octets), "onetwo");
}

// RFC 7383 §2.6 [144]: a larger Total drops what was collected, a smaller one is dropped.
TEST(Reassembly, StartsOverWithALargerTotal) {
    Reassembly reassembly;
    EXPECT_FALSE(add(reassembly, 1, 2, "old").value());
    EXPECT_EQ(reassembly.classify({2, 3}), Verdict::fresh);
    EXPECT_FALSE(add(reassembly, 2, 3, "b").value());
    EXPECT_EQ(reassembly.fragments(), 1u);
    EXPECT_EQ(reassembly.classify({2, 2}), Verdict::outdated);
    EXPECT_EQ(add(reassembly, 2, 2, "old").error().code, Errc::state);
    EXPECT_FALSE(add(reassembly, 1, 3, "a").value());
    EXPECT_EQ(text_of(add(reassembly, 3, 3, "c").value()->chain.octets), "abc");
}

// RFC 7383 §2.6 [145]: memory is bounded.
TEST(Reassembly, TakesAtMostTheLimitOfFragments) {
    const auto most = static_cast<std::uint16_t>(model::limits::fragments_per_message);
    Reassembly reassembly;
    EXPECT_EQ(reassembly.classify({1, most}), Verdict::fresh);
    EXPECT_EQ(reassembly.classify({1, static_cast<std::uint16_t>(most + 1)}), Verdict::excessive);
    EXPECT_EQ(add(reassembly, 1, 65'535, "x").error().code, Errc::state);
    EXPECT_EQ(reassembly.total(), 0);
}

// RFC 7383 §2.6 [145]: memory is bounded.
TEST(Reassembly, DropsEverythingBeyondTheLimitOfOctets) {
    const std::string half(model::limits::reassembled_message_octets / 2 + 1, 'x');
    Reassembly reassembly;
    EXPECT_FALSE(add(reassembly, 1, 3, half).value());
    EXPECT_EQ(reassembly.octets(), half.size());
    EXPECT_EQ(add(reassembly, 2, 3, half).error().code, Errc::limit);
    EXPECT_EQ(reassembly.octets(), 0u);
    EXPECT_EQ(reassembly.fragments(), 0u);
}

TEST(Reassembly, YieldsTheMessageInEveryOrderOfArrival) {
    const ProtectionSizes sizes{.iv = 8, .block = 1, .icv = 16};
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        SeededRng rng(seed);
        const Chain chain{.first = first, .octets = rng.bytes(1 + rng.below(5000))};
        const Header header{.exchange = ExchangeType::ike_auth, .message_id = 1};
        const auto fragments = lay_out_fragments(header, chain, sizes, 576, 28).value();
        std::vector<std::size_t> order(fragments.size());
        std::iota(order.begin(), order.end(), 0u);
        for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
        Reassembly reassembly;
        std::optional<Reassembled> whole;
        for (std::size_t index : order) {
            const ByteView octets = fragments[index].octets;
            const ProtectedMessage part = locate_protected(octets, sizes).value();
            ASSERT_FALSE(whole);
            whole = reassembly
                        .add(*part.fragment, part.first, part.layout.aad(octets),
                             remove_padding(part.layout.text(octets)).value())
                        .value();
        }
        ASSERT_TRUE(whole) << "seed " << seed;
        EXPECT_EQ(whole->chain.octets, chain.octets);
        EXPECT_EQ(whole->chain.first, chain.first);
        EXPECT_EQ(intermediate_aad(whole->aad, chain.octets.size()),
                  intermediate_aad(header, chain.first, chain.octets.size()));
    }
}

}  // namespace
}  // namespace cygnet::wire
