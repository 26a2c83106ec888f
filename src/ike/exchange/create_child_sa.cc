#include "ike/exchange/create_child_sa.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/reader.h"
#include "ike/exchange/child_offer.h"
#include "ike/exchange/create_child_ppk.h"
#include "ike/exchange/ike_followup_ke.h"
#include "ike/explain.h"
#include "ike/feature/cloning.h"
#include "ike/feature/feature.h"
#include "ike/match.h"
#include "ike/overlap.h"
#include "ike/private_numbers.h"
#include "ike/rekey.h"
#include "ike/resources.h"
#include "ike/unwanted.h"

namespace cygnet::ike {
namespace {

using model::ExchangeType;
using model::NotifyType;
using model::PayloadType;

Bytes fresh_nonce(Context& context) { return context.core.rng.bytes(model::limits::nonce_octets); }

template <class T>
Bytes network_order(T value) {
    Bytes octets;
    Writer(octets).integer(value);
    return octets;
}

// The method of the first proposal's KE payload; none: no key exchange.
model::Ke first_method(std::span<const model::Proposal> proposals) {
    if (proposals.empty()) return model::Ke::none;
    const auto methods = proposals.front().of_type(model::TransformType::ke);
    return methods.empty() ? model::Ke::none : static_cast<model::Ke>(methods.front().id);
}

bool offers_method(std::span<const model::Proposal> proposals, model::Ke method) {
    return std::ranges::any_of(proposals, [&](const model::Proposal& proposal) {
        const auto methods = proposal.of_type(model::TransformType::ke);
        return std::ranges::find(methods, static_cast<std::uint16_t>(method), &model::Transform::id) != methods.end();
    });
}

CreatingSa& creating(Context& context) { return context.sa.own.get<CreatingSa>(); }

// ---- our request --------------------------------------------------------------------------------

Result<Next> send_request(Context& context) {
    CreatingSa& exchange = creating(context);
    wire::MessageBuilder builder;
    if (const auto* child = std::get_if<NewChild>(&exchange.made.what); child != nullptr && child->replaces) {
        const auto old = context.sa.children.find(*child->replaces);
        if (old == context.sa.children.end()) return give_up(context, "the child to rekey is gone");
        // RFC 7296 §1.3.3: the SPI that the sender would expect in inbound packets.
        builder.add(wire::NotifyPayload{.protocol = old->second.protocol(),
                                        .message_type = NotifyType::rekey_sa,
                                        .spi = network_order(old->second.spi_in),
                                        .data = {}});
    }
    if (!exchange.made.makes_ike_sa()) add_notices(builder, exchange.notices);
    if (exchange.made.clones_ike_sa()) builder.notify(NotifyType::clone_ike_sa);
    builder.add(wire::SaPayload{exchange.offered});
    builder.add(wire::NoncePayload{exchange.made.nonce_i});
    if (exchange.offer)
        builder.add(wire::KePayload{.method = exchange.offer->method, .data = exchange.offer->public_value});
    if (!exchange.made.makes_ike_sa()) {
        builder.add(wire::TsiPayload::of(exchange.offered_selectors.local));
        builder.add(wire::TsrPayload::of(exchange.offered_selectors.remote));
    }
    add_ppk_offers(context.sa, exchange, builder);
    return context.request(ExchangeType::create_child_sa, builder);
}

Result<Next> offer_made(Context& context, crypto::JobResult result) {
    auto offer = result_of<crypto::KeOffer>(std::move(result));
    if (!offer) return give_up(context, offer.error().text());
    creating(context).offer = std::move(*offer);
    return send_request(context);
}

// A group that the peer took for the IKE SA needs no second try.
model::Ke method_to_offer(const IkeSa& sa, const CreatingSa& exchange) {
    if (exchange.made.makes_ike_sa() && offers_method(exchange.offered, sa.proposal->ke)) return sa.proposal->ke;
    return first_method(exchange.offered);
}

Result<Next> make_offer(Context& context) {
    const model::Ke method = method_to_offer(context.sa, creating(context));
    if (method == model::Ke::none) return send_request(context);
    return context.start(crypto::KeOfferJob{method}, offer_made);
}

Result<Next> ppks_gathered(Context& context, crypto::JobResult result) {
    creating(context).ppks = gathered_ppks(context, std::move(result));
    if (creating(context).ppks.empty() && demands_ppk(context.sa)) return give_up(context, why_ppk_missing(context.sa));
    return make_offer(context);
}

Result<Next> begin_exchange(Context& context, CreatingSa exchange) {
    if (exchange.offered.empty()) {
        context.finish_command(exchange.command, fail(Errc::unsupported, "proposals",
                                                      "this build supports none of the configured proposals"));
        return context.finish();
    }
    context.sa.own = std::move(exchange);
    return offers_ppks(context.sa) ? gather_ppks(context, ppks_gathered) : make_offer(context);
}

Next nothing_to_do(Context& context, const std::optional<CommandId>& command, std::string reason) {
    context.finish_command(command, fail(Errc::not_found, "SA", std::move(reason)));
    return context.finish();
}

// An SA that was rekeyed makes nothing new: its heir does.
template <class OneTask>
bool leave_to_heir(Context& context, const OneTask& task) {
    IkeSa* heir = context.sa.replaced_by ? context.core.find_sa(*context.sa.replaced_by) : nullptr;
    if (heir == nullptr) return false;
    context.of(*heir).enqueue(task);
    return true;
}

CreatingSa new_child_exchange(Context& context, std::string name, std::optional<model::ChildId> replaces) {
    NewChild child{.name = std::move(name), .replaces = replaces, .spi_in = ReservedSpi(context.core)};
    return {.made = {.what = std::move(child), .nonce_i = fresh_nonce(context)}};
}

// ---- the peer's answer --------------------------------------------------------------------------

Result<Next> shared_secret_made(Context& context, crypto::JobResult result) {
    auto secret = result_of<SecretBytes>(std::move(result));
    if (!secret) return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "KE payload", secret.error().text());
    creating(context).made.secrets.push_back(std::move(*secret));
    return continue_with_followups(context);
}

// Errors without a reaction: the child is possible, but not what we want.
Result<> accept_child(const IkeSa& sa, NewChild& child, const CreatingSa& exchange, const wire::Message& message) {
    const auto* ts_i = message.find<wire::TsiPayload>();
    const auto* ts_r = message.find<wire::TsrPayload>();
    if (ts_i == nullptr || ts_r == nullptr)
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "CREATE_CHILD_SA response",
                      "it lacks traffic selectors");
    child.terms = TRY(check_child_answer({.proposals = exchange.offered,
                                          .selectors = exchange.offered_selectors,
                                          .notices = exchange.notices,
                                          .key_exchange = true},
                                         {.proposals = message.find<wire::SaPayload>()->proposals,
                                          .selectors = {.local = ts_i->known(), .remote = ts_r->known()},
                                          .notices = child_notices(message, sa.peer_can.strongswan_numbers)},
                                         sa.outer()));
    if (child.wish && !child.terms.per_resource)
        return fail(Errc::no_match, "SA_RESOURCE_INFO", "the peer took the further SA for another child");
    const auto old = child.replaces ? sa.children.find(*child.replaces)
                     : child.wish   ? sa.children.find(child.wish->like)
                                    : sa.children.end();
    const model::ChildConfig* config =
        old != sa.children.end() ? old->second.config : sa.connection->child(child.name);
    if (config == nullptr) return {};
    if (child.wish && old != sa.children.end() && child.terms.ipcomp.agreed() != old->second.terms.ipcomp.agreed())
        return fail(Errc::no_match, "IPCOMP_SUPPORTED", "the further SA shall be compressed as the first is");
    return check_wanted(*config, child.terms, old != sa.children.end() ? &old->second.terms : nullptr);
}

