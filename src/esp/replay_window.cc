#include "esp/replay_window.h"

#include <algorithm>
#include <bit>

#include "base/result.h"
#include "model/limits.h"

namespace cygnet::esp {
namespace {

constexpr std::uint64_t subspace = 1ULL << 32;  // numbers that share one high half

// One word more than the window, so that the word being entered is never one still in use.
std::size_t words_for(std::uint32_t packets, std::uint64_t word_bits) {
    if (packets == 0) return 0;
    return std::bit_ceil((packets + word_bits - 1) / word_bits + 1);
}

}  // namespace

ReplayWindow::ReplayWindow(std::uint32_t packets, bool esn) : bits_(words_for(packets, word_bits)), packets_(packets), esn_(esn) {
    ASSERT(packets <= model::limits::replay_window_packets_max);
}

void ReplayWindow::take(std::uint64_t sequence) {
    if (bits_.empty()) {
        top_ = std::max(top_, sequence);
        return;
    }
    const std::uint64_t mask = bits_.size() - 1;
    if (sequence > top_) {
        const std::uint64_t entered = sequence / word_bits - top_ / word_bits;
        const std::uint64_t cleared = std::min<std::uint64_t>(entered, bits_.size());
        for (std::uint64_t i = 0; i < cleared; ++i) bits_[(sequence / word_bits - i) & mask] = 0;
        top_ = sequence;
    }
    bits_[(sequence / word_bits) & mask] |= bit_of(sequence);
}

// RFC 4303 appendix A2.1: the high half that puts the number nearest to the window. Returns 0, which
// is never valid, for a number that would lie before the very first.
std::uint64_t ReplayWindow::infer(std::uint32_t low) const {
    const std::uint64_t high = top_ / subspace, top_low = top_ % subspace;
    // Without protection late packets are still expected, so the inference needs some window.
    const std::uint64_t window = packets_ != 0 ? packets_ : model::limits::replay_window_packets_max;
    if (top_low >= window - 1) {
        const std::uint64_t bottom = top_low - (window - 1);
        return (low >= bottom ? high : high + 1) * subspace + low;
    }
    // The window reaches back into the previous subspace.
    const std::uint64_t bottom = top_low + subspace - (window - 1);
    if (low < bottom) return high * subspace + low;
    return high == 0 ? 0 : (high - 1) * subspace + low;
}

}  // namespace cygnet::esp
