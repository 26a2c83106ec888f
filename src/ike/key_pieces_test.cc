#include "ike/key_pieces.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"

namespace cygnet::ike {
namespace {

namespace limits = model::limits;
using model::Counter;
using wire::KeyPiece;

constexpr model::Ke method{50'101};
constexpr std::size_t smallest = limits::key_piece_octets_min;
constexpr KeyRoom::Sizes sizes{.strangers = 20'000, .per_prefix = 10'000, .peers = 5'000};
constexpr Instant start{};

model::IpAddress prefix(const char* text) { return model::IpAddress::parse(text).value(); }

class KeyPieces : public testing::Test {
protected:
    IncomingKey incoming(std::size_t total, const char* from = "192.0.2.1") {
        return {method, total, KeyRoom::Share(room, prefix(from)), start};
    }
    Bytes value(std::size_t octets) { return rng.bytes(octets); }

    SeededRng rng{1};
    KeyRoom room{sizes};
};

TEST_F(KeyPieces, OfEverySizeMakeTheValueAgain) {
    for (const std::size_t octets : {1UL, smallest, smallest + 1, 5'000UL, 9'999UL}) {
        const Bytes original = value(octets);
        OutgoingKey out(original, start);
        IncomingKey in = incoming(octets);
        while (!out.complete()) {
            const KeyPiece piece = out.next(smallest + rng.below(3'000));
            ASSERT_EQ(in.add(piece), std::nullopt);
            EXPECT_EQ(piece.last(), in.complete());
            out.sent(piece, start);
        }
        EXPECT_TRUE(in.complete());
        EXPECT_EQ(in.take(), original);
    }
}

TEST_F(KeyPieces, ThatDoNotFitAreRefusedUnderANameEachAndNothingIsKeptOfThem) {
    const Bytes octets = value(2 * smallest + 10);
    IncomingKey in = incoming(octets.size());
    const auto piece = [&](std::size_t offset, std::size_t size, std::size_t total) {
        return KeyPiece{.total = static_cast<std::uint32_t>(total),
                        .offset = static_cast<std::uint32_t>(offset),
                        .data = ByteView(octets).first(size)};
    };
    EXPECT_EQ(in.add(piece(0, smallest, octets.size() + 1)), Counter::key_piece_wrong_total);
    EXPECT_EQ(in.add(piece(smallest, smallest, octets.size())), Counter::key_piece_gap);
    EXPECT_EQ(in.add(piece(0, smallest - 1, octets.size())), Counter::key_piece_too_short);
    EXPECT_EQ(in.octets(), 0U);
    EXPECT_EQ(in.add(piece(0, smallest, octets.size())), std::nullopt);
    EXPECT_EQ(in.add(piece(0, smallest, octets.size())), Counter::key_piece_overlap);
    EXPECT_EQ(in.add(piece(smallest - 1, smallest, octets.size())), Counter::key_piece_overlap);
    EXPECT_EQ(in.add(piece(smallest, smallest + 11, octets.size())), Counter::key_piece_beyond_end);
    EXPECT_EQ(in.add(piece(smallest, smallest, octets.size() - 1)), Counter::key_piece_wrong_total);
    EXPECT_EQ(in.octets(), smallest);
    EXPECT_EQ(room.of_strangers(), smallest);
    EXPECT_EQ(in.add(piece(smallest, smallest, octets.size())), std::nullopt);
    EXPECT_EQ(in.add(piece(2 * smallest, 10, octets.size())), std::nullopt) << "the last one may be short";
    EXPECT_TRUE(in.complete());
}

TEST_F(KeyPieces, TakeRoomAsTheyComeAndGiveItBackInTheEnd) {
    const Bytes octets = value(4'000);
    {
        IncomingKey in = incoming(octets.size());
        EXPECT_EQ(room.of_strangers(), 0U) << "what is announced takes nothing";
        OutgoingKey out(octets, start);
        EXPECT_EQ(in.add(out.next(1'500)), std::nullopt);
        EXPECT_EQ(room.of_strangers(), 1'500U);
        EXPECT_EQ(room.of_prefix(prefix("192.0.2.1")), 1'500U);
        const IncomingKey moved = std::move(in);
        EXPECT_EQ(room.of_strangers(), 1'500U);
    }
    EXPECT_EQ(room.of_strangers(), 0U);
    EXPECT_EQ(room.of_prefix(prefix("192.0.2.1")), 0U);
}

TEST_F(KeyPieces, OfStrangersFillTheRoomOfTheirPrefixAndOfAllAndNoMore) {
    const Bytes octets = value(4'000);
    const KeyPiece whole{.total = 4'000, .offset = 0, .data = octets};
    IncomingKey first = incoming(4'000), second = incoming(4'000), third = incoming(4'000);
    EXPECT_EQ(first.add(whole), std::nullopt);
    EXPECT_EQ(second.add(whole), std::nullopt);
    EXPECT_EQ(third.add(whole), Counter::large_key_no_room) << "10,000 of one prefix";
    IncomingKey other = incoming(4'000, "192.0.2.2"), another = incoming(4'000, "192.0.2.3");
    IncomingKey more = incoming(4'000, "192.0.2.4"), last = incoming(4'000, "192.0.2.5");
    EXPECT_EQ(other.add(whole), std::nullopt);
    EXPECT_EQ(another.add(whole), std::nullopt);
    EXPECT_EQ(more.add(whole), std::nullopt);
    EXPECT_EQ(last.add(whole), Counter::large_key_no_room) << "20,000 of all";
    EXPECT_EQ(room.of_strangers(), 20'000U);
}

TEST_F(KeyPieces, BeginWhereTheWholeValueWouldFind) {
    IncomingKey in = incoming(10'001);
    const Bytes octets = value(smallest);
    EXPECT_EQ(in.add({.total = 10'001, .offset = 0, .data = octets}), Counter::large_key_no_room);
}

TEST_F(KeyPieces, OfAuthenticatedPeersHaveRoomOfTheirOwn) {
    const Bytes octets = value(4'000);
    const KeyPiece whole{.total = 4'000, .offset = 0, .data = octets};
    IncomingKey peer(method, 4'000, KeyRoom::Share(room, std::nullopt), start);
    IncomingKey second(method, 4'000, KeyRoom::Share(room, std::nullopt), start);
    EXPECT_EQ(peer.add(whole), std::nullopt);
    EXPECT_EQ(room.of_peers(), 4'000U);
    EXPECT_EQ(room.of_strangers(), 0U);
    EXPECT_EQ(second.add(whole), Counter::large_key_no_room);
}

TEST_F(KeyPieces, GrowWhileNothingIsLostAndShrinkWhenSomethingWas) {
    OutgoingKey out(value(100'000), start);
    Instant now = start;
    const auto next = [&](Duration answer_after) {
        out.sent(out.next(smallest), now);
        now = now + answer_after;
        out.answered(now);
    };
    EXPECT_EQ(out.fragments(), limits::key_piece_fragments);
    EXPECT_FALSE(out.any_answered());
    EXPECT_EQ(out.patience(), limits::key_piece_patience);
    next(milliseconds(100));
    EXPECT_TRUE(out.any_answered());
    EXPECT_EQ(out.fragments(), 2 * limits::key_piece_fragments);
    EXPECT_EQ(out.patience(), milliseconds(300)) << "RFC 6298 §2.2: R + 4 R/2";
    next(milliseconds(300));
    EXPECT_EQ(out.fragments(), limits::key_piece_fragments);
    EXPECT_EQ(out.patience(), milliseconds(300)) << "what was sent twice measures nothing";
    for (int i = 0; i < 4; ++i) next(seconds(1));
    EXPECT_EQ(out.fragments(), limits::key_piece_fragments_min);
    for (int i = 0; i < 10; ++i) next(milliseconds(1));
    EXPECT_EQ(out.fragments(), limits::key_piece_fragments_max);
    for (int i = 0; i < 40; ++i) next(milliseconds(1));
    EXPECT_EQ(out.patience(), limits::key_piece_patience_min);
}

}  // namespace
}  // namespace cygnet::ike
