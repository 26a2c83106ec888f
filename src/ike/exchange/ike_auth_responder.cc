#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ike/exchange/auth_common.h"
#include "ike/exchange/ike_auth.h"
#include "ike/explain.h"
#include "ike/feature/auth_announcements.h"
#include "ike/feature/childless.h"
#include "ike/feature/feature.h"
#include "ike/match.h"
#include "ike/overlap.h"
#include "ike/ppk.h"
#include "ike/unwanted.h"

namespace cygnet::ike {
namespace {

using model::ExchangeType;
using model::NotifyType;
using model::PayloadType;

std::unexpected<Error> refuse_peer(Errc code, std::string detail) {
    return end_sa(NotifyType::authentication_failed, code, "IKE_AUTH", std::move(detail));
}

// ---- which connection ---------------------------------------------------------------------------

// What an earlier round of the peer was checked against holds for another connection too if that demands the same.
bool same_demands(const model::AuthConfig& a, const model::AuthConfig& b) {
    model::AuthConfig one = a, other = b;
    one.name = other.name = {};
    one.id = other.id = {};
    return one == other;
}

// Whether the rounds that are over would have gone alike with `other`.
bool fits_past(const IkeSa& sa, const AuthRounds& rounds, const model::Connection& other) {
    const model::Connection& current = *sa.connection;
    if (&current == &other) return true;
    if (other.local.size() < rounds.own || other.remote.size() < rounds.peer.size()) return false;
    for (std::size_t i = 0; i < rounds.peer.size(); ++i)
        if (!accepts(other.remote[i].id, rounds.peer[i].id) || !same_demands(other.remote[i], current.remote[i]))
            return false;
    for (std::size_t i = 0; i < rounds.own; ++i)
        if (other.local[i].id != current.local[i].id || !same_demands(other.local[i], current.local[i])) return false;
    return true;
}

// What the peer says in one round.
struct Claim {
    model::Identity peer;
    std::optional<model::Identity> wanted;  // IDr: who it wants to talk to
    PeerProof proof;
    bool another_follows;
};

// How far a connection fits; of those that do not fit, the one that got farthest tells the operator what is wrong.
enum class Fit : std::uint8_t { nothing, proposal, earlier_rounds, rounds, own_identity, peer_identity };
struct Obstacle {
    Fit fit{};
    Explanation why{};
    bool too_few_rounds = false;  // the peer stops before it has proven all that is demanded
};

std::string used(const Claim& claim) {
    if (claim.proof.method == model::AuthMethod::null) return "no proof (NULL authentication)";
    if (claim.proof.method == model::AuthMethod::shared_key) return "a pre-shared key";
    if (claim.proof.raw_key) return "a raw public key";
    return fmt::format("{} certificates and {}", claim.proof.certificates.size(), model::name_of(claim.proof.method));
}

Explanation other_proposal(const IkeSa& sa, const model::Connection& connection) {
    return {.kind = "proposals",
            .what = "the proposal of IKE_SA_INIT is not one of connection " + connection.name,
            .ours = text_of(offered_ike_proposals(connection)),
            .theirs = sa.proposal->as_answer().text(),
            .advice = "connections for the same addresses should have the same proposals"};
}

// Why a connection is not the one that the peer means; nothing if it may be.
std::optional<Obstacle> why_not(Context& context, const model::Connection& connection, const Claim& claim) {
    IkeSa& sa = context.sa;
    const AuthRounds& rounds = sa.handshake().rounds;
    const std::size_t round = rounds.peer.size();
    // The one that IKE_SA_INIT chose has the proposal by which it was chosen.
    const bool chosen_before = &connection == sa.connection.get();
    if (!chosen_before && !fits_proposal(connection, sa.proposal)) return Obstacle{Fit::nothing, other_proposal(sa, connection)};
    if (!fits_past(sa, rounds, connection))
        return Obstacle{Fit::proposal, {.kind = "method",
                                        .what = "the authentication that is over does not fit " + connection.name,
                                        .advice = "let connections for the same peers have the same first rounds"}};
    const std::size_t count = connection.remote.size();
    if (claim.another_follows ? count <= round + 1 : count != round + 1)
        return Obstacle{Fit::earlier_rounds,
                        {.kind = "method",
                         .what = "the peer authenticates in another number of rounds than " + connection.name + " demands",
                         .ours = fmt::format("{} remote sections", count),
                         .theirs = fmt::format("{}{}", claim.another_follows ? "at least " : "",
                                               round + (claim.another_follows ? 2 : 1)),
                         .advice = "let the remote sections here mirror the local sections of the peer"},
                        !claim.another_follows && count > round + 1};
    const model::AuthConfig& local = connection.local.front();
    const model::AuthConfig& remote = connection.remote[round];
    const model::Identity own = local_identity(local, *context.core.credentials, sa.path.local.address);
    if (claim.wanted && *claim.wanted != own && !accepts(local.id, *claim.wanted))
        return Obstacle{Fit::rounds, wrong_own_identity(connection.name, own, *claim.wanted)};
    // RFC 7619 §2.4: what a peer without proof says about itself decides nothing.
    if (claim.proof.method != model::AuthMethod::null && !accepts(remote.id, claim.peer))
        return Obstacle{Fit::own_identity, wrong_peer_identity(connection.name, remote.id, claim.peer)};
    if (!may_satisfy(remote, claim.proof.method, claim.proof.certificates, claim.proof.raw_key,
                     *context.core.credentials))
        return Obstacle{Fit::peer_identity, wrong_method(connection.name, remote, used(claim))};
    return std::nullopt;
}

// Several connections fit equally far: the operator sees some of them.
std::string also_tried(const Connections& nearest) {
    std::string names;
    for (std::size_t i = 1; i < nearest.size() && i < model::limits::failure_candidates; ++i)
        names += (i == 1 ? "" : ", ") + nearest[i]->name;
    if (nearest.size() > model::limits::failure_candidates)
        names += fmt::format(" and {} more", nearest.size() - model::limits::failure_candidates);
    return ", and " + names + " fit no better";
}

// No connection fits: the nearest says what is wrong, and if it is the only one so near, the failure is its own.
std::unexpected<Error> explain_misfit(Context& context, const Claim& claim) {
    IkeSa& sa = context.sa;
    const Connections all = all_connections_for(*context.core.config, sa.path);
    std::optional<Obstacle> best;
    Connections nearest;
    for (const auto& connection : std::span(all).first(std::min(all.size(), model::limits::failure_scan))) {
        std::optional<Obstacle> obstacle = why_not(context, *connection, claim);
        if (!obstacle || (best && obstacle->fit < best->fit)) continue;
        if (best && obstacle->fit > best->fit) nearest.clear();
        if (nearest.empty()) best = std::move(obstacle);
        nearest.push_back(connection);
    }
    if (!best)
        return end_sa(NotifyType::authentication_failed, Errc::authentication, "IKE_AUTH",
                      Explanation{.kind = "no-connection",
                                  .what = "the configuration has no connection for " + sa.path.text() + " any more",
                                  .advice = "load it again"});
    if (best->too_few_rounds) context.count(model::Counter::auth_round_missing);
    if (nearest.size() > 1) best->why.ours += also_tried(nearest);
    // Later rounds keep the connection that earlier ones were checked against.
    if (nearest.size() == 1 && sa.handshake().rounds.peer.empty()) {
        sa.connection = nearest.front();
        sa.peer_id = claim.peer;
    }
    return end_sa(NotifyType::authentication_failed, Errc::authentication, "IKE_AUTH", std::move(best->why));
}

// IKE_SA_INIT chose by addresses; now both identities, the method and the proposal have a say (RFC 7296 §2.9, §3.5), and
// again in every later round. The one that names the peer's identity wins over patterns, then the more specific addresses.
Result<std::shared_ptr<const model::Connection>> select_connection(Context& context, const Claim& claim) {
    const IkeSa& sa = context.sa;
    const std::size_t round = context.sa.handshake().rounds.peer.size();
    const bool by_identity = round == 0 && claim.proof.method != model::AuthMethod::null;
    const Connections candidates = by_identity ? connections_for(*context.core.config, sa.path, claim.peer)
                                               : all_connections_for(*context.core.config, sa.path);
    std::shared_ptr<const model::Connection> best;
    for (const auto& connection : candidates) {
        if (why_not(context, *connection, claim)) continue;
        if (best == nullptr || closeness(connection->remote[round].id) > closeness(best->remote[round].id))
            best = connection;
    }
    if (best != nullptr) return best;
    return explain_misfit(context, claim);
}

// ---- what the peer asks for -----------------------------------------------------------------------

// Other SAs with the same peer: gone by its own word (INITIAL_CONTACT, §2.4), replaced, or in the way.
Result<> apply_unique_policy(Context& context, bool initial_contact) {
    const IkeSa& sa = context.sa;
    const model::UniquePolicy policy = sa.connection->unique;
    if (policy == model::UniquePolicy::never || (policy == model::UniquePolicy::no && !initial_contact)) return {};
    // RFC 7619 §2.3: whoever proved no identity has no say about the SAs of others.
    if (sa.peer_anonymous) return {};
    for (IkeSa* other : context.core.established_between(sa.own_id, sa.peer_id)) {
        if (other->closed || !other->established() || other->id == sa.id || other->peer_anonymous) continue;
        Context with_other = context.of(*other);
        if (initial_contact) {
            with_other.close(Explanation{.kind = "replaced", .what = "the peer began anew (INITIAL_CONTACT)"});
        } else if (other->path.remote == sa.path.remote) {
            // The same host without INITIAL_CONTACT: it authenticates again and deletes the old one itself (§2.8.3).
            Instant& end = other->timer(Timer::authentication_end);
            end = std::min(end, context.now + model::limits::unique_overlap);
        } else if (policy == model::UniquePolicy::replace) {
            context.alert("unique-replace", "IKE_SA " + other->name() + " is replaced by a new one of the same peer");
            with_other.enqueue(
                DeleteIkeTask{.why = {.kind = "replaced", .what = "a newer IKE SA of the same peer replaced it"}});
        } else if (policy == model::UniquePolicy::keep) {
            context.alert("unique-keep", "a second IKE_SA of the same peer is refused (unique = keep)");
            return end_sa(NotifyType::authentication_failed, Errc::state, "IKE_AUTH",
                          Explanation{.kind = "unique",
                                      .what = text_of(sa.peer_id) + " has an IKE SA already, " + other->name(),
                                      .ours = "unique = keep",
                                      .advice = "close the other one, or set unique = replace"});
        }
    }
    return {};
}

// RFC 7619 §3.2: those who prove nothing are many at will.
Result<> check_anonymous_limit(Context& context) {
    if (!context.sa.peer_anonymous || context.core.anonymous().size() < model::limits::anonymous_ike_sas) return {};
    context.count(model::Counter::anonymous_refused);
    return refuse_peer(Errc::limit, "too many IKE SAs of peers without identity (NULL authentication)");
}

struct FirstChild {
    const model::ChildConfig* config = nullptr;
    ChildTerms terms{};
    model::ChildSaSpec spec{};
};

Result<FirstChild> decide_first_child(Context& context, const wire::Message& request) {
    IkeSa& sa = context.sa;
    const ChildOffer offer{.proposals = request.find<wire::SaPayload>()->proposals,
                           .selectors = {.local = request.find<wire::TsrPayload>()->known(),
                                         .remote = request.find<wire::TsiPayload>()->known()},
                           .key_exchange = false,
                           .notices = child_notices(request, sa.peer_can.strongswan_numbers)};
    ChildDecision decision = TRY(decide_child(*sa.connection, offer, sa.child_addresses(), sa.outer()));
    TRY(check_anonymous_child(context, decision.terms.selectors));
    ChildKeys keys =
        TRY(child_keys(sa.proposal->prf, sa.protection->sk_d(), decision.terms.proposal, {}, sa.handshake().nonces()));
    ChildFrame frame = context.child_frame(context.core.allocate_child_spi(), false);
    context.settle_compression(frame.spi_in, decision.terms);
    frame.outbound_active = !twin_carries(context, decision.terms.selectors);
    model::ChildSaSpec spec = child_spec(frame, decision.terms, std::move(keys), *decision.child);
    return FirstChild{decision.child, std::move(decision.terms), std::move(spec)};
}

void add_child_answer(const Context& context, wire::MessageBuilder& answer, const FirstChild& child) {
    add_notices(answer, answered_notices(child.terms, context.core.settings.takes_tfc_padding));
    wire::SaPayload choice{};
    Writer(choice.proposals.emplace_back(child.terms.proposal->as_answer()).spi).u32(child.spec.spi_in);
    answer.add(choice);
    answer.add(wire::TsiPayload::of(child.terms.selectors.remote));
    answer.add(wire::TsrPayload::of(child.terms.selectors.local));
}

// §2.21.2: a child that cannot be made costs a notification, not the IKE SA.
void add_child_refusal(Context& context, wire::MessageBuilder& answer, const Error& error) {
    const auto notify = error.notify != 0 ? static_cast<NotifyType>(error.notify) : NotifyType::no_proposal_chosen;
    report_child_refusal(context, error);
    answer.notify(notify);
}

Result<std::optional<FirstChild>> first_child(Context& context, const wire::Message& request,
                                              wire::MessageBuilder& answer) {
    const bool childless = request.find<wire::SaPayload>() == nullptr;  // RFC 6023
    OwnedAttributes assigned;
    TRY(try_hooks(&Feature::config_assign, context, request.find<wire::CpPayload>(), assigned));
    if (!assigned.empty()) answer.add(as_payload(model::CfgType::reply, assigned));
    if (childless) return std::nullopt;
    if (context.sa.connection->childless == model::Childless::force)
        return refuse(NotifyType::no_proposal_chosen, Errc::no_match, "IKE_AUTH",
                      "children of this connection come after it, in CREATE_CHILD_SA (childless = force)");
    return std::optional(TRY(decide_first_child(context, request)));
}

// ---- the answer -------------------------------------------------------------------------------------

// The last answer. Order of effects: the child receives before the peer can know of it (§2.8), then the answer leaves.
Result<Next> finish_authentication(Context& context, wire::MessageBuilder answer) {
    const Received first = std::move(*context.sa.handshake().auth_request);
    TRY(try_hooks(&Feature::auth_accept, context, first));
    TRY(check_anonymous_limit(context));
    TRY(apply_unique_policy(context, first.message.notify(NotifyType::initial_contact) != nullptr));
    Result<std::optional<FirstChild>> child;
    const bool withheld = std::ranges::any_of(all_features(), [&](const Feature* feature) {
        return feature->withholds_child != nullptr && feature->withholds_child(context);
    });
    if (!withheld) child = first_child(context, first.message, answer);
    if (child && *child) add_child_answer(context, answer, **child);
    if (!child) add_child_refusal(context, answer, child.error());
    run_hooks(&Feature::auth_offer, context, answer);
    context.establish();
    if (child && *child) context.add_child(*(*child)->config, std::move((*child)->terms), std::move((*child)->spec));
    return context.respond(ExchangeType::ike_auth, answer);
}

// RFC 4739 §2.1: while one side has another proof to give, an answer holds nothing but ours.
Result<Next> answer_request(Context& context, const std::optional<AuthData>& auth) {
    IkeSa& sa = context.sa;
    const RespondingAuth exchange = std::move(sa.theirs.get<RespondingAuth>());
    sa.theirs.reset();
    wire::MessageBuilder answer;
    // RFC 8784 §3: without data, for the peer to know that its PPK is in use.
    if (const auto* ppk = find_ppk_negotiation(sa); ppk != nullptr && ppk->key && sa.handshake().rounds.own == 0)
        answer.notify(NotifyType::ppk_identity);
    if (auth) {
        answer.add(wire::IdrPayload{.id_type = sa.own_id->type, .data = sa.own_id->data});
        add_certificates(context, *exchange.proof, answer);
        add_auth(sa, *auth, answer);
    }
    const AuthRounds& rounds = sa.handshake().rounds;
    if (rounds.peer_left() || rounds.own_left(*sa.connection)) return context.respond(ExchangeType::ike_auth, answer);
    return finish_authentication(context, std::move(answer));
}

Result<Next> on_signed(Context& context, crypto::JobResult result) {
    auto signature = result_of<crypto::SignedAuth>(std::move(result));
    if (!signature) return refuse_peer(Errc::system, "our own signature failed: " + signature.error().text());
    return answer_request(context, AuthData{.method = signature->method, .data = std::move(signature->auth_data)});
}

Result<Next> prove_ourselves(Context& context) {
    IkeSa& sa = context.sa;
    auto& exchange = sa.theirs.get<RespondingAuth>();
    const AuthRounds& rounds = sa.handshake().rounds;
    if (!rounds.own_left(*sa.connection)) return answer_request(context, std::nullopt);
    exchange.proof = TRY(plan_next_round(context, sa.peer_id));
    Bytes octets = own_octets(sa);
    if (const auto* signature = std::get_if<SignaturePlan>(&*exchange.proof))
        return context.start(sign_job(*signature, std::move(octets)), on_signed);
    return answer_request(context, immediate_auth(context, *exchange.proof, octets));
}

// ---- the request ------------------------------------------------------------------------------------

std::unexpected<Error> report_failed_peer(Context& context, const Error& error) {
    context.count(model::Counter::authentication_failed);
    // What it says about itself has led to a connection, whose failure this is.
    if (const auto* exchange = context.sa.theirs.find<RespondingAuth>();
        exchange != nullptr && context.sa.peer_id == model::Identity{})
        context.sa.peer_id = exchange->peer_id;
    const Explanation why = explanation_of(error);
    context.alert("peer-auth-failed", "authentication of the peer failed: " + why.sentence());
    return end_sa(NotifyType::authentication_failed, Errc::authentication, "IKE_AUTH", why);
}

std::unexpected<Error> report_wrong_signature(Context& context, const Error& error) {
    count_refused_signature(context, error);
    return report_failed_peer(context, explained(error, wrong_certificate(error)));
}

Result<Next> on_ppk_spent(Context& context, crypto::JobResult result) {
    const auto spent = result_of<model::PpkAnswer>(std::move(result));
    if (!spent) {
        context.count(model::Counter::ppk_replayed);
        return report_failed_peer(context, explained(spent.error(), {.kind = "ppk",
                                                                     .what = "the one-time PPK could not be used up",
                                                                     .ours = explanation_of(spent.error()).sentence()}));
    }
    note_ppk(context.sa, *ppk_negotiation(context.sa).key);
    return prove_ourselves(context);
}

// RFC 8784: the peer has shown that it has the key. One for one time is gone before we make anything with it.
Result<Next> spend_ppk(Context& context) {
    IkeSa& sa = context.sa;
    const auto* negotiation = find_ppk_negotiation(sa);
    if (negotiation == nullptr || !negotiation->key || sa.handshake().rounds.peer.size() != 1) return prove_ourselves(context);
    if (negotiation->key->source) return use_up_ppk(context, *negotiation->key, on_ppk_spent);
    note_ppk(sa, *negotiation->key);
    return prove_ourselves(context);
}

// The first request stays until the last is answered: it asks for the child.
Result<Next> peer_verified(Context& context, const std::string& how) {
    IkeSa& sa = context.sa;
    auto& exchange = sa.theirs.get<RespondingAuth>();
    note_peer_round(context, exchange.request.message, exchange.peer_id, how);
    if (Handshake& handshake = sa.handshake(); !handshake.auth_request)
        handshake.auth_request = std::move(exchange.request);
    return spend_ppk(context);
}

Result<Next> on_verified(Context& context, crypto::JobResult result) {
    const auto verified = result_of<crypto::VerifiedPeer>(std::move(result));
    if (!verified) return report_wrong_signature(context, verified.error());
    return peer_verified(context, verified->scheme);
}

Result<> check_completeness(Context& context, const wire::Message& request) {
    const IkeSa& sa = context.sa;
    const bool offered = request.find<wire::SaPayload>() != nullptr;
    const bool selectors = request.find<wire::TsiPayload>() != nullptr && request.find<wire::TsrPayload>() != nullptr;
    const bool no_selectors =
        request.find<wire::TsiPayload>() == nullptr && request.find<wire::TsrPayload>() == nullptr;
    // RFC 6023 §3: without SA only where we said that we understand it.
    if (offered ? selectors : no_selectors && offers_childless(sa)) return {};
    context.count(model::Counter::payload_missing);
    return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "IKE_AUTH", "SA, TSi and TSr must come together");
}

Result<Next> on_key_verified(Context& context, crypto::JobResult result) {
    const auto verified = result_of<crypto::VerifiedKey>(std::move(result));
    if (!verified) return report_wrong_signature(context, verified.error());
    return peer_verified(context, verified->scheme + " by a raw public key");
}

std::unexpected<Error> unexpected_proof() {
    return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "IKE_AUTH",
                  "an AUTH payload that was not announced (ANOTHER_AUTH_FOLLOWS)");
}

