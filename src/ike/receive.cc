#include "ike/receive.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crypto/prf.h"
#include "ike/dispatch.h"
#include "ike/exchange/first_keys.h"
#include "ike/exchange/ike_sa_init.h"
#include "ike/exchange/ike_session_resume.h"
#include "ike/feature/feature.h"
#include "ike/puzzle.h"
#include "ike/rekey.h"
#include "ike/stream.h"
#include "ike/trace.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::ExchangeType;
using model::LogGroup;
using model::NotifyType;

// One datagram within one step.
struct Arrival {
    Core& core;
    const Datagram& datagram;
    Instant now;
    Effects& effects;

    void drop(Counter counter, std::string why) const {
        core.counters.add(counter);
        if (datagram.path.tcp()) note_bad_message(core, datagram.path.stream, effects);
        if (counter != Counter::invalid_spi) core.counters.add(Counter::invalid);  // strongSwan's sum of all but that
        effects.push_back(
            Report{model::LogLine{.group = LogGroup::net,
                                  .level = 1,
                                  .message = fmt::format("dropped {} octets from {}: {}", datagram.bytes.size(),
                                                         datagram.path.remote.text(), why)}});
    }
    Context context(IkeSa& sa) const {
        core.touch(sa.id);
        return {.core = core, .sa = sa, .now = now, .effects = effects, .slot = Slot::theirs};
    }
};

// Nobody is made to flood another.
void send_unprotected(const Arrival& arrival, wire::Header header, wire::MessageBuilder& message) {
    header.response = true;
    header.initiator = !header.initiator;
    header.major_version = 2;
    header.minor_version = 0;
    Bytes answer = message.finish(header);
    if (answer.size() > arrival.datagram.bytes.size()) return;
    arrival.effects.push_back(Send{.path = arrival.datagram.path, .datagram = std::move(answer)});
}

// Unprotected, so it changes nothing here, must change nothing there, and is limited (RFC 7296 §2.21.4, §2.5).
void answer_stranger(const Arrival& arrival, const wire::Header& header, NotifyType type, ByteView data = {}) {
    if (header.response || !arrival.core.may_reply_to_stranger(arrival.now)) return;
    wire::MessageBuilder message;
    message.notify(type, data);
    send_unprotected(arrival, header, message);
}

// RFC 7296 §1.5: an SA that we do not have. What an extension can say for sure is not part of what strangers share.
void answer_unknown_sa(const Arrival& arrival, const wire::Header& header) {
    if (header.response) return;
    wire::MessageBuilder message;
    message.notify(NotifyType::invalid_ike_spi);
    const std::size_t bare = message.size();
    const UnknownSa unknown{.header = header, .octets = arrival.datagram.bytes.size(), .now = arrival.now};
    run_hooks(&Feature::unknown_sa, arrival.core, unknown, message);
    if (message.size() == bare && !arrival.core.may_reply_to_stranger(arrival.now)) return;
    send_unprotected(arrival, header, message);
}

Received received_in_clear(const Arrival& arrival, Result<>& parsed) {
    Received received;
    received.octets = keep(arrival.datagram.bytes);
    received.path = arrival.datagram.path;
    auto message = wire::parse_message(received.octets);
    if (message)
        received.message = std::move(*message);
    else
        parsed = fail(message.error());
    return received;
}

// ---- IKE_SA_INIT and IKE_SESSION_RESUME -------------------------------------------------------------

// RFC 7296 §2.1: the same request again gets the same answer again; true if this is one.
bool repeat_init_answer(const Arrival& arrival, const wire::Header& header) {
    Core& core = arrival.core;
    IkeSa* sa = core.made_by_first_request(header.spi_i, arrival.datagram.path.remote.address);
    if (sa == nullptr) return false;
    const bool half_open = !sa->closed && sa->half_open();
    if (half_open && sa->handshake().init_digest != crypto::sha2_256({arrival.datagram.bytes})) return false;
    core.counters.add(Counter::duplicate_request);
    if (!half_open || sa->window.classify_request(0) != Window::Verdict::repeated)
        return true;
    if (++sa->handshake().answer_repeats > model::limits::first_answer_repeats) return true;
    Context context = arrival.context(*sa);
    const SentMessage& response = sa->window.answered(0).response;
    trace_repeated(context, response);
    context.send(response, arrival.datagram.path);
    return true;
}

