#include "ike/exchange/ike_sa_init.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crypto/prf.h"
#include "ike/exchange/auth_common.h"
#include "ike/exchange/first_keys.h"
#include "ike/exchange/ike_auth.h"
#include "ike/explain.h"
#include "ike/feature/auth_announcements.h"
#include "ike/feature/feature.h"
#include "ike/match.h"
#include "ike/private_numbers.h"
#include "ike/puzzle.h"
#include "ike/trace.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::ExchangeType;
using model::LogGroup;
using model::NotifyType;
using model::PayloadType;

constexpr std::size_t notify_header_octets = 4;  // of the Notify payload, before its data

Bytes network_order(model::Ke method) {
    Bytes octets;
    Writer(octets).u16(static_cast<std::uint16_t>(method));
    return octets;
}

// ---- initiator ----------------------------------------------------------------------------------

// §2.6: the cookie comes first and everything else is as before.
Result<Next> send_request(Context& context) {
    auto& init = context.sa.own.get<InitiatingSaInit>();
    Handshake& handshake = context.sa.handshake();
    wire::MessageBuilder message;
    if (!init.cookie.empty()) message.notify(NotifyType::cookie, init.cookie);
    if (!init.puzzle_solution.empty()) message.add(wire::PsPayload{init.puzzle_solution});
    wire::SaPayload offer{std::move(init.proposals)};
    message.add(offer);
    init.proposals = std::move(offer.proposals);
    message.add(wire::KePayload{.method = init.offer->method, .data = init.offer->public_value});
    message.add(wire::NoncePayload{handshake.nonce_i});
    run_hooks(&Feature::offer, context, message);
    handshake.init_request = message.finish(context.request_header(ExchangeType::ike_sa_init));
    return context.request_in_clear(handshake.init_request);
}

Result<Next> on_own_key(Context& context, crypto::JobResult result) {
    context.sa.own.get<InitiatingSaInit>().offer = TRY(result_of<crypto::KeOffer>(std::move(result)));
    return send_request(context);
}

Result<Next> on_shared_secret(Context& context, crypto::JobResult result) {
    auto shared_secret = result_of<SecretBytes>(std::move(result));
    if (!shared_secret) {
        context.count(Counter::bad_ke_value);
        return end_sa(NotifyType::none, Errc::bad_value, "IKE_SA_INIT",
                      "the peer's KE payload: " + shared_secret.error().text());
    }
    TRY(take_first_keys(context, *shared_secret));
    context.log(LogGroup::ike, 1, "selected proposal " + context.sa.proposal->as_answer().text());
    return continue_handshake(context);
}

std::unexpected<Error> wrong_choice(Context& context, Explanation why) {
    context.count(Counter::wrong_choice);
    return end_sa(NotifyType::none, Errc::no_match, "IKE_SA_INIT", std::move(why));
}
std::unexpected<Error> wrong_choice(Context& context, const char* what) {
    return wrong_choice(context, Explanation{.what = what});
}

bool runs_private_use(const model::ChosenProposal& choice) {
    return model::is_private_use(choice.ke) || std::ranges::any_of(choice.additional, model::is_private_use);
}

Result<Next> receive_response(Context& context, Received response) {
    IkeSa& sa = context.sa;
    auto* init = sa.own.find<InitiatingSaInit>();
    TRY(check_first_answer(context, init != nullptr && init->offer, response.message.header));
    TRY(try_hooks(&Feature::believe_first, context, response));
    run_hooks(&Feature::accept, context, response);
    const auto& answer = response.message.find<wire::SaPayload>()->proposals;
    if (answer.size() != 1) return wrong_choice(context, "the responder chose not exactly one proposal");
    auto choice = model::check_choice(init->proposals, answer.front(),
                                      {.additional_key_exchanges = sa.handshake().intermediate_supported});
    // §3.3.6: the initiator ends an exchange whose answer is none of its offers.
    if (!choice)
        return wrong_choice(context,
                            {.kind = "proposals",
                             .what = "the peer chose what we did not offer",
                             .ours = text_of(init->proposals),
                             .theirs = answer.front().text(),
                             .advice = "the peer does not follow RFC 7296 §3.3.6: offer it a single proposal"});
    if (!sa.peer_can.cygnet_numbers && runs_private_use(*choice))
        return wrong_choice(context, "the responder chose a number of private use and does not say by Vendor ID that it knows what it means");
    sa.proposal = std::move(*choice);
    const auto* ke = response.message.find<wire::KePayload>();
    if (ke->method != sa.proposal->ke || ke->method != init->offer->method)
        return wrong_choice(context, "the responder's KE payload is of another method than the chosen proposal");
    take_first_answer(sa, response);
    Handshake& handshake = sa.handshake();
    read_certificate_requests(handshake, response.message);
    // RFC 4739 §2.1: the responder announces it here, the initiator in its first IKE_AUTH request.
    handshake.rounds.peer_supports = response.message.notify(NotifyType::multiple_auth_supported) != nullptr;
    crypto::KeFinishJob job{.offer = std::move(*init->offer), .peer_public = keep(ke->data)};
    return context.start(std::move(job), on_shared_secret);
}

