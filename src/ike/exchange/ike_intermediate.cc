#include "ike/exchange/ike_intermediate.h"

#include <array>
#include <utility>

#include "ike/exchange/ike_sa_init.h"
#include "ike/path_size.h"

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

// RFC 9370 §2.2.2: what follows is protected by the new keys.
Result<> take_new_keys(IkeSa& sa, const SecretBytes& shared_secret) {
    Handshake& handshake = sa.handshake();
    IkeKeys keys = keys_after_intermediate(sa.proposal, sa.protection->sk_d(), shared_secret.reveal(),
                                           handshake.nonces(), sa.spis);
    Protection next = TRY(Protection::make(sa.proposal, std::move(keys), sa.initiator));
    keep_keys_of_last_answer(sa, std::exchange(sa.protection, std::move(next)));
    ++handshake.additional_done;
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

Result<Next> on_own_key(Context& context, crypto::JobResult result) {
    IkeSa& sa = context.sa;
    auto& exchange = sa.own.get<InitiatingIntermediate>();
    exchange.offer = TRY(result_of<crypto::KeOffer>(std::move(result)));
    wire::MessageBuilder message;
    message.add(wire::KePayload{.method = exchange.method, .data = exchange.offer->public_value});
    add_sent(sa, context.request_header(ExchangeType::ike_intermediate), message.chain());
    return context.request(ExchangeType::ike_intermediate, message);
}

Result<Next> on_shared_secret(Context& context, crypto::JobResult result) {
    const auto shared_secret = result_of<SecretBytes>(std::move(result));
    if (!shared_secret) return bad_public_value(context, shared_secret.error());
    TRY(take_new_keys(context.sa, *shared_secret));
    context.sa.own.reset();
    return continue_handshake(context);
}

Result<Next> receive_response(Context& context, Received response) {
    auto* exchange = context.sa.own.find<InitiatingIntermediate>();
    if (exchange == nullptr || !exchange->offer)
        return ignore(Errc::state, "IKE_INTERMEDIATE", "a response that nobody waits for");
    const auto* ke = response.message.find<wire::KePayload>();
    if (ke->method != exchange->method)
        return refuse_round(context, "the peer's KE payload is of " + model::name_of(ke->method) + " instead of " +
                                         model::name_of(exchange->method));
    add_received(context.sa, response);
    crypto::KeFinishJob job{.offer = std::move(*exchange->offer), .peer_public = keep(ke->data)};
    return context.start(std::move(job), on_shared_secret);
}

Result<Next> receive_refusal(Context&, Received response) {
    const wire::NotifyPayload* error = response.message.error();
    const std::string reason = error != nullptr ? model::name_of(error->message_type) : "no KE payload";
    return end_sa(NotifyType::none, Errc::state, "IKE_INTERMEDIATE",
                  "the peer refused the additional key exchange: " + reason);
}

// ---- responder ----------------------------------------------------------------------------------

Result<Next> on_answered_key(Context& context, crypto::JobResult result) {
    IkeSa& sa = context.sa;
    sa.theirs.reset();
    const auto answer = result_of<crypto::KeAnswer>(std::move(result));
    if (!answer) return bad_public_value(context, answer.error());
    const model::Ke method = sa.proposal->additional[sa.handshake().additional_done];
    wire::MessageBuilder message;
    message.add(wire::KePayload{.method = method, .data = answer->public_value});
    add_sent(sa, context.response_header(ExchangeType::ike_intermediate), message.chain());
    const Next next = TRY(context.respond(ExchangeType::ike_intermediate, message));
    TRY(take_new_keys(sa, answer->shared_secret));
    return next;
}

// RFC 9370 §2.2.2: round n brings the n-th negotiated method, and there is no round beyond.
Result<Next> receive_request(Context& context, Received request) {
    IkeSa& sa = context.sa;
    const std::size_t round = sa.handshake().additional_done;
    if (round >= sa.proposal->additional.size())
        return refuse_round(context, "more exchanges than additional key exchanges were negotiated");
    const auto* ke = request.message.find<wire::KePayload>();
    if (ke->method != sa.proposal->additional[round])
        return refuse_round(context, "KE payload of " + model::name_of(ke->method) + " instead of " +
                                         model::name_of(sa.proposal->additional[round]));
    add_received(sa, request);
    crypto::KeAnswerJob job{.method = ke->method, .peer_public = keep(ke->data)};
    sa.theirs = RespondingIntermediate{};
    return context.start(std::move(job), on_answered_key);
}

}  // namespace

Result<Next> begin_ike_intermediate(Context& context) {
    IkeSa& sa = context.sa;
    const model::Ke method = sa.proposal->additional[sa.handshake().additional_done];
    sa.own = InitiatingIntermediate{.method = method};
    return context.start(crypto::KeOfferJob{method}, on_own_key);
}

std::span<const ExchangeRow> ike_intermediate_rows() {
    static constexpr std::array rows{ExchangeRow{.story = "the peer's next additional key exchange",
                                                 .exchange = ExchangeType::ike_intermediate,
                                                 .direction = Direction::request,
                                                 .role = Role::responder,
                                                 .phase = Phase::authenticating,
                                                 .required = {PayloadType::ke},
                                                 .optional = {PayloadType::notify},
                                                 .handle = receive_request},
                                     ExchangeRow{.story = "the answer to our additional key exchange",
                                                 .exchange = ExchangeType::ike_intermediate,
                                                 .direction = Direction::response,
                                                 .role = Role::initiator,
                                                 .phase = Phase::authenticating,
                                                 .required = {PayloadType::ke},
                                                 .optional = {PayloadType::notify},
                                                 .handle = receive_response},
                                     ExchangeRow{.story = "the additional key exchange is refused",
                                                 .exchange = ExchangeType::ike_intermediate,
                                                 .direction = Direction::response,
                                                 .role = Role::initiator,
                                                 .phase = Phase::authenticating,
                                                 .required = {},
                                                 .optional = {PayloadType::notify},
                                                 .handle = receive_refusal}};
    static_assert(well_formed(rows));
    return rows;
}

}  // namespace cygnet::ike
