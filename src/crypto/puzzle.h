// Proof of work, RFC 8019 §7.1.3: four different keys of one size, each of which makes a PRF over given octets end in zero bits.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "model/iana.h"

namespace cygnet::crypto {

struct Puzzle {
    model::Prf prf = model::Prf::none;
    std::uint8_t difficulty = 0;  // zero bits; 0: there is no puzzle
    explicit operator bool() const { return difficulty != 0; }
    bool operator==(const Puzzle&) const = default;
};

inline constexpr std::size_t puzzle_keys = 4;

// The keys one after the other: the data of a PS payload. Fails with limit when there are none after far more tries than such
// a puzzle needs.
Result<Bytes> solve_puzzle(const Puzzle& puzzle, ByteView octets);

// How many zero bits the worst of the keys reaches; nothing if these are not four different keys for this PRF (§8.2).
std::optional<unsigned> puzzle_bits(model::Prf prf, ByteView octets, ByteView keys);

}  // namespace cygnet::crypto