constexpr std::size_t notify_fields = 4;

void write_notification(Writer& writer, NotifyType type, ByteView data, model::PayloadType next) {
    writer.u8(static_cast<std::uint8_t>(next));
    writer.u8(0);
    writer.u16(static_cast<std::uint16_t>(wire::generic_header_size + notify_fields + data.size()));
    wire::write(writer, wire::NotifyPayload{
                            .protocol = model::Protocol::none, .message_type = type, .spi = {}, .data = data});
}

// RFC 7296 §2.6, RFC 8019 §7.1.1: the answer to who must return a cookie first, or solve a puzzle about it. One allocation:
// this is what a flood gets.
void demand_cookie(const Arrival& arrival, wire::Header header, ByteView cookie, const crypto::Puzzle& puzzle) {
    constexpr std::size_t fixed = wire::generic_header_size + notify_fields;
    header.spi_r = 0;
    header.initiator = false;
    header.response = true;
    header.next_payload = model::PayloadType::notify;
    header.length = static_cast<std::uint32_t>(wire::header_size + fixed + cookie.size() +
                                               (puzzle ? fixed + puzzle_octets : 0));
    if (header.length > arrival.datagram.bytes.size()) return;
    Bytes answer;
    answer.reserve(header.length);
    Writer writer(answer);
    wire::write(writer, header);
    write_notification(writer, NotifyType::cookie, cookie, puzzle ? model::PayloadType::notify : model::PayloadType::none);
    if (puzzle) write_notification(writer, NotifyType::puzzle, written(puzzle), model::PayloadType::none);
    arrival.core.counters.add(Counter::ike_init_out_resp);
    arrival.effects.push_back(Send{.path = arrival.datagram.path, .datagram = std::move(answer)});
}

// RFC 8019 §7.1.4: whether the cookie came back with enough work. A solution is good for one half-open SA.
bool has_worked(const Arrival& arrival, const wire::Header& header, const wire::Glance& seen, const crypto::Puzzle& puzzle) {
    if (!puzzle || seen.solution.empty()) return false;
    const bool solved = crypto::puzzle_bits(puzzle.prf, seen.cookie, seen.solution).value_or(0) >= puzzle.difficulty &&
                        arrival.core.made_by_first_request(header.spi_i, arrival.datagram.path.remote.address) == nullptr;
    arrival.core.counters.add(solved ? Counter::puzzle_solved : Counter::puzzle_wrong);
    return solved;
}

// What the sender of a first request has shown; nothing when it has been asked to show more, or may be ignored.
std::optional<Standing> standing_of(const Arrival& arrival, const wire::Header& header) {
    Core& core = arrival.core;
    const model::Endpoint& remote = arrival.datagram.path.remote;
    // RFC 9329 §6.3: whoever opened a TCP stream has shown that it receives at its address.
    if (arrival.datagram.path.tcp()) return Standing::proven;
    const Admission::Demand demand = core.admission.demand(arrival.now, remote.address);
    const auto seen = wire::glance(arrival.datagram.bytes);
    if (!demand.cookie && (!seen || seen->cookie.empty())) return Standing::unproven;
    if (!seen || seen->nonce.empty()) {
        core.counters.add(Counter::malformed_payload);
        core.counters.add(Counter::invalid);
        return std::nullopt;
    }
    if (const auto returned = core.cookies.accepts(seen->cookie, header.spi_i, seen->nonce, remote)) {
        if (has_worked(arrival, header, *seen, *returned)) return Standing::worked;
        if (demand.puzzle_difficulty == 0) return Standing::proven;
        // RFC 8019 §7.1: those who cannot solve puzzles have their chance, but only with a cookie.
        if (core.rng.below(model::limits::puzzle_legacy_share) == 0) return Standing::proven;
    } else if (!demand.cookie) {
        return Standing::unproven;
    } else if (!seen->cookie.empty()) {
        core.counters.add(Counter::cookie_wrong);
    }
    crypto::Puzzle puzzle;
    if (demand.puzzle_difficulty != 0) puzzle.prf = puzzle_prf(seen->proposals);
    if (puzzle.prf != model::Prf::none) puzzle.difficulty = static_cast<std::uint8_t>(demand.puzzle_difficulty);
    core.counters.add(Counter::ike_init_in_req);
    core.counters.add(puzzle ? Counter::puzzle_sent : Counter::cookie_sent);
    demand_cookie(arrival, header, core.cookies.mint(arrival.now, header.spi_i, seen->nonce, remote, puzzle), puzzle);
    return std::nullopt;
}