Result<Next> on_puzzle_solved(Context& context, crypto::JobResult result) {
    auto solved = result_of<crypto::SolvedPuzzle>(std::move(result));
    if (solved) context.sa.own.get<InitiatingSaInit>().puzzle_solution = std::move(solved->keys);
    return send_request(context);
}

// RFC 8019 §7.1.2: worth our while, or what we have always done with a cookie.
std::optional<crypto::Puzzle> acceptable_puzzle(const Context& context, const wire::NotifyPayload* notification) {
    if (notification == nullptr) return std::nullopt;
    const auto puzzle = parse_puzzle(notification->data);
    if (puzzle && crypto::prf_size(puzzle->prf) != 0 &&
        puzzle->difficulty <= context.core.settings.puzzle_difficulty_accepted)
        return puzzle;
    return std::nullopt;
}

Result<Next> repeat_with_cookie(Context& context, InitiatingSaInit& init, ByteView cookie,
                                const wire::NotifyPayload* puzzle_notification) {
    if (cookie.empty() || cookie.size() > model::limits::cookie_octets_max)
        return ignore(Errc::bad_length, "COOKIE", "it must have 1 to 64 octets");
    init.cookie = keep(cookie);
    init.puzzle_solution.clear();
    context.sa.window.withdraw_request();
    if (const auto puzzle = acceptable_puzzle(context, puzzle_notification)) {
        context.log(LogGroup::ike, 1, fmt::format("the peer is under load, solving its puzzle of {} bits", puzzle->difficulty));
        return context.start(crypto::PuzzleJob{.puzzle = *puzzle, .octets = init.cookie}, on_puzzle_solved);
    }
    if (puzzle_notification != nullptr) {
        context.count(Counter::puzzle_refused);
        context.log(LogGroup::ike, 1, "the peer's puzzle is harder than what we accept, the cookie alone goes back");
    }
    return send_request(context);
}

// §1.2: again with the group that the responder wants, if it is one of ours; the whole set is offered again.
Result<Next> repeat_with_method(Context& context, InitiatingSaInit& init, ByteView data) {
    Reader reader(data);
    const auto number = reader.u16("INVALID_KE_PAYLOAD");
    if (!number || !reader.empty()) return ignore(Errc::bad_length, "INVALID_KE_PAYLOAD", "it must have 2 octets");
    const auto method = static_cast<model::Ke>(*number);
    const model::Transform wanted = model::Transform::of(method);
    const bool offered = std::ranges::any_of(init.proposals, [&](const model::Proposal& proposal) {
        return std::ranges::find(proposal.transforms, wanted) != proposal.transforms.end();
    });
    if (!offered || method == init.offer->method)
        return ignore(Errc::bad_value, "INVALID_KE_PAYLOAD",
                      "it asks for " + model::name_of(method) + ", which is no answer to our offer");
    context.count(Counter::invalid_ke_payload);
    context.log(LogGroup::ike, 1,
                fmt::format("the peer did not accept {}, it asks for {}", model::name_of(init.offer->method),
                            model::name_of(method)));
    context.sa.window.withdraw_request();
    init.offer.reset();
    return context.start(crypto::KeOfferJob{method}, on_own_key);
}

