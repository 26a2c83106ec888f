#include "ike/exchange/ike_followup_ke.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/exchange/create_child_sa.h"
#include "ike/key_transfer.h"
#include "ike/rekey.h"

namespace cygnet::ike {
namespace {

using model::ExchangeType;
using model::NotifyType;
using model::PayloadType;

constexpr std::size_t link_octets = 16;

struct LostSeries {
    unsigned in_a_row = 0;
};

CreatingSa& creating(Context& context) { return context.sa.own.get<CreatingSa>(); }

// ---- our side -----------------------------------------------------------------------------------

// RFC 7296 §1.4.1: a Delete may be faster than the repeated answer that says what is deleted.
bool deleted_before_its_answer(const CreatingSa& exchange) {
    const auto* child = std::get_if<NewChild>(&exchange.made.what);
    return child != nullptr && std::ranges::find(exchange.deleted_by_peer, child->terms.spi_out) != exchange.deleted_by_peer.end();
}

Result<Next> finish_own(Context& context) {
    if (deleted_before_its_answer(creating(context))) return give_up(context, "the peer deleted the child before its answer came");
    CreatingSa exchange = std::move(creating(context));
    context.sa.own.reset();
    if (auto* lost = context.sa.features.find<LostSeries>()) lost->in_a_row = 0;
    const Result<> result = complete(context, std::move(exchange.made), MadeBy::us);
    if (!result) context.log(model::LogGroup::ike, 1, "CREATE_CHILD_SA failed: " + result.error().text());
    context.finish_command(exchange.command, result);
    return context.finish();
}

// RFC 9370 §2.2.4: who lost a simultaneous rekey starts no IKE_FOLLOWUP_KE. The peer's rekey does what was asked for.
Next yield_to_peer(Context& context) {
    context.finish_command(std::exchange(creating(context).command, std::nullopt), {});
    return give_up(context, "the peer rekeyed at the same time and won");
}

Result<Next> send_request(Context& context) {
    CreatingSa& exchange = creating(context);
    wire::MessageBuilder builder;
    if (exchange.pieces)
        add_next_piece(context, *exchange.pieces, exchange.offer->method, builder);
    else
        builder.add(wire::KePayload{.method = exchange.offer->method, .data = exchange.offer->public_value});
    builder.notify(NotifyType::additional_key_exchange, exchange.link);
    return context.request(ExchangeType::ike_followup_ke, builder);
}

Result<Next> send_followup(Context& context, crypto::JobResult result) {
    auto offer = result_of<crypto::KeOffer>(std::move(result));
    if (!offer) return give_up(context, offer.error().text());
    CreatingSa& exchange = creating(context);
    exchange.offer = std::move(*offer);
    if (goes_in_pieces(exchange.offer->method)) exchange.pieces = begin_pieces(context, *exchange.offer);
    return send_request(context);
}

Result<Next> secret_made(Context& context, crypto::JobResult result) {
    auto secret = result_of<SecretBytes>(std::move(result));
    if (!secret) return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "KE payload", secret.error().text());
    CreatingSa& exchange = creating(context);
    exchange.made.secrets.push_back(std::move(*secret));
    ++exchange.made.rounds_done;
    return continue_with_followups(context);
}

// RFC 9370 §2.2.4: the whole series has failed, and a peer that forgets again and again is broken.
Next series_lost(Context& context) {
    if (++context.sa.features.of<LostSeries>().in_a_row < model::limits::lost_followup_series)
        return retry_later(context, "the peer forgot the exchange (STATE_NOT_FOUND)");
    const Explanation why{.kind = "closed",
                          .what = fmt::format("the peer forgot {} exchanges in a row (STATE_NOT_FOUND)",
                                              model::limits::lost_followup_series),
                          .advice = "propose fewer additional key exchanges for what is rekeyed, or look why it is slow"};
    const Next next = give_up(context, why);
    context.enqueue(DeleteIkeTask{.why = why});
    return next;
}

std::unexpected<Error> lacks_link() {
    return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "ADDITIONAL_KEY_EXCHANGE",
                  "the answer lacks the link to the next key exchange");
}

// A piece of our public value has been answered, and it was not the last one.
Result<Next> send_next_piece(Context& context, bool early_answer) {
    if (early_answer) {
        context.count(model::Counter::key_piece_unexpected);
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "KE payload",
                      "it came before the last piece of our public value");
    }
    if (lost_to_peer(context.sa, creating(context).made)) return yield_to_peer(context);
    return creating(context).link.empty() ? lacks_link() : send_request(context);
}

Result<Next> handle_response(Context& context, Received response) {
    auto* exchange = context.sa.own.find<CreatingSa>();
    if (exchange == nullptr || !exchange->answered || !exchange->offer)
        return ignore(Errc::state, "IKE_FOLLOWUP_KE", "no such request is outstanding");
    if (const auto* error = response.message.error()) {
        if (error->message_type == NotifyType::state_not_found) return series_lost(context);
        if (error->message_type == NotifyType::temporary_failure)
            return retry_later(context, "the peer is busy (TEMPORARY_FAILURE)");
        return give_up(context, "the peer refused: " + model::name_of(error->message_type));
    }
    const auto* ke = response.message.find<wire::KePayload>();
    const auto* link = response.message.notify(NotifyType::additional_key_exchange);
    exchange->link = link != nullptr ? keep(link->data) : Bytes();
    if (exchange->pieces && !exchange->pieces->complete()) return send_next_piece(context, ke != nullptr);
    if (ke == nullptr || ke->method != exchange->offer->method)
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "KE payload",
                      "the answer's key exchange is not the agreed one");
    if (exchange->pieces) note_pieces_sent(context, *exchange->pieces, ke->method);
    exchange->pieces.reset();
    crypto::KeFinishJob job{.offer = std::move(*exchange->offer), .peer_public = keep(ke->data)};
    exchange->offer.reset();
    return context.start(std::move(job), secret_made);
}