void receive_first_request(const Arrival& arrival, const wire::Header& header) {
    if (header.spi_i == 0 || !header.initiator || header.message_id != 0)
        return arrival.drop(Counter::malformed_header, "a first request with a wrong SPI, flag or message ID");
    if (repeat_init_answer(arrival, header)) return;
    if (!stream_is_free(arrival.core, arrival.datagram.path))
        return arrival.drop(Counter::tcp_stream_refused, "another IKE_SA uses this TCP stream");
    const std::optional<Standing> standing = standing_of(arrival, header);
    if (!standing) return;
    Result<> parsed;
    Received request = received_in_clear(arrival, parsed);
    if (!parsed) return arrival.drop(Counter::malformed_payload, parsed.error().text());
    if (const auto* critical = request.message.unsupported_critical()) {
        const Bytes type{static_cast<std::uint8_t>(critical->type)};
        answer_stranger(arrival, header, NotifyType::unsupported_critical_payload, type);
        return arrival.drop(Counter::unknown_critical_payload, "a critical payload is unknown");
    }
    if (header.exchange == ExchangeType::ike_session_resume)
        return receive_ike_session_resume_request(arrival.core, request, *standing, arrival.now, arrival.effects);
    receive_ike_sa_init_request(arrival.core, request, *standing, arrival.now, arrival.effects);
}

void receive_first_response(const Arrival& arrival, IkeSa& sa, const wire::Header& header) {
    if (sa.phase() != Phase::connecting || !header.response || !sa.window.awaits_response(header.message_id))
        return arrival.drop(Counter::unexpected_message_id, "a first response that nobody waits for");
    Result<> parsed;
    Received response = received_in_clear(arrival, parsed);
    if (!parsed) return arrival.drop(Counter::malformed_payload, parsed.error().text());
    Context context = arrival.context(sa);
    trace_received(context, response.message, response.octets.size());
    dispatch(context, std::move(response));
}

// ---- protected messages ---------------------------------------------------------------------------

// RFC 7383 §2.6.1: of a repeated request in fragments, the first one alone brings the answer back.
bool later_fragment(ByteView datagram) {
    constexpr std::size_t number_at = wire::header_size + wire::generic_header_size;
    if (datagram.size() < number_at + 2) return false;
    if (static_cast<model::PayloadType>(datagram[wire::header_next_payload_at]) != model::PayloadType::skf)
        return false;
    return (datagram[number_at] << 8 | datagram[number_at + 1]) != 1;
}

// The answer goes out again for the identical datagram, or for one that is authentic: a peer may have cut its request into
// smaller fragments (RFC 7383 §2.5.2). A stranger who saw our SPIs gets nothing.
bool repeats_request(const Arrival& arrival, IkeSa& sa, const RequestDigest& answered) {
    if (later_fragment(arrival.datagram.bytes)) return false;
    if (crypto::sha2_256({arrival.datagram.bytes}) == answered) return true;
    wire::Reassembly unused;
    const Protection& keys = keys_of_last_answer(sa);
    return keys.open(arrival.datagram.bytes, sa.accepts_fragments ? &unused : nullptr).has_value();
}

// RFC 7296 §2.3: only what is authentic is worth a word.
void note_request_beyond_window(const Arrival& arrival, IkeSa& sa, std::uint32_t message_id) {
    wire::Reassembly unused;
    if (!sa.established() || !sa.protection->open(arrival.datagram.bytes, sa.accepts_fragments ? &unused : nullptr))
        return;
    Context context = arrival.context(sa);
    run_hooks(&Feature::beyond_window, context, message_id);
}

