#include "ike/key_transfer.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/key_exchange.h"
#include "ike/path_size.h"

namespace cygnet::ike {
namespace {

namespace limits = model::limits;
using model::Counter;
using model::LogGroup;

// Of a fragment: what is neither IP, UDP nor the inner payloads. Header, generic header, number and total, then at most so much
// for IV, padding and ICV.
constexpr std::size_t fragment_overhead = wire::header_size + wire::generic_header_size + 4 + 48;
constexpr std::size_t ke_overhead = wire::generic_header_size + 4 + 8;  // of the KE payload that holds a piece
constexpr std::size_t whole_datagram = 1280;  // where nothing may be fragmented, RFC 8200 §5

// What leaves in pieces with our present exchange.
template <class AnySa>
auto* outgoing(AnySa& sa) {
    using Box = std::conditional_t<std::is_const_v<AnySa>, const Boxed<OutgoingKey>, Boxed<OutgoingKey>>;
    Box* box = nullptr;
    if (auto* intermediate = sa.own.template find<InitiatingIntermediate>()) box = &intermediate->pieces;
    if (auto* creating = sa.own.template find<CreatingSa>()) box = &creating->pieces;
    return box != nullptr && *box ? &**box : nullptr;
}

std::size_t piece_octets(Context& context, const OutgoingKey& pieces) {
    if (context.sa.path.tcp()) return limits::key_piece_octets_tcp;
    const auto limit = request_limit(context);
    const std::size_t ip_octets = limit ? limit->ip_octets : whole_datagram;
    const std::size_t around = (limit ? limit->overhead : overhead_of(context, context.sa.path)) + fragment_overhead;
    if (ip_octets <= around) return limits::key_piece_octets_min;
    const std::size_t octets = (limit ? pieces.fragments() : 1) * (ip_octets - around);
    return std::clamp(octets - std::min(octets, ke_overhead), limits::key_piece_octets_min, limits::key_piece_octets_tcp);
}

double seconds_since(const Context& context, Instant begun) {
    return std::chrono::duration<double>(context.now - begun).count();
}

// RFC 8019 §4.1: who sends what we asked for, and not too slowly, gets the time for it.
void lengthen_patience(Context& context, const IncomingKey& pieces) {
    Instant& deadline = context.sa.timer(Timer::half_open);
    if (deadline == Instant::never()) return;
    deadline = next_piece_awaited_from(pieces, context.now) + limits::half_open_life;
}

std::string refusal_of(Counter counter) {
    switch (counter) {
        case Counter::key_piece_wrong_total: return "its total is not the size of such a value";
        case Counter::key_piece_gap: return "one before it is missing";
        case Counter::key_piece_overlap: return "it begins before the end of the one before it";
        case Counter::key_piece_beyond_end: return "it reaches beyond the total";
        case Counter::key_piece_too_short: return fmt::format("it has less than {} octets", limits::key_piece_octets_min);
        case Counter::large_key_no_room: return "too many large public values are on their way to us";
        default: return "it cannot be read";
    }
}

}  // namespace

Instant next_piece_awaited_from(const IncomingKey& pieces, Instant now) {
    const Duration earned = seconds(static_cast<Duration::rep>(pieces.octets() / limits::key_octets_per_second));
    return std::min(now, pieces.begun() + earned);
}

bool goes_in_pieces(model::Ke method) {
    const auto shape = crypto::shape_of(method);
    return shape && shape->initiator_size > limits::key_octets_in_one_payload;
}

OutgoingKey begin_pieces(Context& context, crypto::KeOffer& offer) {
    context.log(LogGroup::ike, 1,
                fmt::format("sending the public value of {} in pieces: {} octets", model::name_of(offer.method),
                            offer.public_value.size()));
    return {std::exchange(offer.public_value, {}), context.now};
}

void add_next_piece(Context& context, OutgoingKey& pieces, model::Ke method, wire::MessageBuilder& message) {
    const wire::KeyPiece piece = pieces.next(piece_octets(context, pieces));
    const Bytes data = wire::written(piece);
    message.add(wire::KePayload{.method = method, .data = data});
    pieces.sent(piece, context.now);
}

void note_piece_answered(Context& context) {
    if (OutgoingKey* pieces = outgoing(context.sa); pieces != nullptr && pieces->pieces() != 0) pieces->answered(context.now);
}

void note_pieces_sent(Context& context, const OutgoingKey& pieces, model::Ke method) {
    context.count(Counter::large_key_sent);
    context.log(LogGroup::ike, 1,
                fmt::format("sent the public value of {}: {} octets in {} pieces within {:.2f} s", model::name_of(method),
                            pieces.total(), pieces.pieces(), seconds_since(context, pieces.begun())));
}

bool pieces_get_through(const IkeSa& sa) {
    const OutgoingKey* pieces = outgoing(sa);
    return pieces != nullptr && pieces->any_answered();
}

std::optional<RetransmissionSchedule> piece_schedule(const Context& context, const std::optional<RetransmissionSchedule>& probing,
                                                     const RetransmissionSchedule& usual) {
    const OutgoingKey* pieces = outgoing(context.sa);
    if (pieces == nullptr || pieces->pieces() == 0) return std::nullopt;
    RetransmissionSchedule schedule{.first = std::min(pieces->patience(), usual.first), .factor = 2, .tries = usual.tries};
    // The responder computes when it has the last one.
    if (pieces->complete()) schedule.first = std::min(std::max(schedule.first, limits::key_piece_patience), usual.first);
    if (probing && !pieces->any_answered()) {
        schedule.tries = probing->tries;
        return schedule;
    }
    // Fragments of this size get through: as much patience as with other requests.
    const Duration patience = usual.without_retransmission().first;
    Duration waited = schedule.first;
    for (schedule.tries = 0; waited < patience; waited += schedule.wait_after(schedule.tries)) ++schedule.tries;
    return schedule;
}

std::optional<PieceFault> take_piece(Context& context, Boxed<IncomingKey>& pieces, const wire::KePayload& ke) {
    const auto fault = [&](Counter counter) {
        context.count(counter);
        return PieceFault{.notify = counter == Counter::large_key_no_room ? model::NotifyType::temporary_failure
                                                                          : model::NotifyType::invalid_syntax,
                          .what = fmt::format("a piece of the public value of {} is refused: {}", model::name_of(ke.method),
                                              refusal_of(counter))};
    };
    const auto piece = wire::parse<wire::KeyPiece>(ke.data);
    if (!piece) return fault(Counter::key_piece_malformed);
    if (!pieces) {
        const IkeSa& sa = context.sa;
        std::optional<model::IpAddress> stranger;
        if (sa.half_open()) stranger = Admission::prefix_of(sa.init_address);
        pieces = IncomingKey(ke.method, crypto::shape_of(ke.method)->initiator_size,
                             KeyRoom::Share(context.core.key_room, stranger), context.now);
        context.log(LogGroup::ike, 1,
                    fmt::format("the public value of {} comes in pieces: {} octets", model::name_of(ke.method), pieces->total()));
    }
    if (const auto refused = pieces->add(*piece)) return fault(*refused);
    if (context.sa.half_open()) lengthen_patience(context, *pieces);
    if (!pieces->complete()) return std::nullopt;
    context.count(Counter::large_key_received);
    context.log(LogGroup::ike, 1,
                fmt::format("received the public value of {}: {} octets in {} pieces within {:.2f} s", model::name_of(ke.method),
                            pieces->total(), pieces->pieces(), seconds_since(context, pieces->begun())));
    return std::nullopt;
}

}  // namespace cygnet::ike
