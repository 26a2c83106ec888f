#include "ike/cookie.h"

#include "base/reader.h"
#include "crypto/prf.h"

namespace cygnet::ike {
namespace {

constexpr Duration secret_life = seconds(60);
constexpr std::size_t secret_octets = 32;
constexpr std::size_t mac_octets = 24;

}  // namespace

CookieMint::CookieMint(Rng& rng) : rng_(&rng) {
    current_.key = SecretBytes(secret_octets);
    rng_->fill(current_.key.reveal_for_writing());
}

void CookieMint::renew(Instant now) {
    if (now - renewed_ < secret_life) return;
    const auto next_version = static_cast<std::uint8_t>(current_.version + 1);
    previous_ = std::move(current_);
    current_ = {.version = next_version, .key = SecretBytes(secret_octets)};
    rng_->fill(current_.key.reveal_for_writing());
    renewed_ = now;
}

Bytes CookieMint::make(const Secret& secret, std::uint64_t spi_i, ByteView nonce_i, const model::Endpoint& initiator) {
    Bytes rest;
    Writer writer(rest);
    writer.bytes(initiator.address.bytes());
    writer.u16(initiator.port);
    writer.u64(spi_i);
    const auto mac = crypto::hmac_sha2_256(secret.key.reveal(), {nonce_i, rest});
    return concat({ByteView(&secret.version, 1), ByteView(mac).first(mac_octets)});
}

Bytes CookieMint::mint(Instant now, std::uint64_t spi_i, ByteView nonce_i, const model::Endpoint& initiator) {
    renew(now);
    return make(current_, spi_i, nonce_i, initiator);
}

bool CookieMint::accepts(ByteView cookie, std::uint64_t spi_i, ByteView nonce_i,
                         const model::Endpoint& initiator) const {
    if (cookie.size() != 1 + mac_octets) return false;
    for (const Secret* secret : {&current_, &previous_}) {
        if (secret->key.empty() || secret->version != cookie[0]) continue;
        if (equal_in_constant_time(cookie, make(*secret, spi_i, nonce_i, initiator))) return true;
    }
    return false;
}

}  // namespace cygnet::ike