// Nobody has authenticated these: they may be forged. A cookie and another group only cost a round trip; the rest is
// remembered as a hint while the request is repeated (§2.21.1). NO_PROPOSAL_CHOSEN alone ends the attempt at
// once: docs/decisions has the reason.
Result<Next> receive_notification(Context& context, Received response) {
    auto* init = context.sa.own.find<InitiatingSaInit>();
    if (init == nullptr || !init->offer || !context.sa.window.awaits_response(0))
        return ignore(Errc::state, "IKE_SA_INIT", "a response that nobody waits for");
    for (const Feature* feature : all_features()) {
        if (feature->first_refused == nullptr) continue;
        if (auto next = feature->first_refused(context, response)) return std::move(*next);
    }
    const wire::Message& message = response.message;
    const wire::NotifyPayload* cookie = message.notify(NotifyType::cookie);
    const wire::NotifyPayload* invalid_ke = message.notify(NotifyType::invalid_ke_payload);
    const wire::NotifyPayload* puzzle = message.notify(NotifyType::puzzle);
    // RFC 8019 §7.1.2: nobody can solve it without its cookie.
    if (puzzle != nullptr && cookie == nullptr) {
        context.count(Counter::puzzle_refused);
        return ignore(Errc::bad_value, "PUZZLE", "a puzzle without a cookie, the request is still repeated");
    }
    if (cookie != nullptr || invalid_ke != nullptr) {
        if (++init->retries > model::limits::sa_init_retries) {
            context.count(Counter::too_many_retries);
            return end_sa(
                NotifyType::none, Errc::limit, "IKE_SA_INIT",
                Explanation{.kind = "limit",
                            .what = fmt::format("the responder sent us round {} times with cookies and key exchange methods",
                                                model::limits::sa_init_retries),
                            .advice = "it, or a NAT whose address changes with each packet, never believes where we are; its "
                                      "log says whether our cookies come back right"});
        }
        return cookie != nullptr ? repeat_with_cookie(context, *init, cookie->data, puzzle)
                                 : repeat_with_method(context, *init, invalid_ke->data);
    }
    const wire::NotifyPayload* error = message.error();
    if (error == nullptr) return ignore(Errc::bad_value, "IKE_SA_INIT", "a response without SA, KE and Nonce");
    if (error->message_type == NotifyType::no_proposal_chosen) {
        context.count(Counter::no_proposal_chosen);
        Explanation why = proposals_refused(section_of(context.sa.connection->name) + ".proposals", init->proposals);
        if (context.sa.connection->post_quantum == model::PostQuantum::required)
            why.advice += "; what runs no post-quantum key exchange is not offered (post_quantum = required)";
        context.alert("proposal-mismatch-ike", why.sentence());
        return end_sa(NotifyType::none, Errc::no_match, "IKE_SA_INIT", std::move(why));
    }
    // RFC 9329 §6.4: no better answer will come through this stream.
    if (response.path.tcp())
        return end_sa(NotifyType::none, Errc::no_match, "IKE_SA_INIT",
                      "the peer answered " + model::name_of(error->message_type));
    init->hint = "it, or somebody else, answered " + model::name_of(error->message_type);
    context.log(
        LogGroup::ike, 1,
        "received an unauthenticated " + model::name_of(error->message_type) + ", the request is still repeated");
    return ignore(Errc::state, "IKE_SA_INIT", init->hint);
}

// ---- responder ----------------------------------------------------------------------------------

struct Choice {
    std::shared_ptr<const model::Connection> connection;
    model::ChosenProposal proposal;
};

