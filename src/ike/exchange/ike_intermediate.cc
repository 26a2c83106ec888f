#include "ike/exchange/ike_intermediate.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ike/exchange/ike_sa_init.h"
#include "ike/explain.h"
#include "ike/feature/feature.h"
#include "ike/feature/ppk.h"
#include "ike/key_transfer.h"
#include "ike/match.h"
#include "ike/path_size.h"
#include "ike/ppk.h"

namespace cygnet::ike {
namespace {

using model::ExchangeType;
using model::NotifyType;
using model::PayloadType;

// RFC 9242 §3.3.2: every message of these exchanges goes into AUTH, as if it had never been fragmented, under the SK_p
// that were in force before the exchange.
void add_to_int_auth(IkeSa& sa, bool of_initiator, ByteView a, ByteView p) {
    Handshake& handshake = sa.handshake();
    Bytes& sum = of_initiator ? handshake.int_auth_i : handshake.int_auth_r;
    sum = int_auth_step(sa.proposal->prf, sa.protection->sk_p(of_initiator), sum, concat({a, p}));
}

void add_received(IkeSa& sa, const Received& message) {
    add_to_int_auth(sa, !sa.initiator, wire::intermediate_aad(message.aad, message.octets.size()), message.octets);
}

void add_sent(IkeSa& sa, const wire::Header& header, const wire::Chain& chain) {
    add_to_int_auth(sa, sa.initiator, wire::intermediate_aad(header, chain.first, chain.octets.size()), chain.octets);
}

std::size_t rounds_left(IkeSa& sa) { return sa.proposal->additional.size() - sa.handshake().additional_done; }

// RFC 9867: PPKs come with the last of these exchanges.
bool may_bring_ppk(IkeSa& sa) {
    return agreed_ppk_intermediate(sa) && !ppk_negotiation(sa).settled && rounds_left(sa) <= 1;
}

// RFC 9370 §2.2.2, then RFC 9867: what follows is protected by the new keys. Without a shared secret the PPK alone makes them.
Result<> take_new_keys(Context& context, const SecretBytes* shared_secret) {
    IkeSa& sa = context.sa;
    Handshake& handshake = sa.handshake();
    std::optional<IkeKeys> keys;
    if (shared_secret != nullptr) {
        keys = keys_after_intermediate(sa.proposal, sa.protection->sk_d(), shared_secret->reveal(), handshake.nonces(), sa.spis);
        ++handshake.additional_done;
    }
    auto* ppk = handshake.features.find<PpkNegotiation>();
    if (ppk != nullptr && ppk->chosen) {
        const SecretBytes& d = keys ? keys->d : sa.protection->sk_d();
        IkeKeys mixed = keys_after_ppk(sa.proposal, d, ppk->chosen->key, handshake.nonces(), sa.spis);
        keys = std::move(mixed);
        note_ppk(sa, *ppk->chosen);
        ppk->chosen.reset();
    }
    if (!keys) return {};
    Protection next = TRY(Protection::make(sa.proposal, std::move(*keys), sa.initiator));
    keep_keys_of_last_answer(sa, std::exchange(sa.protection, std::move(next)));
    return {};
}

std::unexpected<Error> bad_public_value(Context& context, const Error& error) {
    context.count(model::Counter::bad_ke_value);
    return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "IKE_INTERMEDIATE",
                  "the peer's KE payload: " + error.text());
}

// A round that was not negotiated, or not in this order.
std::unexpected<Error> refuse_round(Context& context, std::string why) {
    context.count(model::Counter::round_refused);
    return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "IKE_INTERMEDIATE", std::move(why));
}

// ---- initiator ----------------------------------------------------------------------------------

Result<Next> send_request(Context& context) {
    IkeSa& sa = context.sa;
    auto& exchange = sa.own.get<InitiatingIntermediate>();
    wire::MessageBuilder message;
    if (exchange.pieces)
        add_next_piece(context, *exchange.pieces, exchange.method, message);
    else if (exchange.offer)
        message.add(wire::KePayload{.method = exchange.method, .data = exchange.offer->public_value});
    if (may_bring_ppk(sa) && (!exchange.pieces || exchange.pieces->complete())) {
        PpkNegotiation& negotiation = ppk_negotiation(sa);
        negotiation.settled = true;
        add_ppk_offers(sa, negotiation.offered, sa.handshake().nonces(), sa.spis, message);
    }
    run_hooks(&Feature::intermediate_offer, context, message);
    add_sent(sa, context.request_header(ExchangeType::ike_intermediate), message.chain());
    return context.request(ExchangeType::ike_intermediate, message);
}

