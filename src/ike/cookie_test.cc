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
    const Bytes cookie = mint.mint(at(seconds(0)), spi, nonce, initiator);
    EXPECT_LE(cookie.size(), model::limits::cookie_octets_max);
    EXPECT_TRUE(mint.accepts(cookie, spi, nonce, initiator));
}

TEST(Cookie, IsRefusedWhenAnyInputDiffers) {
    SeededRng rng(1);
    CookieMint mint(rng);
    const Bytes cookie = mint.mint(at(seconds(0)), spi, nonce, initiator);
    EXPECT_FALSE(mint.accepts(cookie, spi + 1, nonce, initiator));
    EXPECT_FALSE(mint.accepts(cookie, spi, Bytes(32, 8), initiator));
    EXPECT_FALSE(mint.accepts(cookie, spi, nonce, {.address = model::IpAddress::v4(0xc0000202), .port = 500}));
    EXPECT_FALSE(mint.accepts(cookie, spi, nonce, {.address = initiator.address, .port = 501}));
    for (std::size_t i = 0; i < cookie.size(); ++i) {
        Bytes damaged = cookie;
        damaged[i] ^= 1;
        EXPECT_FALSE(mint.accepts(damaged, spi, nonce, initiator)) << i;
    }
    EXPECT_FALSE(mint.accepts({}, spi, nonce, initiator));
}

TEST(Cookie, SurvivesOneChangeOfTheSecretAndNotTwo) {
    SeededRng rng(1);
    CookieMint mint(rng);
    const Bytes cookie = mint.mint(at(seconds(0)), spi, nonce, initiator);
    mint.mint(at(seconds(61)), spi, nonce, initiator);
    EXPECT_TRUE(mint.accepts(cookie, spi, nonce, initiator));
    mint.mint(at(seconds(122)), spi, nonce, initiator);
    EXPECT_FALSE(mint.accepts(cookie, spi, nonce, initiator));
}

}  // namespace
}  // namespace cygnet::ike