bool passes_window(const Arrival& arrival, IkeSa& sa, const wire::Header& header) {
    if (header.response) {
        if (sa.window.awaits_response(header.message_id) && header.exchange == sa.own_exchange) return true;
        arrival.drop(Counter::unexpected_message_id, fmt::format("response {} is not awaited", header.message_id));
        return false;
    }
    switch (sa.window.classify_request(header.message_id)) {
        case Window::Verdict::fresh: return true;
        case Window::Verdict::processing: arrival.core.counters.add(Counter::duplicate_request); return false;
        case Window::Verdict::early:
            if (!sa.arriving || !sa.arriving->early.contains(header.message_id)) return true;
            arrival.core.counters.add(Counter::duplicate_request);
            return false;
        case Window::Verdict::repeated: break;
        case Window::Verdict::ahead: note_request_beyond_window(arrival, sa, header.message_id); [[fallthrough]];
        case Window::Verdict::outdated:
            arrival.drop(Counter::unexpected_message_id,
                         fmt::format("request {} is outside the window", header.message_id));
            return false;
    }
    arrival.core.counters.add(Counter::duplicate_request);
    const Window::Answered& answered = sa.window.answered(header.message_id);
    if (!repeats_request(arrival, sa, answered.request)) return false;
    Context context = arrival.context(sa);
    // RFC 7383 §2.5.2: the latest answer may have been too large for the path.
    if (header.message_id + 1 == sa.window.expected_request())
        fit_last_answer(context, arrival.datagram.bytes, arrival.datagram.path);
    trace_repeated(context, answered.response);
    context.send(answered.response, arrival.datagram.path);
    return false;
}

// RFC 8019 §4.6: whoever sends garbage to a half-open SA uses up its patience.
void note_forgery(const Arrival& arrival, IkeSa& sa, const Error& error) {
    const Counter counter = error.code == Errc::integrity ? Counter::integrity_failed
                            : error.code == Errc::state   ? Counter::fragment_refused
                                                          : Counter::malformed_payload;
    arrival.drop(counter, error.text());
    if (error.code != Errc::integrity || !sa.half_open() || sa.initiator) return;
    if (sa.handshake().forged_messages == 0) arrival.core.admission.note_wasted_secret(arrival.now);
    if (++sa.handshake().forged_messages <= model::limits::forged_messages_per_half_open) return;
    Context context = arrival.context(sa);
    context.count(Counter::limit_reached);
    context.close("too many messages that cannot be decrypted");
}

// RFC 7296 §2.23: an authentic message from another address or port: the peer's NAT has a new mapping. The half-open
// responder follows in any case: the initiator moves to the NAT-T port. A change between UDP and TCP is MOBIKE's.
void follow_peer(Context& context, const model::Path& from, bool request) {
    IkeSa& sa = context.sa;
    if (request) sa.answer_by(from);
    if (from.tcp() || (sa.half_open() && !sa.initiator)) return follow_stream(context, from);
    if (sa.established() && sa.dynamic_update && !sa.path.tcp() && sa.nat_remote && !sa.nat_local && from.remote != sa.path.remote)
        context.move_peer(from.remote);
}

void receive_authentic(const Arrival& arrival, IkeSa& sa, const wire::Header& header, const Incoming& incoming,
                       wire::Reassembled whole) {
    Context context = arrival.context(sa);
    sa.timer(Timer::reassembly) = Instant::never();
    sa.last_received = arrival.now;
    // Whoever has the keys has done its share of the work: it gets the time to prove itself.
    if (sa.half_open() && sa.timer(Timer::half_open) != Instant::never() && header.message_id == 1)
        sa.timer(Timer::half_open) = arrival.now + model::limits::half_open_life;
    follow_peer(context, arrival.datagram.path, !header.response);
    peer_is_ready(context.core, sa);
    if (header.response) note_answered(context);
    else sa.peer_fragment_octets =
        incoming.datagrams > 1 ? incoming.largest + overhead_of(context, arrival.datagram.path) : 0;
    Received received;
    received.octets = std::move(whole.chain.octets);
    received.aad = std::move(whole.aad);
    received.digest = incoming.digest;
    received.path = arrival.datagram.path;
    received.message.header = header;
    auto payloads = wire::parse_payloads(whole.chain.first, received.octets);
    context.slot = header.response ? Slot::own : Slot::theirs;
    if (payloads) received.message.payloads = std::move(*payloads);
    const bool nested =
        received.message.find<wire::SkPayload>() != nullptr || received.message.find<wire::SkfPayload>() != nullptr;
    const bool early = !header.response && header.message_id != sa.window.expected_request();
    if (!payloads || nested) {
        context.count(Counter::malformed_payload);
        if (!header.response && !early) {
            sa.peer_exchange = header.exchange;
            sa.window.begin_request(received.digest);
        }
        return conclude(context, end_sa(NotifyType::invalid_syntax, Errc::bad_value, "message",
                                        nested ? "SK inside SK" : payloads.error().text()));
    }
    trace_received(context, received.message, incoming.octets, incoming.datagrams);
    if (header.response) run_hooks(&Feature::answer_came, context, received.path);
    if (early)
        sa.arriving.made().early.emplace(header.message_id, std::move(received));
    else
        dispatch(context, std::move(received));
}