Result<Next> on_own_key(Context& context, crypto::JobResult result) {
    auto& exchange = context.sa.own.get<InitiatingIntermediate>();
    exchange.offer = TRY(result_of<crypto::KeOffer>(std::move(result)));
    if (goes_in_pieces(exchange.method)) exchange.pieces = begin_pieces(context, *exchange.offer);
    return send_request(context);
}

Result<Next> make_own_key(Context& context) {
    return context.start(crypto::KeOfferJob{context.sa.own.get<InitiatingIntermediate>().method}, on_own_key);
}

Result<Next> on_ppks(Context& context, crypto::JobResult result) {
    IkeSa& sa = context.sa;
    PpkNegotiation& negotiation = ppk_negotiation(sa);
    negotiation.offered = gathered_ppks(context, std::move(result));
    if (negotiation.offered.empty() && sa.connection->ppk_use().required) return no_ppk_at_hand(context);
    if (sa.own.get<InitiatingIntermediate>().method != model::Ke::none) return make_own_key(context);
    if (!negotiation.offered.empty()) return send_request(context);
    negotiation.settled = true;
    sa.own.reset();
    return continue_handshake(context);
}

Result<Next> on_shared_secret(Context& context, crypto::JobResult result) {
    const auto shared_secret = result_of<SecretBytes>(std::move(result));
    if (!shared_secret) return bad_public_value(context, shared_secret.error());
    TRY(take_new_keys(context, &*shared_secret));
    context.sa.own.reset();
    return continue_handshake(context);
}

// RFC 9867: the responder has chosen one of our PPKs, or it has none of them.
Result<> take_chosen_ppk(Context& context, const wire::Message& response) {
    IkeSa& sa = context.sa;
    auto* negotiation = sa.handshake().features.find<PpkNegotiation>();
    if (negotiation == nullptr || !negotiation->settled) return {};
    auto chosen = chosen_ppk(std::exchange(negotiation->offered, {}), response);
    if (!chosen) {
        context.count(model::Counter::ppk_malformed);
        return fail(chosen.error());
    }
    negotiation->chosen = std::move(*chosen);
    if (negotiation->chosen || !sa.connection->ppk_use().required) return {};
    context.count(model::Counter::ppk_refused);
    return end_sa(NotifyType::none, Errc::no_match, "IKE_INTERMEDIATE",
                  Explanation{.kind = "ppk",
                              .what = "the peer has none of our PPKs, and " + section_of(sa.connection->name) +
                                      ".ppk_required demands one",
                              .advice = "let both sides have the same PPK under the same id"});
}

Result<Next> refused(Context& context, const wire::NotifyPayload& error) {
    const auto* negotiation = find_ppk_negotiation(context.sa);
    const std::string reason = model::name_of(error.message_type);
    // RFC 9867: that is how a responder says so which demands a PPK.
    if (negotiation != nullptr && negotiation->settled && error.message_type == NotifyType::authentication_failed)
        return end_sa(NotifyType::none, Errc::authentication, "IKE_INTERMEDIATE",
                      Explanation{.kind = "ppk",
                                  .what = "the peer demands a PPK and has none of ours",
                                  .theirs = reason,
                                  .advice = "let both sides have the same PPK under the same id"});
    if (error.message_type == NotifyType::temporary_failure)
        return end_sa(NotifyType::none, Errc::limit, "IKE_INTERMEDIATE",
                      Explanation{.kind = "limit",
                                  .what = "the peer has no room for our public value now",
                                  .theirs = reason,
                                  .advice = "others send it large ones as well: try again later"});
    return end_sa(NotifyType::none, Errc::state, "IKE_INTERMEDIATE", "the peer refused the exchange: " + reason);
}

// A piece of our public value has been answered, and it was not the last one.
Result<Next> send_next_piece(Context& context, const Received& response) {
    if (response.message.find<wire::KePayload>() != nullptr) {
        context.count(model::Counter::key_piece_unexpected);
        return end_sa(NotifyType::none, Errc::bad_value, "IKE_INTERMEDIATE",
                      "the peer's KE payload came before the last piece of our public value");
    }
    add_received(context.sa, response);
    return send_request(context);
}

