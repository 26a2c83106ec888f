// Puzzles in IKE_AUTH, RFC 8019 §7.2: the responder asks in its IKE_SA_INIT answer for work that costs more than the shared
// secret, and computes the secret only for a message that brings the solution. (Puzzles in IKE_SA_INIT belong to admission.)
#include "ike/puzzle.h"

#include <fmt/format.h>

#include "ike/exchange/ike_sa_init.h"
#include "ike/feature/feature.h"
#include "ike/ppk.h"

namespace cygnet::ike {
namespace {

using model::NotifyType;

// Of the handshake.
struct AuthPuzzle {
    crypto::Puzzle puzzle{};
    Bytes solution{};  // initiator
};

// §7.2.1: only of those who solved one in IKE_SA_INIT; where IKE_INTERMEDIATE needs the keys first, there is nothing to spare.
void offer(Context& context, wire::MessageBuilder& message) {
    const IkeSa& sa = context.sa;
    const auto* ppk = find_ppk_negotiation(context.sa);
    const bool intermediate = !sa.proposal->additional.empty() || (ppk != nullptr && ppk->mode == PpkMode::intermediate);
    if (sa.initiator || !context.sa.handshake().worked || intermediate) return;
    const EngineSettings& settings = context.core.settings;
    if (settings.puzzles != Puzzles::always && !context.core.admission.secrets_are_wasted(context.now)) return;
    const crypto::Puzzle puzzle{.prf = sa.proposal->prf,
                                .difficulty = static_cast<std::uint8_t>(settings.puzzle_difficulty_min)};
    context.sa.handshake().features.of<AuthPuzzle>().puzzle = puzzle;
    context.count(model::Counter::puzzle_sent);
    message.notify(NotifyType::puzzle, written(puzzle));
}

void accept(Context& context, const Received& response) {
    if (!context.sa.initiator) return;
    const wire::NotifyPayload* asked = response.message.notify(NotifyType::puzzle);
    const auto puzzle = asked == nullptr ? std::nullopt : parse_puzzle(asked->data);
    if (puzzle) context.sa.handshake().features.of<AuthPuzzle>().puzzle = *puzzle;
}

Result<Next> on_solved(Context& context, crypto::JobResult result) {
    crypto::SolvedPuzzle solved = TRY(result_of<crypto::SolvedPuzzle>(std::move(result)));
    context.sa.handshake().features.of<AuthPuzzle>().solution = std::move(solved.keys);
    return continue_handshake(context);
}

// §7.2.2: an initiator that knows puzzles must solve it.
std::optional<Result<Next>> next_exchange(Context& context) {
    const AuthPuzzle* asked = context.sa.handshake().features.find<AuthPuzzle>();
    if (asked == nullptr || !asked->solution.empty()) return std::nullopt;
    const crypto::Puzzle& puzzle = asked->puzzle;
    if (puzzle.difficulty > context.core.settings.puzzle_difficulty_accepted)
        return Result<Next>(end_sa(NotifyType::none, Errc::limit, "PUZZLE",
                                   fmt::format("the responder asks for a puzzle of {} bits, we solve {}", puzzle.difficulty,
                                               context.core.settings.puzzle_difficulty_accepted)));
    context.log(model::LogGroup::ike, 1,
                fmt::format("the peer is under load, solving its puzzle of {} bits for IKE_AUTH", puzzle.difficulty));
    return context.start(
        crypto::PuzzleJob{.puzzle = puzzle,
                          .octets = auth_puzzle_octets(context.sa.handshake().nonce_r, context.sa.spis.responder)},
        on_solved);
}

void auth_offer(Context& context, wire::MessageBuilder& message) {
    const AuthPuzzle* asked = context.sa.handshake().features.find<AuthPuzzle>();
    if (context.sa.initiator && asked != nullptr) message.outside(wire::PsPayload{asked->solution});
}

bool is_later_fragment(ByteView datagram) {
    constexpr std::size_t number_at = wire::header_size + wire::generic_header_size;
    return datagram.size() >= number_at + 2 &&
           static_cast<model::PayloadType>(datagram[wire::header_next_payload_at]) == model::PayloadType::skf &&
           (datagram[number_at] << 8 | datagram[number_at + 1]) != 1;
}

// §7.2.4: without the right solution a message is dropped in silence; the first fragment has it.
Worth worth_of_keys(Context& context, ByteView datagram) {
    const AuthPuzzle* asked = context.sa.handshake().features.find<AuthPuzzle>();
    if (asked == nullptr) return Worth::keys;
    const auto seen = wire::glance(datagram);
    if (!seen || seen->solution.empty()) return is_later_fragment(datagram) ? Worth::patience : Worth::nothing;
    const Bytes octets = auth_puzzle_octets(context.sa.handshake().nonce_r, context.sa.spis.responder);
    const auto bits = crypto::puzzle_bits(asked->puzzle.prf, octets, seen->solution);
    if (bits.value_or(0) < asked->puzzle.difficulty) return Worth::nothing;
    context.count(model::Counter::puzzle_solved);
    context.sa.handshake().features.forget<AuthPuzzle>();
    return Worth::keys;
}

}  // namespace

const Feature puzzles{.name = "puzzles",
                      .rfc = "RFC 8019",
                      .offer = offer,
                      .accept = accept,
                      .next_exchange = next_exchange,
                      .worth_of_keys = worth_of_keys,
                      .auth_offer = auth_offer};

}  // namespace cygnet::ike
