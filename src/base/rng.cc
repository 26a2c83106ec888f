#include "base/rng.h"

#include "base/result.h"

namespace cygnet::inline base {

Bytes Rng::bytes(std::size_t size) {
    Bytes out(size);
    fill(out);
    return out;
}

std::uint64_t Rng::u64() {
    std::uint8_t octets[8];
    fill(octets);
    std::uint64_t value = 0;
    for (std::uint8_t octet : octets) value = value << 8 | octet;
    return value;
}

std::uint32_t Rng::u32() { return static_cast<std::uint32_t>(u64()); }

std::uint64_t Rng::below(std::uint64_t bound) {
    ASSERT(bound > 0);
    // Values of the incomplete last interval are drawn again, so that no result is favoured.
    const std::uint64_t limit = ~std::uint64_t{0} - ~std::uint64_t{0} % bound;
    for (;;) {
        const std::uint64_t value = u64();
        if (value < limit) return value % bound;
    }
}

// SplitMix64 (Steele, Lea, Flood 2014): a counter through a mixing function.
std::uint64_t SeededRng::next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31);
}

void SeededRng::fill(MutableByteView out) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (i % 8 == 0) word = next();
        out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
    }
}

}  // namespace cygnet::inline base