Result<Next> receive_response(Context& context, Received response) {
    auto* exchange = context.sa.own.find<InitiatingIntermediate>();
    if (exchange == nullptr || (exchange->method != model::Ke::none && !exchange->offer))
        return ignore(Errc::state, "IKE_INTERMEDIATE", "a response that nobody waits for");
    if (const wire::NotifyPayload* error = response.message.error()) return refused(context, *error);
    if (exchange->pieces && !exchange->pieces->complete()) return send_next_piece(context, response);
    const auto* ke = response.message.find<wire::KePayload>();
    if (exchange->method != model::Ke::none && ke == nullptr) {
        context.count(exchange->pieces ? model::Counter::key_piece_missing : model::Counter::payload_missing);
        return end_sa(NotifyType::none, Errc::state, "IKE_INTERMEDIATE", "the peer refused the exchange: no KE payload");
    }
    if (ke != nullptr && ke->method != exchange->method)
        return refuse_round(context, "the peer's KE payload is of " + model::name_of(ke->method) + " instead of " +
                                         model::name_of(exchange->method));
    TRY(take_chosen_ppk(context, response.message));
    TRY(try_hooks(&Feature::intermediate_accept, context, response));
    add_received(context.sa, response);
    if (ke == nullptr) {
        TRY(take_new_keys(context, nullptr));
        context.sa.own.reset();
        return continue_handshake(context);
    }
    if (exchange->pieces) note_pieces_sent(context, *exchange->pieces, exchange->method);
    exchange->pieces.reset();
    crypto::KeFinishJob job{.offer = std::move(*exchange->offer), .peer_public = keep(ke->data)};
    return context.start(std::move(job), on_shared_secret);
}

// ---- responder ----------------------------------------------------------------------------------

// The answer still goes under the old keys.
Result<Next> answer_request(Context& context, const crypto::KeAnswer* answer) {
    IkeSa& sa = context.sa;
    wire::MessageBuilder message;
    if (answer != nullptr)
        message.add(wire::KePayload{.method = sa.proposal->additional[sa.handshake().additional_done], .data = answer->public_value});
    if (const auto* ppk = find_ppk_negotiation(sa); ppk != nullptr && ppk->chosen)
        message.notify(NotifyType::ppk_identity, ppk->chosen->id.octets());
    run_hooks(&Feature::intermediate_offer, context, message);
    add_sent(sa, context.response_header(ExchangeType::ike_intermediate), message.chain());
    const Next next = TRY(context.respond(ExchangeType::ike_intermediate, message));
    TRY(take_new_keys(context, answer != nullptr ? &answer->shared_secret : nullptr));
    return next;
}

Result<Next> on_answered_key(Context& context, crypto::JobResult result) {
    context.sa.theirs.reset();
    context.sa.handshake().pieces.reset();
    const auto answer = result_of<crypto::KeAnswer>(std::move(result));
    if (!answer) return bad_public_value(context, answer.error());
    return answer_request(context, &*answer);
}

Result<Next> make_answer(Context& context) {
    auto& exchange = context.sa.theirs.get<RespondingIntermediate>();
    if (exchange.method != model::Ke::none)
        return context.start(crypto::KeAnswerJob{.method = exchange.method, .peer_public = std::move(exchange.peer_public)},
                             on_answered_key);
    context.sa.theirs.reset();
    return answer_request(context, nullptr);
}

Result<Next> on_ppk(Context& context, crypto::JobResult result) {
    IkeSa& sa = context.sa;
    PpkNegotiation& negotiation = ppk_negotiation(sa);
    negotiation.chosen = found_ppk(context, std::move(result));
    // RFC 9867: which connection the peer means, IKE_AUTH will tell; here all of them must demand a PPK.
    const bool demanded = std::ranges::all_of(connections_for(*context.core.config, sa.path),
                                              [](const auto& connection) { return connection->ppk_use().required; });
    if (negotiation.chosen || !demanded) return make_answer(context);
    context.count(model::Counter::ppk_refused);
    return end_sa(NotifyType::authentication_failed, Errc::authentication, "IKE_INTERMEDIATE",
                  Explanation{.kind = "ppk",
                              .what = "we have none of the peer's PPKs, and " + section_of(sa.connection->name) +
                                      ".ppk_required demands one",
                              .advice = "let both sides have the same PPK under the same id"});
}

// RFC 9593: one that brings nothing, for what our answer brings.
bool awaits_another(Context& context) {
    return std::ranges::any_of(all_features(), [&](const Feature* feature) {
        return feature->awaits_intermediate != nullptr && feature->awaits_intermediate(context);
    });
}

Result<> check_round(Context& context, const wire::Message& request) {
    IkeSa& sa = context.sa;
    const auto* ke = request.find<wire::KePayload>();
    const bool ppk = agreed_ppk_intermediate(sa) && request.notify(NotifyType::ppk_identity_key) != nullptr;
    // RFC 9370 §2.2.2: round n brings the n-th negotiated method, and there is no round beyond.
    if (rounds_left(sa) == 0 && (ke != nullptr || !(may_bring_ppk(sa) || awaits_another(context))))
        return refuse_round(context, "more exchanges than additional key exchanges were negotiated");
    // RFC 9867: in the last one, and only there.
    if (ppk && !may_bring_ppk(sa)) return refuse_round(context, "PPKs before the last IKE_INTERMEDIATE exchange");
    if (rounds_left(sa) == 0) return {};
    const model::Ke method = sa.proposal->additional[sa.handshake().additional_done];
    if (ke == nullptr) {
        context.count(sa.handshake().pieces ? model::Counter::key_piece_missing : model::Counter::payload_missing);
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "IKE_INTERMEDIATE", "it lacks KE");
    }
    if (ke->method != method)
        return refuse_round(context, "KE payload of " + model::name_of(ke->method) + " instead of " + model::name_of(method));
    return {};
}