// What only the first request holds.
Result<> begin_rounds(Context& context, const wire::Message& request) {
    TRY(try_hooks(&Feature::ready_for_auth, context));
    TRY(check_completeness(context, request));
    Handshake& handshake = context.sa.handshake();
    handshake.auth_message_id = request.header.message_id;
    handshake.rounds.peer_supports = request.notify(NotifyType::multiple_auth_supported) != nullptr;
    read_certificate_requests(handshake, request);
    TRY(take_auth_announcements(context, request));
    if (const auto* wanted = request.find<wire::IdrPayload>())
        handshake.peer_hints.wanted = TRY(claimed_identity(context, *wanted));
    return {};
}

// RFC 5723 §4.3.3: the ticket has chosen the connection and says who both are.
Result<Next> receive_resumed(Context& context, Received request) {
    IkeSa& sa = context.sa;
    if (const auto proven = check_resumed(context, request.message); !proven)
        return report_failed_peer(context, proven.error());
    sa.theirs = RespondingAuth{.request = std::move(request), .peer_id = sa.peer_id, .proof = {}};
    return peer_verified(context, "the keys of the resumed IKE_SA");
}

Result<Next> check_claim(Context& context) {
    IkeSa& sa = context.sa;
    const auto& exchange = sa.theirs.get<RespondingAuth>();
    const std::size_t round = sa.handshake().rounds.peer.size();
    PeerProof proof = peer_proof(context, exchange.request.message, exchange.peer_id);
    const auto* ppk = find_ppk_negotiation(sa);
    if (ppk != nullptr && !ppk->no_ppk_auth.empty() && round == 0) proof.auth_data = ppk->no_ppk_auth;
    auto checked = check_peer(sa.connection->remote[round], sa.own_id, proof, sa.proposal->prf,
                              context.core.features.of<KeyPads>(), *context.core.config, *context.core.credentials);
    if (!checked) return report_failed_peer(context, checked.error());
    if (auto* job = std::get_if<crypto::VerifyJob>(&*checked)) return context.start(std::move(*job), on_verified);
    if (auto* job = std::get_if<crypto::VerifyRawKeyJob>(&*checked))
        return context.start(std::move(*job), on_key_verified);
    return peer_verified(context, std::get<Verified>(*checked).how);
}