Result<std::uint64_t> ike_spi_of(const model::Proposal& proposal) {
    if (proposal.spi.size() != 8) return fail(Errc::bad_value, "SA payload", "an IKE SPI must have 8 octets");
    const std::uint64_t spi = TRY(Reader(proposal.spi).u64("SPI"));
    if (spi == 0) return fail(Errc::bad_value, "SA payload", "an IKE SPI must not be zero");
    return spi;
}

Result<> accept_ike_sa(NewIkeSa& ike, const CreatingSa& exchange, std::span<const model::Proposal> answer) {
    if (answer.size() != 1) return fail(Errc::bad_value, "SA payload", "the peer must choose exactly one proposal");
    ike.proposal = TRY(model::check_choice(exchange.offered, answer.front(), {}));
    ike.peer_spi = TRY(ike_spi_of(answer.front()));
    return {};
}

// What the answer agrees to; the SPI and the terms go into exchange.made.
Result<> accept_terms(const IkeSa& sa, CreatingSa& exchange, const wire::Message& message) {
    const auto* proposals = message.find<wire::SaPayload>();
    const auto* nonce = message.find<wire::NoncePayload>();
    if (proposals == nullptr || nonce == nullptr)
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "CREATE_CHILD_SA response", "it lacks SA or Nonce");
    exchange.made.nonce_r = keep(nonce->data);
    if (auto* child = std::get_if<NewChild>(&exchange.made.what)) return accept_child(sa, *child, exchange, message);
    auto accepted = accept_ike_sa(std::get<NewIkeSa>(exchange.made.what), exchange, proposals->proposals);
    if (!accepted)
        return end_sa(NotifyType::invalid_syntax, accepted.error().code, accepted.error().where,
                      accepted.error().detail);
    return {};
}

