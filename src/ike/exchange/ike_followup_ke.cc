#include "ike/exchange/ike_followup_ke.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/exchange/create_child_sa.h"
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

Result<Next> send_followup(Context& context, crypto::JobResult result) {
    auto offer = result_of<crypto::KeOffer>(std::move(result));
    if (!offer) return give_up(context, offer.error().text());
    CreatingSa& exchange = creating(context);
    exchange.offer = std::move(*offer);
    wire::MessageBuilder builder;
    builder.add(wire::KePayload{.method = exchange.offer->method, .data = exchange.offer->public_value});
    builder.notify(NotifyType::additional_key_exchange, exchange.link);
    return context.request(ExchangeType::ike_followup_ke, builder);
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
    if (ke == nullptr || ke->method != exchange->offer->method)
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "KE payload",
                      "the answer's key exchange is not the agreed one");
    const auto* link = response.message.notify(NotifyType::additional_key_exchange);
    exchange->link = link != nullptr ? keep(link->data) : Bytes();
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
    context.sa.theirs = AnsweringNewSa{.made = std::move(series->made)};
    series.reset();
    context.sa.timer(Timer::followup_ke) = Instant::never();
    return context.start(crypto::KeAnswerJob{.method = ke->method, .peer_public = keep(ke->data)}, answer_made);
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
    // RFC 9370 §2.2.4: who lost a simultaneous rekey starts no IKE_FOLLOWUP_KE. The peer's rekey does what was asked for.
    if (lost_to_peer(context.sa, exchange.made)) {
        context.finish_command(std::exchange(exchange.command, std::nullopt), {});
        return give_up(context, "the peer rekeyed at the same time and won");
    }
    if (exchange.link.empty())
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "ADDITIONAL_KEY_EXCHANGE",
                      "the answer lacks the link to the next key exchange");
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
    FollowupSeries series{.made = std::move(made), .link = context.core.rng.bytes(link_octets)};
    builder.notify(NotifyType::additional_key_exchange, series.link);
    context.sa.followup_series = std::move(series);
    context.sa.timer(Timer::followup_ke) = context.now + model::limits::followup_ke_wait;
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
