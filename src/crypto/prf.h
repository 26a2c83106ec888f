// Pseudorandom functions, RFC 7296 §2.13, and hashes.
#pragma once

#include <array>
#include <initializer_list>

#include "base/bytes.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/secret.h"
#include "model/iana.h"

namespace cygnet::crypto {

// Output size in octets, which is also the preferred key size of the HMAC PRFs; 0 if not in the catalogue.
std::size_t prf_size(model::Prf prf);

// prf(key, data), the data given in parts. The PRF must be in the catalogue.
SecretBytes prf(model::Prf prf, ByteView key, std::initializer_list<ByteView> data);

// prf+ (key, seed), RFC 7296 §2.13: `size` octets, at most 255 times the PRF's size (asserted).
SecretBytes prf_plus(model::Prf prf, ByteView key, std::initializer_list<ByteView> seed, std::size_t size);

// NAT_DETECTION_*_IP and certificate hashes (RFC 7296 §2.23, §3.7).
std::array<std::uint8_t, 20> sha1(std::initializer_list<ByteView> data);
std::array<std::uint8_t, 32> sha2_256(std::initializer_list<ByteView> data);

// HMAC-SHA-256 with a short-lived key of our own: cookies.
std::array<std::uint8_t, 32> hmac_sha2_256(ByteView key, std::initializer_list<ByteView> data);

// The operating system's generator.
// The operating system's generator, asked for many octets at a time: most callers want eight. Not for several threads.
class SystemRng final : public Rng {
public:
    ~SystemRng() override { wipe(pool_); }
    void fill(MutableByteView out) override;

private:
    std::array<std::uint8_t, 512> pool_{};
    std::size_t used_ = pool_.size();
};

}  // namespace cygnet::crypto