Result<Next> try_other_group(Context& context, const wire::NotifyPayload& notify) {
    CreatingSa& exchange = creating(context);
    const auto method = static_cast<model::Ke>(Reader(notify.data).u16("KE method").value_or(0));
    // RFC 7296 §1.2: only a group that we offered, and no endless loop.
    if (exchange.attempts >= model::limits::sa_init_retries) context.count(model::Counter::too_many_retries);
    if (!offers_method(exchange.offered, method) || exchange.attempts >= model::limits::sa_init_retries ||
        (exchange.offer && exchange.offer->method == method))
        return give_up(context, "the peer asks for a key exchange method that we did not offer");
    context.count(model::Counter::invalid_ke_payload);
    ++exchange.attempts;
    exchange.offer.reset();
    return context.start(crypto::KeOfferJob{method}, offer_made);
}

Result<Next> refused(Context& context, const wire::Message& answer) {
    const wire::NotifyPayload& notify = *answer.error();
    if (notify.message_type == NotifyType::ts_max_queue) context.count(model::Counter::max_queue_in);
    // What a worker wishes is worth no other IKE SA, and nobody is told: the first SA carries its packets.
    const auto* asked = std::get_if<NewChild>(&creating(context).made.what);
    if (asked != nullptr && asked->wish && notify.message_type != NotifyType::invalid_ke_payload &&
        notify.message_type != NotifyType::temporary_failure)
        return give_up(context, "the peer refused a further SA of child " + asked->name + ": " + model::name_of(notify.message_type));
    switch (notify.message_type) {
        case NotifyType::single_pair_required: return ask_for_one_pair(context);
        case NotifyType::no_additional_sas: return take_elsewhere(context);
        case NotifyType::invalid_ke_payload: return try_other_group(context, notify);
        case NotifyType::temporary_failure: return retry_later(context, "the peer is busy (TEMPORARY_FAILURE)");
        case NotifyType::child_sa_not_found: return child_not_found(context);
        default: break;
    }
    return refused_for_good(context, answer);
}