// The first connection, by addresses, whose proposals have something in common with the offer. IKE_AUTH may find another.
std::optional<Choice> choose_connection(const Stranger& stranger) {
    const auto candidates = connections_for(*stranger.core.config, stranger.request.path);
    if (candidates.empty()) {
        const model::Path& path = stranger.request.path;
        stranger.explain({.kind = "no-connection",
                          .what = fmt::format("no connection is configured for {} calling {}", path.remote.address.text(),
                                              path.local.address.text()),
                          .advice = fmt::format("let remote_addrs of one contain {} and its local_addrs {}, or take the keys out",
                                                path.remote.address.text(), path.local.address.text())});
        return std::nullopt;
    }
    const wire::Message& message = stranger.request.message;
    const bool intermediate = message.notify(NotifyType::intermediate_exchange_supported) != nullptr;
    const auto& offered = message.find<wire::SaPayload>()->proposals;
    const bool private_numbers = knows_our_numbers(message);
    const model::SelectionRules rules{.additional_key_exchanges = intermediate};
    for (const auto& connection : candidates) {
        auto chosen = model::choose(offered_ike_proposals(*connection, private_numbers), offered, rules);
        if (chosen) return Choice{connection, std::move(*chosen)};
    }
    // The nearest by addresses stands for all; it is its failure if it expects this very peer.
    const model::Connection& nearest = *candidates.front();
    const auto configured = configured_ike_proposals(nearest, private_numbers);
    Explanation why = no_common_proposal({.setting = section_of(nearest.name) + ".proposals",
                                          .configured = configured,
                                          .policy = {.post_quantum = nearest.post_quantum}},
                                         offered, rules);
    if (why.kind == classic_offer) stranger.core.counters.add(Counter::post_quantum_refused);
    const model::Endpoint& remote = stranger.request.path.remote;
    stranger.effects.push_back(Report{model::Alert{
        .type = "proposal-mismatch-ike", .message = remote.text() + ": " + why.sentence(), .sa = {}}});
    stranger.explain(std::move(why), expects_address(nearest, remote.address) ? nearest.name : std::string());
    return std::nullopt;
}

// Some extension has another answer; never one that is larger than the request.
bool refused_by_feature(const Stranger& stranger, const model::Connection& connection) {
    for (const Feature* feature : all_features()) {
        if (feature->refuse_first == nullptr) continue;
        const auto refusal = feature->refuse_first(stranger.core, connection, stranger.request);
        if (!refusal) continue;
        const std::size_t octets =
            wire::header_size + wire::generic_header_size + notify_header_octets + refusal->data.size();
        if (octets > stranger.request.octets.size()) continue;
        if (refusal->why)
            stranger.explain(*refusal->why, expects_address(connection, stranger.request.path.remote.address) ? connection.name
                                                                                                             : std::string());
        trace_stateless(stranger.core, stranger.effects, false, stranger.request.message, stranger.request.octets.size());
        stranger.answer(refusal->type, refusal->data);
        return true;
    }
    return false;
}

// The answer with our choice and our half of the key exchange.
Next answer_request(Context& context, ByteView public_value) {
    IkeSa& sa = context.sa;
    Handshake& handshake = sa.handshake();
    wire::MessageBuilder message;
    wire::SaPayload choice{};
    choice.proposals.push_back(sa.proposal->as_answer());
    message.add(choice);
    message.add(wire::KePayload{.method = sa.proposal->ke, .data = public_value});
    message.add(wire::NoncePayload{handshake.nonce_r});
    run_hooks(&Feature::offer, context, message);
    message.notify(NotifyType::multiple_auth_supported);
    // §3.7: which connection the peer means is known in IKE_AUTH only.
    const std::vector<Bytes> requested =
        add_certificate_requests(connections_for(*context.core.config, sa.path), *context.core.credentials, message);
    announce_in_first_answer(context, message, requested);
    handshake.init_response = message.finish(context.response_header(ExchangeType::ike_sa_init));
    context.log(LogGroup::ike, 1, "selected proposal " + choice.proposals.front().text());
    return context.respond_in_clear(handshake.init_response);
}

Result<Next> on_own_share(Context& context, crypto::JobResult result) {
    crypto::KeOffer share = TRY(result_of<crypto::KeOffer>(std::move(result)));
    const Next next = answer_request(context, share.public_value);
    context.sa.handshake().own_share = std::move(share);
    return next;
}

// A KEM has one step: with the ciphertext comes the secret.
Result<Next> on_encapsulated(Context& context, crypto::JobResult result) {
    auto answer = result_of<crypto::KeAnswer>(std::move(result));
    if (!answer) {
        context.count(Counter::bad_ke_value);
        return context.close("the KE payload is not acceptable: " + answer.error().text());
    }
    const Next next = answer_request(context, answer->public_value);
    TRY(take_first_keys(context, answer->shared_secret));
    return next;
}