bool is_protected(ByteView datagram) {
    const auto first = static_cast<model::PayloadType>(datagram[wire::header_next_payload_at]);
    return first == model::PayloadType::sk || first == model::PayloadType::skf;
}

// RFC 8019 §7.2.2: a puzzle's solution may come before SK. What cannot be read that far is left to the integrity check.
bool is_sealed(ByteView datagram) {
    const auto seen = wire::glance(datagram);
    return !seen || seen->sealed;
}

void receive_unprotected(const Arrival& arrival, IkeSa& sa) {
    const auto message = wire::parse_message(arrival.datagram.bytes);
    if (!message) return arrival.drop(Counter::malformed_payload, message.error().text());
    Context context = arrival.context(sa);
    for (const Feature* feature : all_features())
        if (feature->unprotected != nullptr && feature->unprotected(context, *message)) return;
    arrival.drop(Counter::unprotected_message, "an unprotected message of an IKE SA that has keys");
}

// RFC 6311 §5.1: such a message is outside every window on purpose, and never in fragments.
bool taken_with_message_id_zero(const Arrival& arrival, IkeSa& sa, const wire::Header& header) {
    if (header.message_id != 0 || header.exchange != ExchangeType::informational || !sa.established()) return false;
    auto opened = sa.protection->open(arrival.datagram.bytes, nullptr);
    if (!opened || !*opened) return false;
    auto payloads = wire::parse_payloads((*opened)->chain.first, (*opened)->chain.octets);
    if (!payloads) return false;
    const wire::Message message{.header = header, .payloads = std::move(*payloads)};
    Context context = arrival.context(sa);
    for (const Feature* feature : all_features()) {
        if (feature->message_id_zero == nullptr || !feature->message_id_zero(context, message)) continue;
        trace_received(context, message, arrival.datagram.bytes.size());
        sa.last_received = arrival.now;
        return true;
    }
    return false;
}

// Only what may be the initiator's second message is worth the shared secret.
void receive_before_keys(const Arrival& arrival, IkeSa& sa, const wire::Header& header) {
    const bool next_exchange =
        header.exchange == ExchangeType::ike_auth || header.exchange == ExchangeType::ike_intermediate;
    const auto seen = wire::glance(arrival.datagram.bytes);
    if (seen && !seen->sealed)
        return arrival.drop(Counter::unprotected_message, "an unprotected message where IKE_AUTH is awaited");
    if (sa.initiator || header.response || !next_exchange || !seen || !seen->sealed || sa.window.expected_request() == 0)
        return arrival.drop(Counter::unexpected_exchange, "a protected message, but there are no keys yet");
    if (header.message_id != sa.window.expected_request())
        return arrival.drop(Counter::unexpected_message_id, fmt::format("request {} has no place", header.message_id));
    Context context = arrival.context(sa);
    const Worth worth = worth_of_keys(context, arrival.datagram.bytes);
    if (worth == Worth::nothing)
        return arrival.drop(Counter::puzzle_wrong, "the puzzle of our IKE_SA_INIT answer is not solved");
    if (await_first_keys(context, arrival.datagram, worth)) return;
    arrival.drop(Counter::limit_reached, "too many messages wait for the first keys");
}

