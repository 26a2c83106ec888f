#include "crypto/prf.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

std::optional<Hash> hash_of(model::Prf prf) {
    switch (prf) {
        case model::Prf::hmac_sha1: return Hash::sha1;
        case model::Prf::hmac_sha2_256: return Hash::sha2_256;
        case model::Prf::hmac_sha2_384: return Hash::sha2_384;
        case model::Prf::hmac_sha2_512: return Hash::sha2_512;
        default: return std::nullopt;
    }
}

Parts parts_of(std::initializer_list<ByteView> data) { return {data.begin(), data.size()}; }

template <std::size_t size>
std::array<std::uint8_t, size> digest(Hash hash, std::initializer_list<ByteView> data) {
    std::array<std::uint8_t, size> out;
    best_hash(hash).digest(hash, parts_of(data), out);
    return out;
}

}  // namespace

std::size_t prf_size(model::Prf prf) {
    const auto hash = hash_of(prf);
    return hash ? size_of(*hash) : 0;
}

SecretBytes prf(model::Prf prf, ByteView key, std::initializer_list<ByteView> data) {
    const auto hash = hash_of(prf);
    ASSERT(hash);
    SecretBytes out(size_of(*hash));
    best_hash(*hash).hmac(*hash, key, parts_of(data), out.reveal_for_writing());
    return out;
}

// RFC 7296 §2.13: T1 = prf (K, S | 0x01), T2 = prf (K, T1 | S | 0x02) and so on, cut to `size`.
SecretBytes prf_plus(model::Prf prf, ByteView key, std::initializer_list<ByteView> seed, std::size_t size) {
    const auto hash = hash_of(prf);
    ASSERT(hash);
    const std::size_t block_size = size_of(*hash);
    ASSERT(size <= 255 * block_size);

    const auto hmac = best_hash(*hash).make_hmac(*hash, key);
    // The whole blocks, cut afterwards; parts: previous block, seed, counter.
    const std::size_t blocks = (size + block_size - 1) / block_size;
    SecretBytes stream(blocks * block_size);
    const MutableByteView out = stream.reveal_for_writing();
    std::array<ByteView, 6> room;
    ASSERT(seed.size() + 2 <= room.size());
    const auto parts = std::span(room).first(seed.size() + 2);
    std::ranges::copy(seed, parts.begin() + 1);
    for (std::size_t i = 0; i < blocks; ++i) {
        const auto counter = static_cast<std::uint8_t>(i + 1);
        parts.back() = {&counter, 1};
        hmac->compute(parts, out.subspan(i * block_size, block_size));
        parts.front() = out.subspan(i * block_size, block_size);
    }
    stream.shrink(size);
    return stream;
}

std::array<std::uint8_t, 20> sha1(std::initializer_list<ByteView> data) { return digest<20>(Hash::sha1, data); }

std::array<std::uint8_t, 32> sha2_256(std::initializer_list<ByteView> data) { return digest<32>(Hash::sha2_256, data); }

std::array<std::uint8_t, 32> hmac_sha2_256(ByteView key, std::initializer_list<ByteView> data) {
    std::array<std::uint8_t, 32> out;
    best_hash(Hash::sha2_256).hmac(Hash::sha2_256, key, parts_of(data), out);
    return out;
}

std::size_t size_of(Hash hash) {
    switch (hash) {
        case Hash::sha1: return 20;
        case Hash::sha2_256: return 32;
        case Hash::sha2_384: return 48;
        case Hash::sha2_512: return 64;
    }
    return 0;
}

void fill_random(MutableByteView out) {
    while (!out.empty()) {
        const ssize_t got = getrandom(out.data(), out.size(), 0);
        // Without randomness there is no safe way on; the call fails on broken systems only.
        ASSERT(got > 0 || errno == EINTR);
        if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
    }
}

void SystemRng::fill(MutableByteView out) {
    if (out.size() > pool_.size() / 4) return fill_random(out);
    if (out.size() > pool_.size() - used_) {
        fill_random(pool_);
        used_ = 0;
    }
    const MutableByteView taken = MutableByteView(pool_).subspan(used_, out.size());
    std::ranges::copy(taken, out.begin());
    wipe(taken);
    used_ += out.size();
}

}  // namespace cygnet::crypto
