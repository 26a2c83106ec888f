#include "ike/protect.h"

#include <gtest/gtest.h>

#include <set>

namespace cygnet::ike {
namespace {

const Bytes nonce(32, 1), secret(32, 2);
const wire::Chain chain{.first = model::PayloadType::none, .octets = {}};
const wire::Header header{.spi_i = 1, .spi_r = 2, .exchange = model::ExchangeType::informational, .initiator = true};

Protection made(const char* suite, bool initiator) {
    const auto proposals = *model::parse_proposals(model::Protocol::ike, suite);
    const auto chosen = *model::choose(proposals, proposals, {});
    return *Protection::make(chosen, initial_keys(chosen, secret, {nonce, nonce}, {1, 2}), initiator);
}

class Protect : public testing::TestWithParam<const char*> {
protected:
    SeededRng rng{5};
    Protection initiator = made(GetParam(), true), responder = made(GetParam(), false);
};

TEST_P(Protect, OpensOnTheOtherSideAndNotOnTheSame) {
    const Bytes sent = initiator.seal(header, chain, std::nullopt, rng)->front();
    EXPECT_TRUE(responder.open(sent, nullptr).has_value());
    EXPECT_FALSE(initiator.open(sent, nullptr).has_value());
}

// RFC 4106 §3.1 [188]: never with the same key.
TEST_P(Protect, NeverUsesAnIvTwice) {
    constexpr std::size_t iv_at = wire::header_size + wire::generic_header_size;
    std::set<Bytes> seen;
    for (int i = 0; i < 1000; ++i) {
        const Bytes sent = initiator.seal(header, chain, std::nullopt, rng)->front();
        seen.insert(keep(ByteView(sent).subspan(iv_at, 8)));
    }
    EXPECT_EQ(seen.size(), 1000u);
}

// RFC 7383 §2.6 [143]: each fragment is authenticated.
TEST_P(Protect, NoticesEveryFlippedOctet) {
    const Bytes sent = initiator.seal(header, chain, std::nullopt, rng)->front();
    for (std::size_t i = 0; i < sent.size(); ++i) {
        Bytes forged = sent;
        forged[i] ^= 0x40;
        const auto opened = responder.open(forged, nullptr);
        EXPECT_FALSE(opened.has_value() && *opened) << "octet " << i;
    }
}

// RFC 7383 §2.5.2: the same message in smaller pieces, and under fresh IVs.
TEST_P(Protect, CutsItsOwnMessagesAnew) {
    const wire::Chain large{
        .first = model::PayloadType::vendor_id, .octets = Bytes(3000, 7), .puzzle_solution = Bytes(16, 1)};
    const auto whole = *initiator.seal(header, large, std::nullopt, rng);
    const auto coarse = *initiator.recut(whole, FragmentLimit{.ip_octets = 1280, .overhead = 28}, rng);
    const auto fine = *initiator.recut(coarse, FragmentLimit{.ip_octets = 600, .overhead = 28}, rng);
    EXPECT_LT(coarse.size(), fine.size());
    EXPECT_EQ(wire::glance(fine[0])->solution.size(), 16u) << "a puzzle's solution stays in the first one";
    EXPECT_TRUE(wire::glance(fine[1])->solution.empty());
    EXPECT_EQ(initiator.recut(fine, std::nullopt, rng)->size(), 1u);
    wire::Reassembly fragments;
    std::optional<wire::Reassembled> joined;
    for (const Bytes& datagram : fine) joined = *responder.open(datagram, &fragments);
    ASSERT_TRUE(joined);
    EXPECT_EQ(joined->chain.octets, large.octets);
    EXPECT_EQ(joined->chain.first, large.first);
    EXPECT_FALSE(initiator.recut({fine[0]}, std::nullopt, rng)) << "a part is no message";
}

TEST_P(Protect, CutsWhatIsTooLargeAndJoinsItAgain) {
    const wire::Chain large{.first = model::PayloadType::vendor_id, .octets = Bytes(3000, 7)};
    const auto sent = *initiator.seal(header, large, FragmentLimit{.ip_octets = 600, .overhead = 28}, rng);
    EXPECT_GT(sent.size(), 5u);
    wire::Reassembly fragments;
    std::optional<wire::Reassembled> whole;
    for (auto datagram = sent.rbegin(); datagram != sent.rend(); ++datagram) {
        EXPECT_LE(datagram->size(), 572u);
        whole = *responder.open(*datagram, &fragments);
    }
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->chain.octets, large.octets);
    EXPECT_EQ(whole->chain.first, large.first);
}

// RFC 7383 §2.3 [141]: only after both announced it.
TEST_P(Protect, RefusesFragmentsThatWereNotNegotiated) {
    const wire::Chain large{.first = model::PayloadType::vendor_id, .octets = Bytes(3000, 7)};
    const auto sent = *initiator.seal(header, large, FragmentLimit{.ip_octets = 600, .overhead = 28}, rng);
    const auto opened = responder.open(sent.front(), nullptr);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::state);
}

INSTANTIATE_TEST_SUITE_P(Suites, Protect,
                         testing::Values("aes256gcm16-prfsha384-x25519", "chacha20poly1305-prfsha256-x25519",
                                         "aes128-sha256-modp2048"));

}  // namespace
}  // namespace cygnet::ike