Result<Next> handle_response(Context& context, Received response) {
    auto* exchange = context.sa.own.find<CreatingSa>();
    if (exchange == nullptr || exchange->answered)
        return ignore(Errc::state, "CREATE_CHILD_SA", "no such request is outstanding");
    if (response.message.error() != nullptr) return refused(context, response.message);
    auto accepted = accept_terms(context.sa, *exchange, response.message);
    if (accepted) accepted = take_chosen_ppk(context, *exchange, response.message);
    if (!accepted && accepted.error().reaction != Reaction::ignore) return fail(accepted.error());
    if (!accepted) {
        delete_unwanted_child(context, std::get<NewChild>(exchange->made.what).spi_in.take(), response.message, accepted.error());
        return give_up(context, explanation_of(accepted.error()));
    }
    exchange->answered = true;
    if (const auto* link = response.message.notify(NotifyType::additional_key_exchange))
        exchange->link = keep(link->data);
    const model::Ke method = exchange->made.proposal().ke;
    if (method == model::Ke::none) {
        exchange->offer.reset();
        return continue_with_followups(context);
    }
    const auto* ke = response.message.find<wire::KePayload>();
    if (ke == nullptr || !exchange->offer || ke->method != method || exchange->offer->method != method)
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "KE payload",
                      "the answer's key exchange is not the agreed one");
    crypto::KeFinishJob job{.offer = std::move(*exchange->offer), .peer_public = keep(ke->data)};
    exchange->offer.reset();
    return context.start(std::move(job), shared_secret_made);
}

// ---- the peer's request -------------------------------------------------------------------------

AnsweringNewSa& answering(Context& context) { return context.sa.theirs.get<AnsweringNewSa>(); }

wire::SaPayload answered_sa(const NewSa& made) {
    model::Proposal proposal = made.proposal().as_answer();
    if (const auto* child = std::get_if<NewChild>(&made.what))
        proposal.spi = network_order(child->spi_in.value());
    else
        proposal.spi = network_order(std::get<NewIkeSa>(made.what).own_spi.value());
    return {{std::move(proposal)}};
}

Result<Next> send_answer(Context& context, ByteView ke_public) {
    NewSa made = std::move(answering(context).made);
    context.sa.theirs.reset();
    wire::MessageBuilder builder;
    if (const auto* child = std::get_if<NewChild>(&made.what))
        add_notices(builder, answered_notices(child->terms, context.core.settings.takes_tfc_padding));
    builder.add(answered_sa(made));
    builder.add(wire::NoncePayload{made.nonce_r});
    if (made.proposal().ke != model::Ke::none)
        builder.add(wire::KePayload{.method = made.proposal().ke, .data = ke_public});
    if (made.ppk) builder.notify(NotifyType::ppk_identity, made.ppk->id.octets());
    if (const auto* child = std::get_if<NewChild>(&made.what)) {
        builder.add(wire::TsiPayload::of(child->terms.selectors.remote));
        builder.add(wire::TsrPayload::of(child->terms.selectors.local));
    }
    return answer_or_await_followup(context, std::move(made), builder, ExchangeType::create_child_sa);
}

Result<Next> answer_made(Context& context, crypto::JobResult result) {
    auto answer = result_of<crypto::KeAnswer>(std::move(result));
    if (!answer) {
        context.count(model::Counter::bad_ke_value);
        forget_peer_rekey(context.sa, answering(context).made);
        context.sa.theirs.reset();
        return refuse(NotifyType::invalid_syntax, Errc::bad_value, "KE payload", answer.error().text());
    }
    answering(context).made.secrets.push_back(std::move(answer->shared_secret));
    return send_answer(context, answer->public_value);
}

Result<Next> make_answer(Context& context) {
    AnsweringNewSa& exchange = answering(context);
    const model::Ke method = exchange.made.proposal().ke;
    if (method == model::Ke::none) return send_answer(context, {});
    return context.start(crypto::KeAnswerJob{.method = method, .peer_public = std::move(exchange.peer_public)}, answer_made);
}

Result<Next> ppk_searched(Context& context, crypto::JobResult result) {
    answering(context).made.ppk = found_ppk(context, std::move(result));
    if (answering(context).made.ppk || !demands_ppk(context.sa)) return make_answer(context);
    forget_peer_rekey(context.sa, answering(context).made);
    context.sa.theirs.reset();
    return refuse_without_ppk(context);
}

