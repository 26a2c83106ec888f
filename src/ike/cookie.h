// Stateless cookies, RFC 7296 §2.6: proof that an initiator receives at its address, without state for it.
#pragma once

#include <array>

#include "base/instant.h"
#include "base/rng.h"
#include "base/secret.h"
#include "model/address.h"

namespace cygnet::ike {

// Cookie = version (1 octet) | HMAC-SHA-256(secret, Ni | IPi | port | SPIi) cut to 24 octets. The secret changes every
// minute or so; cookies made with the one before stay good, so that a slow initiator is not turned away.
class CookieMint {
public:
    explicit CookieMint(Rng& rng);

    Bytes mint(Instant now, std::uint64_t spi_i, ByteView nonce_i, const model::Endpoint& initiator);
    bool accepts(ByteView cookie, std::uint64_t spi_i, ByteView nonce_i, const model::Endpoint& initiator) const;

private:
    struct Secret {
        std::uint8_t version = 0;
        SecretBytes key;
    };
    void renew(Instant now);
    static Bytes make(const Secret& secret, std::uint64_t spi_i, ByteView nonce_i, const model::Endpoint& initiator);

    Rng* rng_;
    Secret current_, previous_;
    Instant renewed_{};
};

}  // namespace cygnet::ike
