#include "ike/exchange/ike_auth.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ike/exchange/auth_common.h"
#include "ike/exchange/informational.h"
#include "ike/explain.h"
#include "ike/feature/auth_announcements.h"
#include "ike/feature/childless.h"
#include "ike/feature/feature.h"
#include "ike/feature/ppk.h"
#include "ike/overlap.h"
#include "ike/ppk.h"
#include "ike/timers.h"
#include "ike/unwanted.h"

namespace cygnet::ike {
namespace {

using model::ExchangeType;
using model::NotifyType;
using model::PayloadType;

// The peer's identity if the configuration names exactly one: it goes out as IDr.
std::optional<model::Identity> expected_peer(IkeSa& sa) {
    if (sa.handshake().rounds.resumed) return sa.peer_id;
    const model::Identity& id = sa.connection->remote.front().id;
    if (closeness(id) < closest) return std::nullopt;
    return id;
}

// ---- the request --------------------------------------------------------------------------------

// A virtual address that we do not know yet: the offer leaves it to the responder to narrow (§2.9, §2.19).
void widen_unknown_addresses(model::TrafficSelectors& selectors) {
    for (model::TrafficSelector& selector : selectors)
        if (selector.addresses == model::AddressRange::single(model::IpAddress::any(selector.addresses.family())))
            selector.addresses = model::AddressRange::all(selector.addresses.family());
}

SelectorPair selectors_to_offer(const IkeSa& sa, const model::ChildConfig& child) {
    ChildAddresses addresses = sa.child_addresses();
    if (!sa.connection->vips.empty()) addresses.local = sa.connection->vips;
    SelectorPair selectors = configured_selectors(child, addresses, sa.outer());
    widen_unknown_addresses(selectors.local);
    if (selectors.local.empty() || selectors.remote.empty()) return selectors;
    return offered_selectors(std::move(selectors), sa.intent->packet, child.single_pair);
}

void add_config_request(Context& context, wire::MessageBuilder& message) {
    OwnedAttributes attributes;
    run_hooks(&Feature::config_request, context, attributes);
    if (!attributes.empty()) message.add(as_payload(model::CfgType::request, attributes));
}

Result<> add_child_offer(Context& context, InitiatingAuth& exchange, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    wire::SaPayload offer{offered_proposals(*exchange.child, 0, false, sa.outer().encapsulated)};
    if (offer.proposals.empty())
        return end_sa(NotifyType::none, Errc::unsupported, "esp_proposals",
                      Explanation{.kind = "proposals",
                                  .what = no_proposals(*exchange.child, sa.outer()),
                                  .ours = text_of(exchange.child->esp_proposals),
                                  .advice = "write others into its esp_proposals, or remove the key for the default"});
    SelectorPair selectors = selectors_to_offer(sa, *exchange.child);
    if (selectors.local.empty() || selectors.remote.empty())
        return end_sa(NotifyType::none, Errc::no_match, "local_ts, remote_ts", no_selectors(*exchange.child, sa.outer()));
    if (const auto possible = check_offer(*exchange.child, selectors, sa.peer_can.strongswan_numbers); !possible)
        return end_sa(NotifyType::none, possible.error().code, possible.error().where, possible.error().detail);
    exchange.spi_in = context.core.allocate_child_spi();
    for (model::Proposal& proposal : offer.proposals) {
        proposal.spi.clear();
        Writer(proposal.spi).u32(exchange.spi_in);
    }
    exchange.offered_selectors = std::move(selectors);
    exchange.notices =
        offered_notices(*exchange.child, *exchange.offered_selectors, context.core.settings.takes_tfc_padding);
    context.offer_compression(*exchange.child, exchange.spi_in, exchange.notices);
    add_notices(message, exchange.notices);
    message.add(offer);
    exchange.offered_proposals = std::move(offer.proposals);
    message.add(wire::TsiPayload::of(exchange.offered_selectors->local));
    message.add(wire::TsrPayload::of(exchange.offered_selectors->remote));
    return {};
}

// RFC 8784 §3.
void add_ppk_identity(IkeSa& sa, wire::MessageBuilder& message) {
    const auto* negotiation = find_ppk_negotiation(sa);
    if (negotiation == nullptr || !negotiation->key) return;
    message.notify(NotifyType::ppk_identity, negotiation->key->id.octets());
    if (!negotiation->no_ppk_auth.empty()) message.notify(NotifyType::no_ppk_auth, negotiation->no_ppk_auth);
}

// The first request asks for everything; those after it only carry further proofs (RFC 4739 §2.1).
Result<Next> send_request(Context& context, const AuthData& auth) {
    IkeSa& sa = context.sa;
    auto& exchange = sa.own.get<InitiatingAuth>();
    const bool first = sa.handshake().rounds.own == 0;
    wire::MessageBuilder message;
    message.add(wire::IdiPayload{.id_type = sa.own_id->type, .data = sa.own_id->data});
    add_certificates(context, *exchange.proof, message);
    if (!first) {
        add_auth(sa, auth, message);
        return context.request(ExchangeType::ike_auth, message);
    }
    if (is_first_contact(context)) message.notify(NotifyType::initial_contact);
    if (!sa.handshake().rounds.resumed) {
        message.notify(NotifyType::multiple_auth_supported);
        const auto requested = add_certificate_requests(std::array{sa.connection}, *context.core.credentials, message);
        announce_in_auth(context, message, requested);
    }
    const std::optional<model::Identity> peer = expected_peer(sa);
    if (peer) message.add(wire::IdrPayload{.id_type = peer->type, .data = peer->data});
    add_auth(sa, auth, message);
    add_ppk_identity(sa, message);
    add_config_request(context, message);
    if (exchange.child != nullptr) TRY(add_child_offer(context, exchange, message));
    run_hooks(&Feature::auth_offer, context, message);
    return context.request(ExchangeType::ike_auth, message);
}

Result<Next> on_signed(Context& context, crypto::JobResult result) {
    crypto::SignedAuth signature = TRY(result_of<crypto::SignedAuth>(std::move(result)));
    return send_request(context, {.method = signature.method, .data = std::move(signature.auth_data)});
}

Result<Next> make_proof(Context& context) {
    IkeSa& sa = context.sa;
    auto& exchange = sa.own.get<InitiatingAuth>();
    Bytes octets = own_octets(sa);
    if (const auto* signature = std::get_if<SignaturePlan>(&*exchange.proof))
        return context.start(sign_job(*signature, std::move(octets)), on_signed);
    return send_request(context, immediate_auth(context, *exchange.proof, octets));
}

Result<Next> mix_and_prove(Context& context) {
    PpkNegotiation& negotiation = ppk_negotiation(context.sa);
    negotiation.unmixed = context.sa.protection->mix_ppk(context.sa.proposal->prf, negotiation.key->key);
    return make_proof(context);
}

Result<Next> on_signed_without_ppk(Context& context, crypto::JobResult result) {
    ppk_negotiation(context.sa).no_ppk_auth = TRY(result_of<crypto::SignedAuth>(std::move(result))).auth_data;
    return mix_and_prove(context);
}

// RFC 8784 §3: AUTH is made with the PPK; NO_PPK_AUTH, by the same method, without it, unless we demand one. §5.2.3: nor with
// NULL authentication, which only the PPK makes worth anything.
Result<Next> on_ppks(Context& context, crypto::JobResult result) {
    IkeSa& sa = context.sa;
    std::vector<model::Ppk> ppks = gathered_ppks(context, std::move(result));
    const bool required = sa.connection->ppk_use().required;
    if (ppks.empty() && required) return no_ppk_at_hand(context);
    if (ppks.empty()) {
        // The responder awaits PPK_IDENTITY now: without it, only another SA that does not promise any.
        attempt_without_ppk(context);
        return begin_again(context, Explanation{.kind = "ppk", .what = "no PPK is at hand, the next attempt does without"});
    }
    PpkNegotiation& negotiation = ppk_negotiation(sa);
    negotiation.key = std::move(ppks.front());
    const LocalProof& proof = *sa.own.get<InitiatingAuth>().proof;
    if (required || std::holds_alternative<NullPlan>(proof)) return mix_and_prove(context);
    Bytes octets = own_octets(sa);
    if (const auto* signature = std::get_if<SignaturePlan>(&proof))
        return context.start(sign_job(*signature, std::move(octets)), on_signed_without_ppk);
    negotiation.no_ppk_auth = immediate_auth(context, proof, octets).data;
    return mix_and_prove(context);
}

Result<Next> prove_ourselves(Context& context, const std::optional<model::Identity>& peer) {
    IkeSa& sa = context.sa;
    sa.own.get<InitiatingAuth>().proof = TRY(plan_next_round(context, peer));
    const auto* negotiation = find_ppk_negotiation(sa);
    if (negotiation != nullptr && negotiation->mode == PpkMode::auth && !negotiation->key) return gather_ppks(context, on_ppks);
    return make_proof(context);
}

// ---- the response -------------------------------------------------------------------------------

// §2.21.2: what we cannot accept after the responder believes in us is reported in an exchange of its own. One that still
// waits for proofs (RFC 4739) takes no other exchange, and forgets us in time.
Result<Next> reject_responder(Context& context, NotifyType notify, const Error& error) {
    IkeSa& sa = context.sa;
    context.count(model::Counter::authentication_failed);
    const Explanation why = explanation_of(error);
    context.alert("peer-auth-failed", "authentication of the peer failed: " + why.sentence());
    context.finish_command(sa.take_command(), fail(error));
    auto& exchange = sa.own.get<InitiatingAuth>();
    const bool responder_waits = sa.handshake().rounds.own_left(*sa.connection) ||
                                 exchange.response.message.notify(NotifyType::another_auth_follows) != nullptr;
    if (responder_waits) return context.close(why);
    if (const std::uint32_t unused = std::exchange(exchange.spi_in, 0)) context.core.release_child_spi(unused);
    context.note_failure(why);
    return begin_report_failure(context, {.notify = notify, .why = why});
}

// Without the addresses that we asked for the IKE SA is of no use.
Result<> accept_configuration(Context& context, const wire::Message& message) {
    auto accepted = try_hooks(&Feature::config_accept, context, message.find<wire::CpPayload>());
    if (accepted) return {};
    return end_sa(NotifyType::none, accepted.error().code, accepted.error().where, accepted.error().detail);
}

// RFC 6023: the IKE SA alone. The child that it is for, if there is one, has an exchange of its own.
Result<> take_no_child(Context& context, const wire::Message& message, std::optional<CommandId>& command) {
    TRY(accept_configuration(context, message));
    const Intent& intent = *context.sa.intent;
    if (!intent.child.empty())
        context.enqueue(CreateChildTask{
            .child = intent.child, .command = std::exchange(command, std::nullopt), .packet = intent.packet});
    return {};
}

// The child that came with IKE_AUTH, or the reason why it did not.
Result<> take_first_child(Context& context, const InitiatingAuth& exchange, const wire::Message& message) {
    IkeSa& sa = context.sa;
    const auto* chosen = message.find<wire::SaPayload>();
    const auto* tsi = message.find<wire::TsiPayload>();
    const auto* tsr = message.find<wire::TsrPayload>();
    if (chosen == nullptr || tsi == nullptr || tsr == nullptr) {
        return fail(explained({.code = Errc::no_match, .where = "CHILD_SA"},
                              why_child_refused({.connection = sa.connection->name,
                                                 .child = exchange.child->name,
                                                 .proposals = exchange.offered_proposals,
                                                 .selectors = *exchange.offered_selectors},
                                                message)));
    }
    if (const auto accepted = accept_configuration(context, message); !accepted) return accepted;
    ChildTerms terms =
        TRY(check_child_answer({.proposals = exchange.offered_proposals,
                                .selectors = *exchange.offered_selectors,
                                .notices = exchange.notices,
                                .key_exchange = false},
                               {.proposals = chosen->proposals,
                                .selectors = {.local = tsi->known(), .remote = tsr->known()},
                                .notices = child_notices(message, sa.peer_can.strongswan_numbers)},
                               sa.outer()));
    TRY(check_wanted(*exchange.child, terms, nullptr));
    TRY(check_anonymous_child(context, terms.selectors));
    ChildKeys keys = TRY(child_keys(sa.proposal->prf, sa.protection->sk_d(), terms.proposal, {}, exchange.nonces()));
    model::ChildSaSpec spec =
        child_spec(context.child_frame(exchange.spi_in, true), terms, std::move(keys), *exchange.child);
    context.add_child(*exchange.child, std::move(terms), std::move(spec));
    return {};
}

// §2.21.2: without the child the IKE SA stays; a child that only the peer has is taken down.
void go_without_child(Context& context, const InitiatingAuth& exchange, const Error& why,
                      std::optional<CommandId>& command) {
    IkeSa& sa = context.sa;
    const wire::Message& message = exchange.response.message;
    const bool made_by_peer = message.find<wire::SaPayload>() != nullptr;
    const Explanation explanation = explanation_of(why);
    context.note_failure(explanation, exchange.child != nullptr ? exchange.child->name : sa.intent->child);
    context.alert("keep-on-child-sa-failure",
                  fmt::format("IKE_SA {} stays, but without its child: {}", sa.name(), explanation.sentence()));
    if (made_by_peer && why.reaction == Reaction::ignore)
        return delete_unwanted_child(context, exchange.spi_in, message, why);
    if (exchange.spi_in != 0) context.core.release_child_spi(exchange.spi_in);
    if (made_by_peer || why.reaction != Reaction::ignore) return context.enqueue(DeleteIkeTask{.why = explanation});
    // §2.9: one pair of addresses at a time; the packet that wanted the child names one.
    const bool other_pairs = message.notify(NotifyType::single_pair_required) != nullptr && !exchange.child->single_pair;
    if (other_pairs && sa.intent->packet)
        context.enqueue(CreateChildTask{.child = exchange.child->name,
                                        .command = std::exchange(command, std::nullopt),
                                        .packet = sa.intent->packet,
                                        .single_pair = true});
}

Result<Next> responder_proven(Context& context) {
    IkeSa& sa = context.sa;
    if (const auto accepted =
            try_hooks(&Feature::auth_accept, context, sa.own.get<InitiatingAuth>().response);
        !accepted)
        return reject_responder(context, NotifyType::authentication_failed, accepted.error());
    for (const Feature* feature : all_features()) {
        if (feature->leaves == nullptr) continue;
        if (auto next = feature->leaves(context)) return std::move(*next);
    }
    const InitiatingAuth exchange = std::move(sa.own.get<InitiatingAuth>());
    const wire::Message& message = exchange.response.message;
    std::optional<CommandId> command = sa.take_command();
    const auto* ppk = find_ppk_negotiation(sa);
    // RFC 8784 §6: the IKE SA itself is not protected by the PPK until it is rekeyed; a child that comes later comes after that.
    const bool rekey_first = exchange.child == nullptr && ppk != nullptr && ppk->mode == PpkMode::auth && uses_ppk(sa);
    context.establish();
    context.finish();
    if (rekey_first) context.enqueue(RekeyIkeTask{});
    Result<> done = exchange.child != nullptr ? take_first_child(context, exchange, message)
                                              : take_no_child(context, message, command);
    if (!done) go_without_child(context, exchange, done.error(), command);
    sa.forget_intent();
    context.finish_command(command, std::move(done));
    return Next::finished;
}

// RFC 4739 §2.1: the authentication is complete when neither side has another proof to give. Our next secret is used
// only after the peer's last proof has been checked.
Result<Next> continue_rounds(Context& context) {
    IkeSa& sa = context.sa;
    const AuthRounds& rounds = sa.handshake().rounds;
    const std::size_t expected = sa.connection->remote.size();
    if (rounds.peer_follows && rounds.peer.size() >= expected)
        return reject_responder(
            context, NotifyType::authentication_failed,
            Error{.code = Errc::authentication,
                  .where = "IKE_AUTH",
                  .detail = fmt::format("the peer wants to prove a further identity, connection {} has only {} remote "
                                        "section(s)",
                                        sa.connection->name, expected)});
    if (rounds.resumed) return responder_proven(context);
    if (rounds.own_left(*sa.connection)) return prove_ourselves(context, sa.peer_id);
    if (rounds.peer_follows) {
        wire::MessageBuilder nothing;
        return context.request(ExchangeType::ike_auth, nothing);
    }
    if (rounds.peer.size() < expected) {
        context.count(model::Counter::auth_round_missing);
        return reject_responder(
            context, NotifyType::authentication_failed,
            Error{.code = Errc::authentication,
                  .where = "IKE_AUTH",
                  .detail = fmt::format("the peer proved {} identity, connection {} expects {} (its remote sections)",
                                        rounds.peer.size(), sa.connection->name, expected)});
    }
    return responder_proven(context);
}

// RFC 8784 §3: the responder says by PPK_IDENTITY, whatever is in it, that it has the key. Otherwise its AUTH is made without.
Result<> settle_ppk(IkeSa& sa, const wire::Message& response) {
    PpkNegotiation& negotiation = ppk_negotiation(sa);
    if (!negotiation.unmixed) return {};
    Protection::Unmixed before = std::move(*negotiation.unmixed);
    negotiation.unmixed.reset();
    if (response.notify(NotifyType::ppk_identity) != nullptr) {
        note_ppk(sa, *negotiation.key);
        return {};
    }
    const bool null = response.find<wire::AuthPayload>()->method == model::AuthMethod::null;
    if (negotiation.no_ppk_auth.empty() || null)
        return fail(explained({.code = Errc::authentication, .where = "PPK"},
                              {.kind = "ppk",
                               .what = "the peer did not use the PPK '" + negotiation.key->id.text() + "', without which " +
                                       (null ? "its NULL authentication proves nothing"
                                             : section_of(sa.connection->name) + ".ppk_required lets no IKE SA be"),
                               .advice = "load it at the peer under the same id"}));
    sa.protection->take_back(std::move(before));
    return {};
}

Result<Next> peer_verified(Context& context, const std::string& how) {
    const auto& exchange = context.sa.own.get<InitiatingAuth>();
    note_peer_round(context, exchange.response.message, exchange.peer_id, how);
    return continue_rounds(context);
}

Result<Next> reject_signature(Context& context, const Error& error) {
    count_refused_signature(context, error);
    return reject_responder(context, NotifyType::authentication_failed, explained(error, wrong_certificate(error)));
}

Result<Next> on_verified(Context& context, crypto::JobResult result) {
    const auto verified = result_of<crypto::VerifiedPeer>(std::move(result));
    if (!verified) return reject_signature(context, verified.error());
    return peer_verified(context, verified->scheme);
}

Result<Next> on_key_verified(Context& context, crypto::JobResult result) {
    const auto verified = result_of<crypto::VerifiedKey>(std::move(result));
    if (!verified) return reject_signature(context, verified.error());
    return peer_verified(context, verified->scheme + " by a raw public key");
}

Result<Next> receive_response(Context& context, Received response) {
    IkeSa& sa = context.sa;
    auto* exchange = sa.own.find<InitiatingAuth>();
    if (exchange == nullptr) return ignore(Errc::state, "IKE_AUTH", "a response that nobody waits for");
    const AuthRounds& rounds = sa.handshake().rounds;
    if (!rounds.peer_left())
        return reject_responder(context, NotifyType::invalid_syntax,
                                Error{.code = Errc::bad_value,
                                      .where = "IKE_AUTH",
                                      .detail = "the peer sent an AUTH payload that it had not announced "
                                                "(ANOTHER_AUTH_FOLLOWS)"});
    exchange->response = std::move(response);
    const wire::Message& message = exchange->response.message;
    if (const auto settled = settle_ppk(sa, message); !settled) {
        context.count(model::Counter::ppk_refused);
        return reject_responder(context, NotifyType::authentication_failed, settled.error());
    }
    if (rounds.resumed) {
        exchange->peer_id = sa.peer_id;
        if (const auto proven = check_resumed(context, message); !proven)
            return reject_responder(context, NotifyType::authentication_failed, proven.error());
        return peer_verified(context, "the keys of the resumed IKE_SA");
    }
    auto claimed = claimed_identity(context, *message.find<wire::IdrPayload>());
    if (!claimed) return reject_responder(context, NotifyType::invalid_syntax, claimed.error());
    exchange->peer_id = std::move(*claimed);
    const PeerProof proof = peer_proof(context, message, exchange->peer_id);
    auto checked = check_peer(sa.connection->remote[rounds.peer.size()], sa.own_id, proof, sa.proposal->prf,
                              context.core.features.of<KeyPads>(), *context.core.config, *context.core.credentials);
    if (!checked) return reject_responder(context, NotifyType::authentication_failed, checked.error());
    if (auto* job = std::get_if<crypto::VerifyJob>(&*checked)) return context.start(std::move(*job), on_verified);
    if (auto* job = std::get_if<crypto::VerifyRawKeyJob>(&*checked))
        return context.start(std::move(*job), on_key_verified);
    return peer_verified(context, std::get<Verified>(*checked).how);
}

// RFC 4739 §2.4: a responder that has proven itself answers our further proofs without AUTH. A child that it refuses
// comes as an error in the last of these answers.
bool goes_on_without_proof(IkeSa& sa, const wire::NotifyPayload* error) {
    const AuthRounds& rounds = sa.handshake().rounds;
    if (rounds.peer_left()) return false;
    if (error == nullptr) return true;
    return !rounds.own_left(*sa.connection) && error->message_type != NotifyType::authentication_failed &&
           error->message_type != NotifyType::invalid_syntax;
}

Result<Next> receive_without_proof(Context& context, Received response) {
    const wire::NotifyPayload* error = response.message.error();
    auto* exchange = context.sa.own.find<InitiatingAuth>();
    if (exchange == nullptr) return ignore(Errc::state, "IKE_AUTH", "a response that nobody waits for");
    if (goes_on_without_proof(context.sa, error)) {
        exchange->response = std::move(response);
        return continue_rounds(context);
    }
    Explanation why = refused_by_peer(context.sa, response.message);
    if (context.sa.handshake().rounds.resumed) return begin_again(context, why);
    if (error == nullptr) context.count(model::Counter::payload_missing);
    if (error != nullptr && error->message_type == NotifyType::authentication_failed) {
        if (tries_other_padding(context))
            return begin_again(context, Explanation{.kind = "signature",
                                                    .what = "the peer refused a signature with RSA-PSS, the next attempt is "
                                                            "made with PKCS#1"});
        context.count(model::Counter::authentication_failed);
        context.alert("local-auth-failed", why.sentence());
    }
    return end_sa(NotifyType::none, Errc::authentication, "IKE_AUTH", std::move(why));
}

}  // namespace

Result<Next> begin_ike_auth(Context& context) {
    IkeSa& sa = context.sa;
    sa.handshake().auth_message_id = sa.window.next_request();
    InitiatingAuth exchange;
    exchange.child = TRY(child_of_ike_auth(sa));
    exchange.nonce_i = sa.handshake().nonce_i;
    exchange.nonce_r = sa.handshake().nonce_r;
    sa.own = std::move(exchange);
    if (sa.connection->local.size() > 1 && !sa.handshake().rounds.peer_supports)
        context.log(model::LogGroup::ike, 1,
                    "the peer takes one authentication only (no MULTIPLE_AUTH_SUPPORTED): the first local section is "
                    "used");
    recall_padding(context);
    return prove_ourselves(context, expected_peer(sa));
}

std::span<const ExchangeRow> ike_auth_initiator_rows() {
    static constexpr std::array rows{
        ExchangeRow{.story = "the responder proves itself and accepts or refuses the child",
                    .exchange = ExchangeType::ike_auth,
                    .direction = Direction::response,
                    .role = Role::initiator,
                    .phase = Phase::authenticating,
                    .required = {PayloadType::id_r, PayloadType::auth},
                    .optional = {PayloadType::cert, PayloadType::cp, PayloadType::sa, PayloadType::ts_i,
                                 PayloadType::ts_r, PayloadType::notify},
                    .handle = receive_response},
        ExchangeRow{.story = "the responder does not accept us, or it has proven itself before",
                    .exchange = ExchangeType::ike_auth,
                    .direction = Direction::response,
                    .role = Role::initiator,
                    .phase = Phase::authenticating,
                    .required = {},
                    .optional = {PayloadType::cp, PayloadType::sa, PayloadType::ts_i, PayloadType::ts_r,
                                 PayloadType::notify},
                    .handle = receive_without_proof}};
    static_assert(well_formed(rows));
    return rows;
}

}  // namespace cygnet::ike