// Continues once the terms are known: the key exchange of the choice must be the one of the KE payload (§1.3).
Result<Next> agree(Context& context, NewSa made, const wire::Message& request) {
    const model::Ke method = made.proposal().ke;
    const auto* ke = request.find<wire::KePayload>();
    if (method != model::Ke::none && (ke == nullptr || ke->method != method)) {
        context.count(model::Counter::invalid_ke_payload);
        wire::MessageBuilder builder;
        builder.notify(NotifyType::invalid_ke_payload, network_order(static_cast<std::uint16_t>(method)));
        return context.respond(ExchangeType::create_child_sa, builder);
    }
    made.nonce_i = keep(request.find<wire::NoncePayload>()->data);
    made.nonce_r = fresh_nonce(context);
    note_peer_rekey(context.sa, made);
    context.sa.theirs =
        AnsweringNewSa{.made = std::move(made), .peer_public = method == model::Ke::none ? Bytes() : keep(ke->data)};
    return search_ppk(context, request, ppk_searched);
}

std::unexpected<Error> busy(const char* why) {
    return refuse(NotifyType::temporary_failure, Errc::state, "CREATE_CHILD_SA", why);
}

std::unexpected<Error> malformed(const char* where, const std::string& why) {
    return refuse(NotifyType::invalid_syntax, Errc::bad_value, where, why);
}

Result<Next> handle_ike_rekey(Context& context, const wire::Message& request) {
    IkeSa& sa = context.sa;
    const auto* own = sa.own.find<CreatingSa>();
    const bool clone = request.notify(NotifyType::clone_ike_sa) != nullptr;
    if (clone) TRY(may_clone(context));
    // A clone stays alone: nothing decides between it and a rekey.
    if (own != nullptr && own->made.makes_ike_sa() && (clone || own->made.clones_ike_sa()))
        return busy("the IKE SA is being rekeyed or cloned");
    // RFC 9370 §2.2.4: our own rekey has been answered and its follow-up exchanges run.
    if (own != nullptr && own->made.rekeys_ike_sa() && own->answered)
        return busy("our own rekey of the IKE SA is under way");
    // §2.25.2: children that are being made or closed would be left behind.
    if ((own != nullptr && !own->made.makes_ike_sa()) || sa.own.holds<AwaitingChildrenDeleted>())
        return busy("a child is being created or closed");
    if (sa.peer_rekey) return busy("the IKE SA is being rekeyed already");
    const auto& offered = request.find<wire::SaPayload>()->proposals;
    auto chosen = model::choose(offered_ike_proposals(*sa.connection, sa.peer_can.cygnet_numbers), offered, {});
    if (!chosen) {
        Explanation why = no_common_proposal({.setting = section_of(sa.connection->name) + ".proposals",
                                              .configured = configured_ike_proposals(*sa.connection, sa.peer_can.cygnet_numbers),
                                              .policy = key_exchange_policy(sa)},
                                             offered, {});
        if (why.kind == classic_offer) context.count(model::Counter::post_quantum_refused);
        return refuse(NotifyType::no_proposal_chosen, Errc::no_match, "IKE proposals", std::move(why));
    }
    const auto peer_spi = ike_spi_of(*std::ranges::find(offered, chosen->number, &model::Proposal::number));
    if (!peer_spi) return malformed("SA payload", peer_spi.error().detail);
    NewIkeSa made{.own_spi = ReservedIkeSpi(context.core),
                  .peer_spi = *peer_spi,
                  .proposal = std::move(*chosen),
                  .clone = clone};
    return agree(context, {.what = std::move(made)}, request);
}

Result<Next> child_sa_not_found(Context& context, const wire::NotifyPayload& rekey) {
    context.count(model::Counter::child_not_found);
    wire::MessageBuilder builder;
    builder.add(wire::NotifyPayload{.protocol = rekey.protocol,
                                    .message_type = NotifyType::child_sa_not_found,
                                    .spi = rekey.spi,
                                    .data = {}});
    return context.respond(ExchangeType::create_child_sa, builder);
}

