#include "crypto/puzzle.h"

#include <gtest/gtest.h>


namespace cygnet::crypto {
namespace {

using model::Prf;

Bytes octets(std::string_view text) { return *from_hex(text); }

// Computed with another implementation of HMAC; the digests of the example in RFC 8019 §4.4 are not those of its keys.
TEST(Puzzle, CountsTheZeroBitsOfTheWorstKey) {
    const Bytes cookie = octets("739ae7492d8a810cf5e8dc0f9626c9dda773c5a3");
    EXPECT_EQ(puzzle_bits(Prf::hmac_sha2_256, cookie, octets("00499b 00cd8a 01b4dc 01c244")), 14u);
    EXPECT_EQ(puzzle_bits(Prf::hmac_sha2_256, cookie, octets("00499b 00cd8a 01b4dc 01c245")), 5u);
}

TEST(Puzzle, IsSolvedWithAsManyBitsAsAsked) {
    for (const Prf prf : {Prf::hmac_sha2_256, Prf::hmac_sha2_384, Prf::hmac_sha2_512}) {
        const Bytes cookie(27, 5);
        const auto keys = solve_puzzle({.prf = prf, .difficulty = 9}, cookie);
        ASSERT_TRUE(keys);
        EXPECT_GE(puzzle_bits(prf, cookie, *keys).value_or(0), 9u);
        EXPECT_LT(puzzle_bits(prf, Bytes(27, 6), *keys).value_or(0), 9u);
    }
}

// RFC 8019 §8.2: four different keys of one size, none longer than the PRF prefers.
TEST(Puzzle, HasNoSolutionOfAnotherForm) {
    const Bytes cookie(27, 5);
    EXPECT_FALSE(puzzle_bits(Prf::hmac_sha2_256, cookie, {}));
    EXPECT_FALSE(puzzle_bits(Prf::hmac_sha2_256, cookie, Bytes{1, 2, 3}));
    EXPECT_FALSE(puzzle_bits(Prf::hmac_sha2_256, cookie, Bytes{1, 2, 3, 1}));
    EXPECT_TRUE(puzzle_bits(Prf::hmac_sha2_256, cookie, Bytes{1, 2, 3, 4}));
    Bytes long_ones(4 * 33);
    for (std::size_t i = 0; i < 4; ++i) long_ones[33 * i] = static_cast<std::uint8_t>(i);
    EXPECT_FALSE(puzzle_bits(Prf::hmac_sha2_256, cookie, long_ones));
    EXPECT_FALSE(puzzle_bits(static_cast<Prf>(200), cookie, Bytes{1, 2, 3, 4}));
}

TEST(Puzzle, IsRefusedWithAPrfThatWeLack) {
    EXPECT_FALSE(solve_puzzle({.prf = static_cast<Prf>(200), .difficulty = 8}, Bytes(8)));
}

}  // namespace
}  // namespace cygnet::crypto
