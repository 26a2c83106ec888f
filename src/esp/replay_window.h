// The anti-replay window of RFC 4303 §3.4.3, with extended sequence numbers as in its appendix A.
//
//          bottom = top - packets + 1                top
//   ─────────────┬────────────────────────────────────┬──────────────▶ sequence
//   before_window│ seen or not: one bit each          │ new: moves the window, once authentic
#pragma once

#include <cstdint>
#include <vector>

#include "esp/drop.h"
#include "esp/prefetch.h"

namespace cygnet::esp {

class ReplayWindow {
public:
    // `packets`: 0 switches the protection off; at most limits::replay_window_packets_max.
    ReplayWindow(std::uint32_t packets, bool esn);

    struct Examined {
        Drop drop;               // none, sequence_zero, replayed or before_window
        std::uint64_t sequence;  // the whole number, its high half inferred when extended
    };
    // Before the ICV is checked: changes nothing, so a forged number cannot move the window.
    Examined examine(std::uint32_t sequence_low) const {
        const std::uint64_t sequence = esn_ ? infer(sequence_low) : sequence_low;
        return {check(sequence), sequence};
    }

    // After the ICV was found right. Checks again, because the same packet may be twice in one batch.
    Drop accept(std::uint64_t sequence) {
        const Drop drop = check(sequence);
        if (drop == Drop::none) take(sequence);
        return drop;
    }

    // The word of a number that accept() will be asked about.
    void prefetch(std::uint64_t sequence) const {
        if (!bits_.empty()) esp::prefetch(&bits_[(sequence / word_bits) & (bits_.size() - 1)]);
    }

    // The highest authentic sequence number; 0 before the first.
    std::uint64_t top() const { return top_; }

private:
    static constexpr std::uint64_t word_bits = 64;
    static std::uint64_t bit_of(std::uint64_t sequence) { return 1ULL << (sequence % word_bits); }

    std::uint64_t infer(std::uint32_t low) const;
    void take(std::uint64_t sequence);
    Drop check(std::uint64_t sequence) const {
        if (sequence == 0) return Drop::sequence_zero;
        if (bits_.empty() || sequence > top_) return Drop::none;
        if (top_ - sequence >= packets_) return Drop::before_window;
        const bool seen = bits_[(sequence / word_bits) & (bits_.size() - 1)] & bit_of(sequence);
        return seen ? Drop::replayed : Drop::none;
    }

    std::vector<std::uint64_t> bits_;  // a ring: sequence / 64 names the word, RFC 6479's arrangement
    std::uint64_t top_ = 0;
    std::uint32_t packets_;
    bool esn_;
};

}  // namespace cygnet::esp