Next start_answer(Context& context, ByteView peer_public) {
    const model::Ke method = context.sa.proposal->ke;
    if (crypto::shape_of(method)->kem)
        return context.start(crypto::KeAnswerJob{.method = method, .peer_public = keep(peer_public)}, on_encapsulated);
    context.sa.handshake().peer_share = keep(peer_public);
    return context.start(crypto::KeOfferJob{method}, on_own_share);
}

void begin_responder(const Stranger& stranger, const Received& request, Choice choice, Standing standing) {
    IkeSa& sa = stranger.admit(std::move(choice.connection), std::move(choice.proposal), standing);
    Context context{
        .core = stranger.core, .sa = sa, .now = stranger.now, .effects = stranger.effects, .slot = Slot::theirs};
    context.log(LogGroup::ike, 0, request.path.remote.text() + " is initiating an IKE_SA");
    start_answer(context, request.message.find<wire::KePayload>()->data);
}

}  // namespace

void Stranger::explain(Explanation why, const std::string& connection) const {
    log(why.sentence());
    core.failures.note({.connection = connection,
                        .child = {},
                        .why = std::move(why),
                        .phase = model::name_of(request.message.header.exchange),
                        .peer = request.path.remote,
                        .when = now});
}

void Stranger::log(std::string message) const {
    effects.push_back(Report{model::LogLine{
        .group = LogGroup::ike, .level = 1, .message = request.path.remote.text() + ": " + std::move(message)}});
}

void Stranger::answer(NotifyType type, ByteView data) const {
    wire::MessageBuilder message;
    message.notify(type, data);
    wire::Header header = request.message.header;
    header.initiator = false;
    header.response = true;
    header.spi_r = 0;
    Bytes datagram = message.finish(header);
    if (datagram.size() > request.octets.size()) return;  // Nobody is made to flood another.
    if (const auto sent = wire::parse_message(datagram)) trace_stateless(core, effects, true, *sent, datagram.size());
    effects.push_back(Send{.path = request.path, .datagram = std::move(datagram)});
}

bool Stranger::has_room(Standing standing) const {
    if (core.sas().size() < model::limits::ike_sas && core.admission.has_room(standing, request.path.remote.address))
        return true;
    core.counters.add(Counter::half_open_refused);
    log("not answered: too many IKE SAs wait for their peer's authentication");
    return false;
}

IkeSa& Stranger::admit(std::shared_ptr<const model::Connection> connection, model::ChosenProposal proposal,
                       Standing standing) const {
    IkeSa& sa = core.create_sa(false, std::move(connection), request.path);
    sa.spis.initiator = request.message.header.spi_i;
    sa.init_address = request.path.remote.address;
    sa.proposal = std::move(proposal);
    core.admission.opened(sa.id, standing, sa.init_address);
    sa.timer(Timer::half_open) = now + core.admission.patience();
    core.index_first_request(sa);
    Context context{.core = core, .sa = sa, .now = now, .effects = effects, .slot = Slot::theirs};
    trace_received(context, request.message, request.octets.size());
    run_hooks(&Feature::accept, context, request);
    Handshake& handshake = sa.handshake();
    handshake.worked = standing == Standing::worked;
    handshake.init_request = request.octets;
    handshake.init_digest = crypto::sha2_256({request.octets});
    handshake.nonce_i = keep(request.message.find<wire::NoncePayload>()->data);
    handshake.nonce_r = core.rng.bytes(model::limits::nonce_octets);
    sa.window.begin_request();
    return sa;
}