Result<Next> handle_child_rekey(Context& context, const wire::NotifyPayload& rekey, const ChildOffer& offer,
                                const wire::Message& request) {
    IkeSa& sa = context.sa;
    if ((rekey.protocol != model::Protocol::esp && rekey.protocol != model::Protocol::ah) || rekey.spi.size() != 4) {
        context.count(model::Counter::child_not_found);
        return malformed("REKEY_SA", "it must name an ESP or AH SA by 4 octets of SPI");
    }
    Child* old = sa.child_with_spi_out(rekey.protocol, TRY(Reader(rekey.spi).u32("SPI")));
    if (old == nullptr) {
        // §2.25.1: it may be the one whose answer has not come yet.
        const auto* creating = sa.own.find<CreatingSa>();
        if (creating != nullptr && !creating->made.makes_ike_sa()) return busy("a child is being created");
        return child_sa_not_found(context, rekey);
    }
    // One that lost against another rekey is about to be closed as well.
    if (old->redundant || old->state == model::ChildState::deleting || old->replacement || old->peer_rekey)
        return busy("the child is being replaced already");
    const auto* own = sa.own.find<CreatingSa>();
    if (own != nullptr && own->made.rekeys(old->id) && own->answered)
        return busy("our own rekey of the child is under way");
    auto decided = decide_rekey(*old->config, offer, old->terms, sa.outer());
    if (!decided && explanation_of(decided.error()).kind == classic_offer) context.count(model::Counter::post_quantum_refused);
    ChildTerms terms = TRY(std::move(decided));
    NewChild made{
        .name = old->config->name, .replaces = old->id, .spi_in = ReservedSpi(context.core), .terms = std::move(terms)};
    context.settle_compression(made.spi_in.value(), made.terms);
    return agree(context, {.what = std::move(made)}, request);
}

Result<Next> handle_new_child(Context& context, const ChildOffer& offer, const wire::Message& request) {
    if (context.sa.children.size() >= (context.sa.peer_anonymous ? model::limits::children_per_anonymous_ike_sa
                                                                 : model::limits::children_per_ike_sa)) {
        context.count(model::Counter::no_additional_sas);
        return refuse(NotifyType::no_additional_sas, Errc::limit, "children",
                      "this IKE SA has as many children as it may");
    }
    auto decided = decide_child(*context.sa.connection, offer, context.sa.child_addresses(), context.sa.outer());
    if (!decided) {
        report_child_refusal(context, decided.error());
        return fail(std::move(decided).error());
    }
    ChildDecision& decision = *decided;
    TRY(check_anonymous_child(context, decision.terms.selectors));
    const model::Resource resource = TRY(place_child(context, offer, decision));
    NewChild made{.name = decision.child->name,
                  .replaces = {},
                  .spi_in = ReservedSpi(context.core),
                  .terms = std::move(decision.terms),
                  .resource = resource};
    context.settle_compression(made.spi_in.value(), made.terms);
    return agree(context, {.what = std::move(made)}, request);
}