// ---- the peer's side ----------------------------------------------------------------------------

Result<Next> answer_made(Context& context, crypto::JobResult result) {
    NewSa made = std::move(context.sa.theirs.get<AnsweringNewSa>().made);
    context.sa.theirs.reset();
    auto answer = result_of<crypto::KeAnswer>(std::move(result));
    if (!answer) {
        context.count(model::Counter::bad_ke_value);
        forget_peer_rekey(context.sa, made);
        return refuse(NotifyType::invalid_syntax, Errc::bad_value, "KE payload", answer.error().text());
    }
    wire::MessageBuilder builder;
    builder.add(wire::KePayload{.method = *made.next_additional(), .data = answer->public_value});
    made.secrets.push_back(std::move(answer->shared_secret));
    ++made.rounds_done;
    return answer_or_await_followup(context, std::move(made), builder, ExchangeType::ike_followup_ke);
}

// The peer's next IKE_FOLLOWUP_KE is awaited, with a new link.
void await_followup(Context& context, wire::MessageBuilder& builder) {
    FollowupSeries& series = *context.sa.followup_series;
    series.link = context.core.rng.bytes(link_octets);
    builder.notify(NotifyType::additional_key_exchange, series.link);
    const Instant from = series.pieces ? next_piece_awaited_from(*series.pieces, context.now) : context.now;
    context.sa.timer(Timer::followup_ke) = from + model::limits::followup_ke_wait;
}

// The request brings a piece of the peer's public value; true with the last one.
Result<bool> take_peer_piece(Context& context, const wire::KePayload& ke) {
    Boxed<IncomingKey>& pieces = context.sa.followup_series->pieces;
    if (auto fault = take_piece(context, pieces, ke)) {
        drop_followup_series(context);
        return refuse(fault->notify, Errc::bad_value, "KE payload", std::move(fault->what));
    }
    return pieces->complete();
}

Result<Next> acknowledge_piece(Context& context) {
    wire::MessageBuilder builder;
    await_followup(context, builder);
    return context.respond(ExchangeType::ike_followup_ke, builder);
}

Result<Next> handle_request(Context& context, Received request) {
    Boxed<FollowupSeries>& series = context.sa.followup_series;
    const auto* link = request.message.notify(NotifyType::additional_key_exchange);
    if (!series || link == nullptr || !equal(link->data, series->link)) {
        context.count(model::Counter::state_not_found);
        return refuse(NotifyType::state_not_found, Errc::state, "IKE_FOLLOWUP_KE",
                      "it belongs to no exchange that we remember");
    }
    const auto* ke = request.message.find<wire::KePayload>();
    if (ke->method != *series->made.next_additional()) {
        drop_followup_series(context);
        context.count(model::Counter::round_refused);
        return refuse(NotifyType::invalid_syntax, Errc::bad_value, "KE payload",
                      "the key exchange method is not the next agreed one");
    }
    Bytes peer_public;
    if (goes_in_pieces(ke->method)) {
        if (!TRY(take_peer_piece(context, *ke))) return acknowledge_piece(context);
        peer_public = series->pieces->take();
    } else {
        peer_public = keep(ke->data);
    }
    context.sa.theirs = AnsweringNewSa{.made = std::move(series->made), .pieces = std::move(series->pieces)};
    series.reset();
    context.sa.timer(Timer::followup_ke) = Instant::never();
    return context.start(crypto::KeAnswerJob{.method = ke->method, .peer_public = std::move(peer_public)}, answer_made);
}

constexpr ExchangeRow rows[] = {
    {.story = "the peer's next additional key exchange",
     .exchange = ExchangeType::ike_followup_ke,
     .direction = Direction::request,
     .phase = Phase::established,
     .required = {PayloadType::ke},
     .optional = {PayloadType::notify},
     .handle = handle_request},
    {.story = "the answer to our additional key exchange",
     .exchange = ExchangeType::ike_followup_ke,
     .direction = Direction::response,
     .phase = Phase::established,
     .optional = {PayloadType::ke, PayloadType::notify},
     .handle = handle_response},
};
static_assert(well_formed(rows));

}  // namespace

Result<Next> continue_with_followups(Context& context) {
    CreatingSa& exchange = creating(context);
    const auto method = exchange.made.next_additional();
    if (!method) return finish_own(context);
    if (lost_to_peer(context.sa, exchange.made)) return yield_to_peer(context);
    if (exchange.link.empty()) return lacks_link();
    return context.start(crypto::KeOfferJob{*method}, send_followup);
}

Result<Next> answer_or_await_followup(Context& context, NewSa made, wire::MessageBuilder& builder,
                                      model::ExchangeType exchange) {
    if (!made.next_additional()) {
        // The data plane takes packets of the new SA before the peer can learn that it exists.
        TRY(complete(context, std::move(made), MadeBy::peer));
        return context.respond(exchange, builder);
    }
    note_peer_rekey(context.sa, made);
    context.sa.followup_series = FollowupSeries{.made = std::move(made)};
    await_followup(context, builder);
    if (lost_to_us(context.sa, context.sa.followup_series->made)) drop_followup_series(context);
    return context.respond(exchange, builder);
}

void drop_followup_series(Context& context) {
    IkeSa& sa = context.sa;
    sa.timer(Timer::followup_ke) = Instant::never();
    if (!sa.followup_series) return;
    forget_peer_rekey(sa, sa.followup_series->made);
    sa.followup_series.reset();
}

std::span<const ExchangeRow> ike_followup_ke_rows() { return rows; }

}  // namespace cygnet::ike
