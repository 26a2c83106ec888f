#include "crypto/puzzle.h"

#include <algorithm>
#include <array>
#include <bit>

#include "crypto/prf.h"

namespace cygnet::crypto {
namespace {

constexpr std::size_t key_octets = 4;
// Four successes need four times 2^difficulty tries on average; sixteen times that many is never reached by chance.
constexpr std::uint64_t tries_factor = 64;

unsigned zero_bits(model::Prf algorithm, ByteView key, ByteView octets) {
    const SecretBytes output = prf(algorithm, key, {octets});
    const ByteView digest = output.reveal();
    unsigned bits = 0;
    for (std::size_t i = digest.size(); i-- > 0; bits += 8)
        if (digest[i] != 0) return bits + static_cast<unsigned>(std::countr_zero(digest[i]));
    return bits;
}

}  // namespace

Result<Bytes> solve_puzzle(const Puzzle& puzzle, ByteView octets) {
    if (prf_size(puzzle.prf) == 0) return fail(Errc::unsupported, "puzzle", "its PRF is not in the catalogue");
    const std::uint64_t tries = std::min(tries_factor << std::min<unsigned>(puzzle.difficulty, 32), std::uint64_t{1} << 32);
    Bytes keys;
    for (std::uint64_t number = 0; number < tries; ++number) {
        const std::array<std::uint8_t, key_octets> key{
            static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
        if (zero_bits(puzzle.prf, key, octets) < puzzle.difficulty) continue;
        append(keys, key);
        if (keys.size() == puzzle_keys * key_octets) return keys;
    }
    return fail(Errc::limit, "puzzle", "no four keys found");
}

std::optional<unsigned> puzzle_bits(model::Prf prf, ByteView octets, ByteView keys) {
    const std::size_t size = keys.size() / puzzle_keys;
    if (size == 0 || keys.size() % puzzle_keys != 0 || size > prf_size(prf)) return std::nullopt;
    unsigned worst = ~0U;
    for (std::size_t i = 0; i < puzzle_keys; ++i) {
        const ByteView key = keys.subspan(i * size, size);
        for (std::size_t j = 0; j < i; ++j)
            if (std::ranges::equal(key, keys.subspan(j * size, size))) return std::nullopt;
        worst = std::min(worst, zero_bits(prf, key, octets));
    }
    return worst;
}

}  // namespace cygnet::crypto