std::unexpected<Error> refuse_ppk(Context& context, std::string what) {
    context.count(model::Counter::ppk_refused);
    return report_failed_peer(context, explained({.code = Errc::authentication, .where = "PPK"},
                                                 {.kind = "ppk",
                                                  .what = std::move(what),
                                                  .advice = "let both sides have the same PPK under the same id"}));
}

// RFC 8784 §3, Table 1: with the PPK if we have it; else by NO_PPK_AUTH, where neither side demands one.
Result<Next> on_ppk_found(Context& context, crypto::JobResult result) {
    IkeSa& sa = context.sa;
    PpkNegotiation& negotiation = ppk_negotiation(sa);
    negotiation.key = found_ppk(context, std::move(result));
    if (negotiation.key) {
        sa.protection->mix_ppk(sa.proposal->prf, negotiation.key->key);
        return check_claim(context);
    }
    context.count(model::Counter::ppk_unknown);
    const wire::Message& request = sa.theirs.get<RespondingAuth>().request.message;
    const wire::NotifyPayload* without = request.notify(NotifyType::no_ppk_auth);
    const std::string id = model::PpkId::parse(request.notify(NotifyType::ppk_identity)->data).value_or(model::PpkId{}).text();
    const std::string unknown = "no PPK '" + id + "' is here, or not for this peer";
    if (sa.connection->ppk_use().required)
        return refuse_ppk(context, unknown + ", and " + section_of(sa.connection->name) + ".ppk_required demands one");
    if (without == nullptr) return refuse_ppk(context, unknown + ", and the peer demands one");
    if (request.find<wire::AuthPayload>()->method == model::AuthMethod::null)
        return refuse_ppk(context, unknown + ", without which NULL authentication proves nothing (RFC 8784 §5.2.3)");
    context.log(model::LogGroup::ike, 1, unknown + ": going on without");
    negotiation.no_ppk_auth = keep(without->data);
    return check_claim(context);
}