Result<Next> handle_request(Context& context, Received request) {
    const wire::Message& message = request.message;
    const auto& proposals = message.find<wire::SaPayload>()->proposals;
    TRY(try_hooks(&Feature::create_child_request, context, request));
    if (context.sa.replaced_by) return busy("this IKE SA has been rekeyed");
    take_over_children(context);
    if (context.sa.followup_series) return busy("an IKE_FOLLOWUP_KE exchange is awaited");
    if (proposals.empty()) return malformed("SA payload", "it has no proposal");
    if (proposals.front().protocol == model::Protocol::ike) return handle_ike_rekey(context, message);
    const auto* own = context.sa.own.find<CreatingSa>();
    if (context.sa.peer_rekey || (own != nullptr && own->made.makes_ike_sa()))
        return busy("the IKE SA is being rekeyed");
    const auto* ts_i = message.find<wire::TsiPayload>();
    const auto* ts_r = message.find<wire::TsrPayload>();
    if (ts_i == nullptr || ts_r == nullptr) {
        context.count(model::Counter::payload_missing);
        return malformed("CREATE_CHILD_SA", "it lacks traffic selectors");
    }
    const ChildOffer offer{.proposals = proposals,
                           .selectors = {.local = ts_r->known(), .remote = ts_i->known()},
                           .key_exchange = true,
                           .notices = child_notices(message, context.sa.peer_can.strongswan_numbers),
                           .policy = key_exchange_policy(context.sa)};
    if (const auto* rekey = message.notify(NotifyType::rekey_sa))
        return handle_child_rekey(context, *rekey, offer, message);
    return handle_new_child(context, offer, message);
}

// RFC 7296 §2.25.2: nothing new in an IKE SA that we are closing.
Result<Next> handle_request_while_deleting(Context&, Received) { return busy("this IKE SA is being deleted"); }

constexpr ExchangeRow rows[] = {
    {.story = "the peer asks for a child or a rekey",
     .exchange = ExchangeType::create_child_sa,
     .direction = Direction::request,
     .phase = Phase::established,
     .required = {PayloadType::sa, PayloadType::nonce},
     .optional = {PayloadType::ke, PayloadType::ts_i, PayloadType::ts_r, PayloadType::notify},
     .handle = handle_request},
    {.story = "the peer asks for a child while we close the IKE SA",
     .exchange = ExchangeType::create_child_sa,
     .direction = Direction::request,
     .phase = Phase::deleting,
     .handle = handle_request_while_deleting},
    {.story = "the answer to our CREATE_CHILD_SA",
     .exchange = ExchangeType::create_child_sa,
     .direction = Direction::response,
     .phase = Phase::established,
     .optional = {PayloadType::sa, PayloadType::nonce, PayloadType::ke, PayloadType::ts_i, PayloadType::ts_r,
                  PayloadType::notify},
     .handle = handle_response},
};
static_assert(well_formed(rows));

}  // namespace

namespace {

// RFC 9611 §3: with the selectors and the algorithms of the one that is there.
Result<Next> begin_further_child(Context& context, const CreateChildTask& task) {
    const auto found = context.sa.children.find(task.wish->like);
    if (found == context.sa.children.end()) return nothing_to_do(context, task.command, "the child that it shall be beside is gone");
    const Child& like = found->second;
    CreatingSa exchange = new_child_exchange(context, like.config->name, {});
    NewChild& child = std::get<NewChild>(exchange.made.what);
    child.wish = task.wish;
    child.resource = task.wish->resource;
    exchange.command = task.command;
    exchange.attempts = task.attempts;
    exchange.offered = with_algorithms(child_offer(context.sa, *like.config, child.spi_in.value()), *like.terms.proposal);
    exchange.offered_selectors = like.terms.selectors;
    exchange.notices = offered_notices(*like.config, exchange.offered_selectors, context.core.settings.takes_tfc_padding);
    exchange.notices.transport_mode = like.terms.mode == model::ChildMode::transport;
    exchange.notices.beet_mode = like.terms.mode == model::ChildMode::beet;
    if (like.terms.ipcomp.agreed()) context.offer_compression(*like.config, child.spi_in.value(), exchange.notices);
    return begin_exchange(context, std::move(exchange));
}

}  // namespace

