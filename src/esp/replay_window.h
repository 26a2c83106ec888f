// The anti-replay window of RFC 4303 §3.4.3, with extended sequence numbers as in its appendix A.
//
//          bottom = top - packets + 1                top
//   ─────────────┬────────────────────────────────────┬──────────────▶ sequence
//   before_window│ seen or not: one bit each          │ new: moves the window, once authentic
#pragma once

#include <cstdint>
#include <vector>

#include "esp/drop.h"

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
    Examined examine(std::uint32_t sequence_low) const;

    // After the ICV was found right. Checks again, because the same packet may be twice in one batch.
    Drop accept(std::uint64_t sequence);

    // The highest authentic sequence number; 0 before the first.
    std::uint64_t top() const { return top_; }

private:
    std::uint64_t infer(std::uint32_t low) const;
    Drop check(std::uint64_t sequence) const;

    std::vector<std::uint64_t> bits_;  // a ring: sequence / 64 names the word, RFC 6479's arrangement
    std::uint64_t top_ = 0;
    std::uint32_t packets_;
    bool esn_;
};

}  // namespace cygnet::esp
