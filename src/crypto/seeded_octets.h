// For libraries that call a random number generator in place of taking a seed: octets that follow from a seed.
#pragma once

#include <algorithm>
#include <array>

#include "crypto/rows.h"

namespace cygnet::crypto {

enum class SeedUse : std::uint8_t {
    verbatim,  // the seed first, then what follows from it
    derived,   // only what follows from it, as much as the library asks for
};

class SeededOctets {
public:
    SeededOctets(ByteView seed, SeedUse use) : hmac_(best_hash(Hash::sha2_256).make_hmac(Hash::sha2_256, seed)) {
        if (use == SeedUse::verbatim) left_ = SecretBytes::copy_of(seed);
        unused_ = left_.reveal();
    }
    SeededOctets(const SeededOctets&) = delete;
    SeededOctets& operator=(const SeededOctets&) = delete;

    void fill(MutableByteView out) {
        while (!out.empty()) {
            if (unused_.empty()) next_block();
            const std::size_t octets = std::min(out.size(), unused_.size());
            std::ranges::copy(unused_.first(octets), out.begin());
            unused_ = unused_.subspan(octets);
            out = out.subspan(octets);
        }
    }

private:
    // HMAC-SHA-256(seed, number of the block).
    void next_block() {
        std::array<std::uint8_t, 8> number{};
        for (std::size_t i = 0; i < number.size(); ++i) number[i] = static_cast<std::uint8_t>(block_ >> (8 * i));
        ++block_;
        left_ = SecretBytes(32);
        const ByteView parts[] = {number};
        hmac_->compute(parts, left_.reveal_for_writing());
        unused_ = left_.reveal();
    }

    std::unique_ptr<Hmac> hmac_;
    std::uint64_t block_ = 0;
    SecretBytes left_{};
    ByteView unused_{};
};

}  // namespace cygnet::crypto