// The request brings a piece of the peer's public value; the answer to all but the last one is empty.
Result<> take_peer_piece(Context& context, const wire::Message& request) {
    Boxed<IncomingKey>& pieces = context.sa.handshake().pieces;
    if (auto fault = take_piece(context, pieces, *request.find<wire::KePayload>()))
        return end_sa(fault->notify, Errc::bad_value, "IKE_INTERMEDIATE", std::move(fault->what));
    // RFC 9867: in the last one, and only there.
    if (!pieces->complete() && agreed_ppk_intermediate(context.sa) && request.notify(NotifyType::ppk_identity_key) != nullptr)
        return refuse_round(context, "PPKs before the last piece of a public value");
    return {};
}

Result<Next> acknowledge_piece(Context& context, const Received& request) {
    add_received(context.sa, request);
    wire::MessageBuilder message;
    add_sent(context.sa, context.response_header(ExchangeType::ike_intermediate), message.chain());
    return context.respond(ExchangeType::ike_intermediate, message);
}

Result<Next> receive_request(Context& context, Received request) {
    IkeSa& sa = context.sa;
    TRY(check_round(context, request.message));
    RespondingIntermediate exchange;
    const auto* ke = request.message.find<wire::KePayload>();
    if (ke != nullptr && goes_in_pieces(ke->method)) {
        TRY(take_peer_piece(context, request.message));
        IncomingKey& pieces = *sa.handshake().pieces;
        if (!pieces.complete()) return acknowledge_piece(context, request);
        exchange = {.method = ke->method, .peer_public = pieces.take()};
    } else if (ke != nullptr) {
        exchange = {.method = ke->method, .peer_public = keep(ke->data)};
    }
    sa.theirs = std::move(exchange);
    // RFC 9867: PPKs may come along with the last key exchange, or in an exchange of their own after it.
    const bool ppk = may_bring_ppk(sa) && (ke == nullptr || request.message.notify(NotifyType::ppk_identity_key) != nullptr);
    TRY(try_hooks(&Feature::intermediate_accept, context, request));
    add_received(sa, request);
    if (!ppk) return make_answer(context);
    ppk_negotiation(sa).settled = true;
    const Handshake& handshake = sa.handshake();
    return search_ppk(context, {.offers = ppk_offers(context, request.message),
                                .nonce_i = handshake.nonce_i,
                                .nonce_r = handshake.nonce_r,
                                .spis = sa.spis,
                                .sources = ppk_sources_for(context.core, sa.path),
                                .before_identity = true,
                                .resume = on_ppk});
}

}  // namespace

Result<Next> begin_ike_intermediate(Context& context) {
    IkeSa& sa = context.sa;
    const bool key_exchange = rounds_left(sa) != 0;
    sa.own = InitiatingIntermediate{
        .method = key_exchange ? sa.proposal->additional[sa.handshake().additional_done] : model::Ke::none};
    if (may_bring_ppk(sa)) return gather_ppks(context, on_ppks);
    return key_exchange ? make_own_key(context) : send_request(context);
}

std::span<const ExchangeRow> ike_intermediate_rows() {
    static constexpr std::array rows{ExchangeRow{.story = "the peer's next additional key exchange, or its PPKs",
                                                 .exchange = ExchangeType::ike_intermediate,
                                                 .direction = Direction::request,
                                                 .role = Role::responder,
                                                 .phase = Phase::authenticating,
                                                 .required = {},
                                                 .optional = {PayloadType::ke, PayloadType::notify, PayloadType::id_i,
                                                              PayloadType::id_r},
                                                 .handle = receive_request},
                                     ExchangeRow{.story = "the answer to our additional key exchange, or to our PPKs",
                                                 .exchange = ExchangeType::ike_intermediate,
                                                 .direction = Direction::response,
                                                 .role = Role::initiator,
                                                 .phase = Phase::authenticating,
                                                 .required = {},
                                                 .optional = {PayloadType::ke, PayloadType::notify, PayloadType::certreq},
                                                 .handle = receive_response}};
    static_assert(well_formed(rows));
    return rows;
}

}  // namespace cygnet::ike