// The fragments of this message that came before, which a complete message leaves behind.
Incoming take_incomplete(IkeSa& sa, const wire::Header& header) {
    if (!sa.arriving) return {};
    auto found = sa.arriving->incomplete.extract({header.response, header.message_id});
    return found ? std::move(found.mapped()) : Incoming{};
}

void keep_incomplete(IkeSa& sa, const wire::Header& header, Incoming incoming) {
    sa.arriving.made().incomplete.emplace(std::pair{header.response, header.message_id}, std::move(incoming));
}

void receive_protected(const Arrival& arrival, IkeSa& sa, const wire::Header& header) {
    if (!sa.protection) return receive_before_keys(arrival, sa, header);
    if (sa.established() && !is_protected(arrival.datagram.bytes)) return receive_unprotected(arrival, sa);
    if (sa.half_open() && !is_protected(arrival.datagram.bytes) && !is_sealed(arrival.datagram.bytes))
        return arrival.drop(Counter::unprotected_message, "an unprotected message where IKE_AUTH is awaited");
    if (taken_with_message_id_zero(arrival, sa, header) || !passes_window(arrival, sa, header)) return;
    Incoming incoming = take_incomplete(sa, header);
    auto opened = sa.protection->open(arrival.datagram.bytes, sa.accepts_fragments ? &incoming.fragments : nullptr);
    if (!opened) {
        if (incoming.datagrams != 0) keep_incomplete(sa, header, std::move(incoming));
        return note_forgery(arrival, sa, opened.error());
    }
    incoming.octets += arrival.datagram.bytes.size();
    ++incoming.datagrams;
    incoming.largest = std::max(incoming.largest, arrival.datagram.bytes.size());
    if (!header.response && !later_fragment(arrival.datagram.bytes))
        incoming.digest = crypto::sha2_256({arrival.datagram.bytes});
    if (*opened) return receive_authentic(arrival, sa, header, incoming, std::move(**opened));
    keep_incomplete(sa, header, std::move(incoming));
    arrival.core.touch(sa.id);
    if (sa.timer(Timer::reassembly) == Instant::never())
        sa.timer(Timer::reassembly) = arrival.now + model::limits::half_open_life;
}

}  // namespace

void receive_datagram(Core& core, const Datagram& datagram, Instant now, Effects& effects) {
    const Arrival arrival{core, datagram, now, effects};
    const auto header = wire::parse_header(datagram.bytes);
    if (!header) return arrival.drop(Counter::malformed_header, header.error().text());
    if (header->major_version != 2) {
        if (header->major_version > 2) answer_stranger(arrival, *header, NotifyType::invalid_major_version);
        return arrival.drop(Counter::wrong_major_version,
                            fmt::format("IKE version {}.{}", header->major_version, header->minor_version));
    }
    const bool init =
        header->exchange == ExchangeType::ike_sa_init || header->exchange == ExchangeType::ike_session_resume;
    if (init && !header->response && header->spi_r == 0) return receive_first_request(arrival, *header);
    IkeSa* sa = core.find_sa_by_own_spi(header->initiator ? header->spi_r : header->spi_i);
    if (sa == nullptr || sa->closed) {
        if (!init) answer_unknown_sa(arrival, *header);
        return arrival.drop(Counter::invalid_spi,
                            fmt::format("no IKE_SA with SPIs {:016x}_i {:016x}_r", header->spi_i, header->spi_r));
    }
    if (stream_is_foreign(core, *sa, datagram.path))
        return arrival.drop(Counter::tcp_stream_refused, "the TCP stream belongs to another IKE_SA");
    // Our own messages, reflected, carry our role.
    const std::uint64_t peer_spi = header->initiator ? header->spi_i : header->spi_r;
    const bool peer_known = sa->peer_spi() != 0;
    if (header->initiator == sa->initiator || (peer_known && peer_spi != sa->peer_spi()))
        return arrival.drop(Counter::invalid_spi, "role or SPI is not the peer's");
    if (init) return receive_first_response(arrival, *sa, *header);
    receive_protected(arrival, *sa, *header);
}

}  // namespace cygnet::ike
