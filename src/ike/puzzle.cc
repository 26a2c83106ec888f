#include "ike/puzzle.h"

#include <algorithm>

#include "base/reader.h"
#include "model/limits.h"
#include "wire/payloads.h"

namespace cygnet::ike {

std::array<std::uint8_t, puzzle_octets> written(const crypto::Puzzle& puzzle) {
    const auto prf = static_cast<std::uint16_t>(puzzle.prf);
    return {static_cast<std::uint8_t>(prf >> 8), static_cast<std::uint8_t>(prf), puzzle.difficulty};
}

std::optional<crypto::Puzzle> parse_puzzle(ByteView data) {
    if (data.size() != puzzle_octets) return std::nullopt;
    crypto::Puzzle puzzle{.prf = static_cast<model::Prf>(data[0] << 8 | data[1]), .difficulty = data[2]};
    if (puzzle.difficulty == 0) puzzle.difficulty = model::limits::puzzle_difficulty_of_choice;
    return puzzle;
}

model::Prf puzzle_prf(ByteView sa_payload) {
    const auto offer = wire::parse<wire::SaPayload>(sa_payload);
    if (!offer) return model::Prf::none;
    const auto is_offered = [&](model::Prf prf) {
        return std::ranges::any_of(offer->proposals, [&](const model::Proposal& proposal) {
            return std::ranges::find(proposal.transforms, model::Transform::of(prf)) != proposal.transforms.end();
        });
    };
    for (const model::Prf prf : {model::Prf::hmac_sha2_256, model::Prf::hmac_sha2_384, model::Prf::hmac_sha2_512})
        if (is_offered(prf)) return prf;
    return model::Prf::none;
}

Bytes auth_puzzle_octets(ByteView nonce_r, std::uint64_t spi_r) {
    Bytes octets = keep(nonce_r);
    Writer(octets).u64(spi_r);
    return octets;
}

}  // namespace cygnet::ike