Result<Next> take_ppk(Context& context) {
    IkeSa& sa = context.sa;
    const auto* negotiation = find_ppk_negotiation(sa);
    if (negotiation == nullptr || negotiation->mode != PpkMode::auth) return check_claim(context);
    const auto* named = sa.theirs.get<RespondingAuth>().request.message.notify(NotifyType::ppk_identity);
    if (named == nullptr) return refuse_ppk(context, "the peer promised a PPK (USE_PPK) and names none (PPK_IDENTITY)");
    if (const auto id = model::PpkId::parse(named->data)) return find_ppk(context, *id, on_ppk_found);
    context.count(model::Counter::ppk_malformed);
    return on_ppk_found(context, Result<model::PpkAnswer>(model::PpkAnswer{}));
}

Result<Next> receive_request(Context& context, Received request) {
    IkeSa& sa = context.sa;
    AuthRounds& rounds = sa.handshake().rounds;
    if (!rounds.peer_left()) return unexpected_proof();
    if (rounds.peer.empty()) TRY(begin_rounds(context, request.message));
    if (rounds.resumed) return receive_resumed(context, std::move(request));
    // RFC 4739 §2.1: only if both sides announced that they know of it.
    if (!rounds.peer_supports && request.message.notify(NotifyType::another_auth_follows) != nullptr)
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "IKE_AUTH",
                      "ANOTHER_AUTH_FOLLOWS without MULTIPLE_AUTH_SUPPORTED");
    const model::Identity peer_id = TRY(claimed_identity(context, *request.message.find<wire::IdiPayload>()));
    Claim claim{.peer = peer_id,
                .wanted = sa.handshake().peer_hints.wanted,
                .proof = shown_proof(context, request.message, peer_id),
                .another_follows = request.message.notify(NotifyType::another_auth_follows) != nullptr};
    auto connection = select_connection(context, claim);
    if (!connection) return report_failed_peer(context, connection.error());
    sa.connection = std::move(*connection);
    if (rounds.own == 0)
        sa.own_id =
            local_identity(sa.connection->local.front(), *context.core.credentials, sa.path.local.address);
    sa.theirs = RespondingAuth{.request = std::move(request), .peer_id = peer_id, .proof = {}};
    return rounds.peer.empty() ? take_ppk(context) : check_claim(context);
}

