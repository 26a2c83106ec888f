#include "ike/cookie.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace cygnet::ike {
namespace {

const model::Endpoint initiator{.address = model::IpAddress::v4(0xc0000201), .port = 500};
const Bytes nonce(32, 7);
constexpr std::uint64_t spi = 0x1122334455667788;

Instant at(seconds elapsed) { return Instant::after_start(elapsed); }

TEST(Cookie, IsAcceptedFromTheInitiatorItWasMadeFor) {
    SeededRng rng(1);
    CookieMint mint(rng);
    const CookieMint::Cookie cookie = mint.mint(at(seconds(0)), spi, nonce, initiator);
    EXPECT_LE(cookie.size(), model::limits::cookie_octets_max);
    EXPECT_TRUE(mint.accepts(cookie, spi, nonce, initiator));
}

// RFC 7296 §2.6 [52]: bound to address, SPI and nonce.
TEST(Cookie, IsRefusedWhenAnyInputDiffers) {
    SeededRng rng(1);
    CookieMint mint(rng);
    const CookieMint::Cookie cookie = mint.mint(at(seconds(0)), spi, nonce, initiator);
    EXPECT_FALSE(mint.accepts(cookie, spi + 1, nonce, initiator));
    EXPECT_FALSE(mint.accepts(cookie, spi, Bytes(32, 8), initiator));
    EXPECT_FALSE(mint.accepts(cookie, spi, nonce, {.address = model::IpAddress::v4(0xc0000202), .port = 500}));
    EXPECT_FALSE(mint.accepts(cookie, spi, nonce, {.address = initiator.address, .port = 501}));
    for (std::size_t i = 0; i < cookie.size(); ++i) {
        CookieMint::Cookie damaged = cookie;
        damaged[i] ^= 1;
        EXPECT_FALSE(mint.accepts(damaged, spi, nonce, initiator)) << i;
    }
    EXPECT_FALSE(mint.accepts({}, spi, nonce, initiator));
}

// RFC 8019 §7.1.1.3: what was asked for comes back with the cookie, and cannot be changed on the way.
TEST(Cookie, RemembersItsPuzzle) {
    SeededRng rng(1);
    CookieMint mint(rng);
    const crypto::Puzzle puzzle{.prf = model::Prf::hmac_sha2_256, .difficulty = 17};
    CookieMint::Cookie cookie = mint.mint(at(seconds(0)), spi, nonce, initiator, puzzle);
    EXPECT_EQ(mint.accepts(cookie, spi, nonce, initiator), puzzle);
    EXPECT_EQ(mint.accepts(mint.mint(at(seconds(0)), spi, nonce, initiator), spi, nonce, initiator), crypto::Puzzle{});
    cookie[2] = 1;
    EXPECT_FALSE(mint.accepts(cookie, spi, nonce, initiator));
}

// RFC 7296 §2.6 [52]: cookies expire.
TEST(Cookie, SurvivesOneChangeOfTheSecretAndNotTwo) {
    SeededRng rng(1);
    CookieMint mint(rng);
    const CookieMint::Cookie cookie = mint.mint(at(seconds(0)), spi, nonce, initiator);
    mint.mint(at(seconds(61)), spi, nonce, initiator);
    EXPECT_TRUE(mint.accepts(cookie, spi, nonce, initiator));
    mint.mint(at(seconds(122)), spi, nonce, initiator);
    EXPECT_FALSE(mint.accepts(cookie, spi, nonce, initiator));
}

}  // namespace
}  // namespace cygnet::ike
