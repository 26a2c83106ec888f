#include "ike/cookie.h"

#include <algorithm>
#include <concepts>

#include "crypto/prf.h"

namespace cygnet::ike {
namespace {

constexpr Duration secret_life = seconds(60);
constexpr std::size_t secret_octets = 32;
constexpr std::size_t mac_octets = CookieMint::cookie_octets - 3;

template <std::unsigned_integral Number>
std::array<std::uint8_t, sizeof(Number)> octets_of(Number number) {
    std::array<std::uint8_t, sizeof(Number)> octets;
    for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::uint8_t>(number >> 8 * (octets.size() - 1 - i));
    return octets;
}

}  // namespace

CookieMint::CookieMint(Rng& rng) : rng_(&rng) {
    previous_.version = current_.version - 1;
    for (Secret* secret : {&current_, &previous_}) {
        secret->key = SecretBytes(secret_octets);
        rng_->fill(secret->key.reveal_for_writing());
    }
}

void CookieMint::renew(Instant now) {
    if (now - renewed_ < secret_life) return;
    const auto next_version = static_cast<std::uint8_t>(current_.version + 1);
    previous_ = std::move(current_);
    current_ = {.version = next_version, .key = SecretBytes(secret_octets)};
    rng_->fill(current_.key.reveal_for_writing());
    renewed_ = now;
}

CookieMint::Cookie CookieMint::make(const Secret& secret, std::uint64_t spi_i, ByteView nonce_i,
                                    const model::Endpoint& initiator, crypto::Puzzle puzzle) {
    const std::array<std::uint8_t, 2> port = octets_of(initiator.port);
    const std::array<std::uint8_t, 8> spi = octets_of(spi_i);
    const std::array<std::uint8_t, 2> work{static_cast<std::uint8_t>(puzzle.prf), puzzle.difficulty};
    const auto mac = crypto::hmac_sha2_256(secret.key.reveal(), {nonce_i, initiator.address.bytes(), port, spi, work});
    Cookie cookie{secret.version, work[0], work[1]};
    std::ranges::copy_n(mac.begin(), mac_octets, cookie.begin() + 3);
    return cookie;
}

CookieMint::Cookie CookieMint::mint(Instant now, std::uint64_t spi_i, ByteView nonce_i,
                                    const model::Endpoint& initiator, crypto::Puzzle puzzle) {
    renew(now);
    return make(current_, spi_i, nonce_i, initiator, puzzle);
}

std::optional<crypto::Puzzle> CookieMint::accepts(ByteView cookie, std::uint64_t spi_i, ByteView nonce_i,
                                                  const model::Endpoint& initiator) const {
    if (cookie.size() != cookie_octets) return std::nullopt;
    const crypto::Puzzle puzzle{.prf = static_cast<model::Prf>(cookie[1]), .difficulty = cookie[2]};
    for (const Secret* secret : {&current_, &previous_}) {
        if (secret->version != cookie[0]) continue;
        if (equal_in_constant_time(cookie, make(*secret, spi_i, nonce_i, initiator, puzzle))) return puzzle;
    }
    return std::nullopt;
}

}  // namespace cygnet::ike