// The request of a stranger: every check that needs no state first.
void receive_ike_sa_init_request(Core& core, const Received& request, Standing standing, Instant now,
                                 Effects& effects) {
    const Stranger stranger{core, request, now, effects};
    const wire::Message& message = request.message;
    const auto* sa = message.find<wire::SaPayload>();
    const auto* ke = message.find<wire::KePayload>();
    const auto* nonce = message.find<wire::NoncePayload>();
    if (sa == nullptr || ke == nullptr || nonce == nullptr) {
        core.counters.add(Counter::payload_missing);
        stranger.log("IKE_SA_INIT without SA, KE or Nonce");
        if (core.may_reply_to_stranger(now)) stranger.answer(NotifyType::invalid_syntax);
        return;
    }
    if (!stranger.has_room(standing)) return trace_stateless(core, effects, false, message, request.octets.size());
    std::optional<Choice> choice = choose_connection(stranger);
    if (!choice) {
        core.counters.add(Counter::no_proposal_chosen);
        trace_stateless(core, effects, false, message, request.octets.size());
        return stranger.answer(NotifyType::no_proposal_chosen);
    }
    if (refused_by_feature(stranger, *choice->connection)) return;
    if (ke->method != choice->proposal.ke) {
        core.counters.add(Counter::invalid_ke_payload);
        trace_stateless(core, effects, false, message, request.octets.size());
        stranger.log(fmt::format("KE payload of {}, but {} is chosen", model::name_of(ke->method),
                                 model::name_of(choice->proposal.ke)));
        return stranger.answer(NotifyType::invalid_ke_payload, network_order(choice->proposal.ke));
    }
    // RFC 7296 §3.4: the length follows from the group. Whether the value is in it, the computation will show.
    if (ke->data.size() != crypto::shape_of(ke->method)->initiator_size) {
        core.counters.add(Counter::bad_ke_value);
        stranger.log(fmt::format("KE payload of {} with {} octets", model::name_of(ke->method), ke->data.size()));
        if (core.may_reply_to_stranger(now)) stranger.answer(NotifyType::invalid_syntax);
        return;
    }
    begin_responder(stranger, request, std::move(*choice), standing);
}

Result<> check_first_answer(Context& context, bool awaited, const wire::Header& header) {
    const char* exchange = header.exchange == ExchangeType::ike_sa_init ? "IKE_SA_INIT" : "IKE_SESSION_RESUME";
    if (!awaited || !context.sa.window.awaits_response(0))
        return ignore(Errc::state, exchange, "a response that nobody waits for");
    if (header.spi_r == 0) return ignore(Errc::bad_value, exchange, "the responder's SPI is zero");
    return {};
}

void take_first_answer(IkeSa& sa, const Received& response) {
    sa.window.response_received();
    sa.spis.responder = response.message.header.spi_r;
    sa.handshake().init_response = response.octets;
    sa.handshake().nonce_r = keep(response.message.find<wire::NoncePayload>()->data);
}

Result<Next> begin_first_exchange(Context& context) {
    for (const Feature* feature : all_features()) {
        if (feature->first_exchange == nullptr) continue;
        if (auto next = feature->first_exchange(context)) return std::move(*next);
    }
    return begin_ike_sa_init(context);
}

Result<Next> begin_ike_sa_init(Context& context) {
    IkeSa& sa = context.sa;
    InitiatingSaInit init{.proposals = offered_ike_proposals(*sa.connection)};
    if (init.proposals.empty())
        return end_sa(NotifyType::none, Errc::unsupported, "proposals",
                      Explanation{.kind = "proposals",
                                  .what = "this build can run no IKE proposal of connection " + sa.connection->name,
                                  .ours = text_of(sa.connection->proposals),
                                  .advice = "write others into " + section_of(sa.connection->name) +
                                            ".proposals, or remove the key for the default"});
    const model::Ke method =
        static_cast<model::Ke>(init.proposals.front().of_type(model::TransformType::ke).front().id);
    sa.handshake().nonce_i = context.core.rng.bytes(model::limits::nonce_octets);
    context.log(LogGroup::ike, 0, fmt::format("initiating IKE_SA {} to {}", sa.name(), sa.path.remote.address.text()));
    sa.own = std::move(init);
    return context.start(crypto::KeOfferJob{method}, on_own_key);
}

Result<Next> continue_handshake(Context& context) {
    for (const Feature* feature : all_features()) {
        if (feature->next_exchange == nullptr) continue;
        if (auto next = feature->next_exchange(context)) return std::move(*next);
    }
    return begin_ike_auth(context);
}

std::span<const ExchangeRow> ike_sa_init_rows() {
    static constexpr auto rows = first_answer_rows(
        {.story = "the responder's choice, key and nonce",
         .exchange = ExchangeType::ike_sa_init,
         .required = {PayloadType::sa, PayloadType::ke, PayloadType::nonce},
         .optional = {PayloadType::notify, PayloadType::certreq, PayloadType::vendor_id},
         .handle = receive_response},
        {.story = "a cookie, another group, or a hint why not", .handle = receive_notification});
    static_assert(well_formed(rows));
    return rows;
}

}  // namespace cygnet::ike