// RFC 4739 §2.5: the initiator has proven itself and waits for our next proof.
Result<Next> receive_without_proof(Context& context, Received request) {
    IkeSa& sa = context.sa;
    const AuthRounds& rounds = sa.handshake().rounds;
    if (request.message.find<wire::IdiPayload>() != nullptr)
        return report_failed_peer(
            context, Error{.code = Errc::authentication,
                           .where = "IKE_AUTH",
                           .detail = "the peer wants to authenticate with EAP (it sent no AUTH payload), which this "
                                     "version does not do: use psk or pubkey on both sides"});
    if (rounds.peer_left()) {
        context.count(model::Counter::payload_missing);
        return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "IKE_AUTH", "IKE_AUTH lacks IDi and AUTH");
    }
    sa.theirs = RespondingAuth{.request = std::move(request), .peer_id = sa.peer_id, .proof = {}};
    return prove_ourselves(context);
}

}  // namespace

std::span<const ExchangeRow> ike_auth_responder_rows() {
    static constexpr std::array rows{
        ExchangeRow{.story = "the initiator proves itself and asks for a child",
                    .exchange = ExchangeType::ike_auth,
                    .direction = Direction::request,
                    .role = Role::responder,
                    .phase = Phase::authenticating,
                    .required = {PayloadType::id_i, PayloadType::auth},
                    .optional = {PayloadType::cert, PayloadType::certreq, PayloadType::id_r, PayloadType::cp,
                                 PayloadType::sa, PayloadType::ts_i, PayloadType::ts_r, PayloadType::notify,
                                 PayloadType::vendor_id},
                    .handle = receive_request},
        ExchangeRow{.story = "the initiator has proven itself before and asks for our further proof",
                    .exchange = ExchangeType::ike_auth,
                    .direction = Direction::request,
                    .role = Role::responder,
                    .phase = Phase::authenticating,
                    .required = {},
                    .optional = {PayloadType::id_i, PayloadType::notify},
                    .handle = receive_without_proof}};
    static_assert(well_formed(rows));
    return rows;
}

}  // namespace cygnet::ike
