// Stateless cookies, RFC 7296 §2.6: proof that an initiator receives at its address, without state for it.
#pragma once

#include <array>
#include <optional>

#include "base/instant.h"
#include "base/rng.h"
#include "base/secret.h"
#include "crypto/puzzle.h"
#include "model/address.h"

namespace cygnet::ike {

// Cookie = version | PRF | difficulty (1 octet each) | HMAC-SHA-256(secret, Ni | IPi | port | SPIi | PRF | difficulty) cut to 24
// octets, made without an allocation. PRF and difficulty are those of the puzzle that came with it (RFC 8019 §7.1.1.3), or 0. The secret changes every
// minute or so; cookies made with the one before stay good, so that a slow initiator is not turned away.
class CookieMint {
public:
    explicit CookieMint(Rng& rng);

    static constexpr std::size_t cookie_octets = 27;
    using Cookie = std::array<std::uint8_t, cookie_octets>;

    Cookie mint(Instant now, std::uint64_t spi_i, ByteView nonce_i, const model::Endpoint& initiator,
                crypto::Puzzle puzzle = {});
    // The puzzle that came with the cookie, which may be none; nothing when it is not ours.
    std::optional<crypto::Puzzle> accepts(ByteView cookie, std::uint64_t spi_i, ByteView nonce_i,
                                          const model::Endpoint& initiator) const;

private:
    struct Secret {
        std::uint8_t version = 0;
        SecretBytes key;
    };
    void renew(Instant now);
    static Cookie make(const Secret& secret, std::uint64_t spi_i, ByteView nonce_i, const model::Endpoint& initiator,
                       crypto::Puzzle puzzle);

    Rng* rng_;
    Secret current_, previous_;
    Instant renewed_{};
};

}  // namespace cygnet::ike
