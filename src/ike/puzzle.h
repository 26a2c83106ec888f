// The PUZZLE notification of RFC 8019 §8.1, and the choice of its PRF.
#pragma once

#include <array>
#include <optional>

#include "crypto/puzzle.h"

namespace cygnet::ike {

inline constexpr std::size_t puzzle_octets = 3;  // PRF (2) | difficulty (1)
std::array<std::uint8_t, puzzle_octets> written(const crypto::Puzzle& puzzle);
// Difficulty 0 leaves it to us (§7.1.1.1).
std::optional<crypto::Puzzle> parse_puzzle(ByteView data);

// §7.1.1.2: of the PRFs in the body of an initiator's SA payload, the one that we prefer; none without one that we have.
model::Prf puzzle_prf(ByteView sa_payload);

// §7.2.3: what the puzzle of IKE_AUTH is about.
Bytes auth_puzzle_octets(ByteView nonce_r, std::uint64_t spi_r);

}  // namespace cygnet::ike