Result<Next> begin_create_child(Context& context, const CreateChildTask& task) {
    if (leave_to_heir(context, task)) return context.finish();
    if (task.wish) return begin_further_child(context, task);
    const model::ChildConfig* config = context.sa.connection->child(task.child);
    if (config == nullptr)
        return nothing_to_do(context, task.command, "CHILD_SA config '" + task.child + "' not found");
    CreatingSa exchange = new_child_exchange(context, task.child, {});
    exchange.command = task.command;
    exchange.attempts = task.attempts;
    exchange.offered = child_offer(context.sa, *config, std::get<NewChild>(exchange.made.what).spi_in.value());
    if (exchange.offered.empty()) return nothing_to_do(context, task.command, why_no_offer(context.sa, *config));
    exchange.packet = task.packet;
    exchange.single_pair = task.single_pair || (config->single_pair && task.packet);
    SelectorPair configured = configured_selectors(*config, context.sa.child_addresses(), context.sa.outer());
    if (configured.local.empty() || configured.remote.empty())
        return nothing_to_do(context, task.command, no_selectors(*config, context.sa.outer()));
    if (const auto possible = check_offer(*config, configured, context.sa.peer_can.strongswan_numbers); !possible)
        return nothing_to_do(context, task.command, possible.error().detail);
    exchange.offered_selectors = offered_selectors(std::move(configured), task.packet, exchange.single_pair);
    exchange.notices = offered_notices(*config, exchange.offered_selectors, context.core.settings.takes_tfc_padding);
    context.offer_compression(*config, std::get<NewChild>(exchange.made.what).spi_in.value(), exchange.notices);
    return begin_exchange(context, std::move(exchange));
}

Result<Next> begin_rekey_child(Context& context, const RekeyChildTask& task) {
    if (leave_to_heir(context, task)) return context.finish();
    const auto found = context.sa.children.find(task.child);
    if (found == context.sa.children.end()) return nothing_to_do(context, task.command, "the child to rekey is gone");
    Child& old = found->second;
    // Somebody was faster: what the command wants is happening.
    if (old.replacement || old.peer_rekey || old.redundant) {
        context.finish_command(task.command, {});
        return context.finish();
    }
    CreatingSa exchange = new_child_exchange(context, old.config->name, old.id);
    exchange.command = task.command;
    exchange.attempts = task.attempts;
    exchange.offered = child_offer(context.sa, *old.config, std::get<NewChild>(exchange.made.what).spi_in.value());
    if (exchange.offered.empty()) return nothing_to_do(context, task.command, why_no_offer(context.sa, *old.config));
    exchange.offered_selectors = old.terms.selectors;
    exchange.notices = offered_notices(*old.config, exchange.offered_selectors, context.core.settings.takes_tfc_padding);
    context.offer_compression(*old.config, std::get<NewChild>(exchange.made.what).spi_in.value(), exchange.notices);
    exchange.notices.transport_mode = old.terms.mode == model::ChildMode::transport;
    exchange.notices.beet_mode = old.terms.mode == model::ChildMode::beet;
    exchange.notices.per_resource = false;
    old.state = model::ChildState::rekeying;
    return begin_exchange(context, std::move(exchange));
}

Result<Next> begin_rekey_ike(Context& context, const RekeyIkeTask& task) {
    IkeSa& sa = context.sa;
    if (task.clone && leave_to_heir(context, task)) return context.finish();
    if (sa.replaced_by || sa.peer_rekey) {
        context.finish_command(task.command, task.clone ? fail(Errc::state, "clone", "the IKE SA is being rekeyed") : Result<>());
        return context.finish();
    }
    if (task.clone) {
        if (auto allowed = may_clone(context); !allowed) {
            context.finish_command(task.command, std::move(allowed));
            return context.finish();
        }
    }
    ReservedIkeSpi reserved(context.core);
    const std::uint64_t spi = reserved.value();
    CreatingSa exchange{.made = {.what = NewIkeSa{.own_spi = std::move(reserved), .clone = task.clone}, .nonce_i = fresh_nonce(context)},
                        .command = task.command};
    exchange.attempts = task.attempts;
    exchange.offered = offered_ike_proposals(*sa.connection, sa.peer_can.cygnet_numbers);
    for (model::Proposal& proposal : exchange.offered) proposal.spi = network_order(spi);
    return begin_exchange(context, std::move(exchange));
}

std::span<const ExchangeRow> create_child_sa_rows() { return rows; }

}  // namespace cygnet::ike
