#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ike/exchange/auth_common.h"
#include "ike/exchange/ike_auth.h"
#include "ike/feature/childless.h"
#include "ike/feature/feature.h"
#include "ike/match.h"
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

bool fits_method(const model::AuthConfig& remote, model::AuthMethod method) {
    if (remote.auth == model::AuthClass::any) return true;
    return (method == model::AuthMethod::shared_key) == (remote.auth == model::AuthClass::psk);
}

bool fits_proposal(const model::Connection& connection, const model::ChosenProposal& chosen) {
    const model::Proposal as_offer{.number = 1, .protocol = model::Protocol::ike, .transforms = chosen.transforms};
    return model::choose(offered_ike_proposals(connection), std::array{as_offer}, {}).has_value();
}

// IKE_SA_INIT chose by addresses; now both identities, the method and the proposal have a say (RFC 7296 §2.9, §3.5). Fails
// with the reason why the nearest one does not fit.
Result<std::shared_ptr<const model::Connection>> select_connection(Context& context, const wire::Message& request) {
    const IkeSa& sa = context.sa;
    const model::Identity peer = identity_of(*request.find<wire::IdiPayload>());
    const auto* wanted = request.find<wire::IdrPayload>();
    const model::AuthMethod method = request.find<wire::AuthPayload>()->method;
    std::string reason = "no connection is configured for " + sa.path.text();
    for (const auto& connection : connections_for(*context.core.config, sa.path)) {
        const model::AuthConfig& local = connection->local.front();
        const model::AuthConfig& remote = connection->remote.front();
        const model::Identity own = local_identity(local, *context.core.credentials, sa.path.local.address);
        if (!fits_proposal(*connection, sa.proposal))
            reason = "the proposal of IKE_SA_INIT is not one of " + connection->name;
        else if (wanted != nullptr && identity_of(*wanted) != own && !accepts(local.id, identity_of(*wanted)))
            reason = fmt::format("the peer asks for {}, {} is {} (local.id)", text_of(identity_of(*wanted)),
                                 connection->name, text_of(own));
        else if (!accepts(remote.id, peer))
            reason = fmt::format("the peer says that it is {}, {} expects {} (remote.id)", text_of(peer),
                                 connection->name, text_of(remote.id));
        else if (!fits_method(remote, method))
            reason = fmt::format("the peer authenticates with {}, {} expects {} (remote.auth)", model::name_of(method),
                                 connection->name, remote.auth_text);
        else
            return connection;
    }
    return refuse_peer(Errc::authentication, std::move(reason));
}

// ---- what the peer asks for -----------------------------------------------------------------------

// Other SAs with the same peer: gone by its own word (INITIAL_CONTACT, §2.4), replaced, or in the way.
Result<> apply_unique_policy(Context& context, bool initial_contact) {
    const IkeSa& sa = context.sa;
    const model::UniquePolicy policy = sa.connection->unique;
    if (policy == model::UniquePolicy::never || (policy == model::UniquePolicy::no && !initial_contact)) return {};
    for (IkeSa* other : context.core.established_between(sa.own_id, sa.peer_id)) {
        if (other->closed || !other->established() || other->id == sa.id) continue;
        Context with_other = context.of(*other);
        if (initial_contact) {
            with_other.close("the peer has no more state of it (INITIAL_CONTACT)");
        } else if (policy == model::UniquePolicy::replace) {
            context.alert("unique-replace", "IKE_SA " + other->name() + " is replaced by a new one of the same peer");
            with_other.enqueue(DeleteIkeTask{});
        } else if (policy == model::UniquePolicy::keep) {
            context.alert("unique-keep", "a second IKE_SA of the same peer is refused (unique = keep)");
            return refuse_peer(Errc::state, "the peer has an IKE SA already (unique = keep)");
        }
    }
    return {};
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
                           .notices = child_notices(request)};
    ChildDecision decision = TRY(decide_child(*sa.connection, offer, sa.child_addresses(), sa.outer()));
    ChildKeys keys =
        TRY(child_keys(sa.proposal.prf, sa.protection->keys().d, decision.terms.proposal, {}, sa.handshake().nonces()));
    const ChildFrame frame = context.child_frame(context.core.allocate_child_spi(), false);
    model::ChildSaSpec spec = child_spec(frame, decision.terms, std::move(keys), *decision.child);
    return FirstChild{decision.child, std::move(decision.terms), std::move(spec)};
}

void add_child_answer(const Context& context, wire::MessageBuilder& answer, const FirstChild& child) {
    add_notices(answer, answered_notices(child.terms, context.core.settings.takes_tfc_padding));
    model::Proposal chosen{.number = child.terms.proposal.number,
                           .protocol = model::Protocol::esp,
                           .transforms = child.terms.proposal.transforms};
    Writer(chosen.spi).u32(child.spec.spi_in);
    answer.add(wire::SaPayload{{std::move(chosen)}});
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

// Order of effects: the child receives before the peer can know of it (§2.8), then the answer leaves.
Result<Next> answer_request(Context& context, const AuthData& auth) {
    IkeSa& sa = context.sa;
    const RespondingAuth exchange = std::move(std::get<RespondingAuth>(sa.theirs));
    sa.theirs = std::monostate{};
    wire::MessageBuilder answer;
    answer.add(wire::IdrPayload{.id_type = sa.own_id.type, .data = sa.own_id.data});
    add_certificates(sa, *exchange.proof, answer);
    answer.add(wire::AuthPayload{.method = auth.method, .data = auth.data});
    Result<std::optional<FirstChild>> child = first_child(context, exchange.request.message, answer);
    if (child && *child) add_child_answer(context, answer, **child);
    if (!child) add_child_refusal(context, answer, child.error());
    run_hooks(&Feature::auth_offer, context, answer);
    context.establish();
    if (child && *child) context.add_child(*(*child)->config, std::move((*child)->terms), std::move((*child)->spec));
    return context.respond(ExchangeType::ike_auth, answer);
}

Result<Next> on_signed(Context& context, crypto::JobResult result) {
    auto signature = result_of<crypto::SignedAuth>(std::move(result));
    if (!signature) return refuse_peer(Errc::system, "our own signature failed: " + signature.error().text());
    return answer_request(context, {.method = signature->method, .data = std::move(signature->auth_data)});
}

Result<Next> prove_ourselves(Context& context) {
    IkeSa& sa = context.sa;
    auto& exchange = std::get<RespondingAuth>(sa.theirs);
    TRY(try_hooks(&Feature::auth_accept, context, exchange.request));
    TRY(apply_unique_policy(context, exchange.request.message.notify(NotifyType::initial_contact) != nullptr));
    const Core& core = context.core;
    exchange.proof = TRY(plan_local_proof(sa.connection->local.front(), sa.own_id, sa.peer_id, *core.config,
                                          *core.credentials, sa.handshake().peer_hints));
    Bytes octets = own_octets(sa, exchange.request.message.header.message_id);
    if (const auto* signature = std::get_if<SignaturePlan>(&*exchange.proof))
        return context.start(sign_job(*signature, std::move(octets)), on_signed);
    return answer_request(context, shared_key_auth(std::get<SharedKeyPlan>(*exchange.proof), sa.proposal.prf, octets));
}

// ---- the request ------------------------------------------------------------------------------------

std::unexpected<Error> report_failed_peer(Context& context, const Error& error) {
    context.count(model::Counter::authentication_failed);
    context.alert("peer-auth-failed", "authentication of the peer failed: " + error.text());
    return refuse_peer(Errc::authentication, error.detail);
}

Result<Next> on_verified(Context& context, crypto::JobResult result) {
    const auto verified = result_of<crypto::VerifiedPeer>(std::move(result));
    if (!verified) return report_failed_peer(context, verified.error());
    log_authenticated(context, context.sa.peer_id, verified->scheme);
    return prove_ourselves(context);
}

void read_authorities(Handshake& handshake, const wire::Message& request) {
    for (const wire::CertreqPayload* certreq : request.all<wire::CertreqPayload>()) {
        handshake.peer_asked_for_certificates = true;
        auto authorities = parse_authorities(certreq->authorities);
        if (authorities && certreq->encoding == model::CertEncoding::x509_signature)
            handshake.peer_hints.authorities = std::move(*authorities);
    }
}

Result<> check_completeness(const IkeSa& sa, const wire::Message& request) {
    const bool offered = request.find<wire::SaPayload>() != nullptr;
    const bool selectors = request.find<wire::TsiPayload>() != nullptr && request.find<wire::TsrPayload>() != nullptr;
    const bool no_selectors =
        request.find<wire::TsiPayload>() == nullptr && request.find<wire::TsrPayload>() == nullptr;
    // RFC 6023 §3: without SA only where we said that we understand it.
    if (offered ? selectors : no_selectors && offers_childless(sa)) return {};
    return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "IKE_AUTH", "SA, TSi and TSr must come together");
}

Result<Next> receive_request(Context& context, Received request) {
    IkeSa& sa = context.sa;
    TRY(try_hooks(&Feature::ready_for_auth, context));
    TRY(check_completeness(sa, request.message));
    auto connection = select_connection(context, request.message);
    if (!connection) return report_failed_peer(context, connection.error());
    sa.connection = std::move(*connection);
    sa.own_id = local_identity(sa.connection->local.front(), *context.core.credentials, sa.path.local.address);
    sa.peer_id = identity_of(*request.message.find<wire::IdiPayload>());
    read_authorities(sa.handshake(), request.message);
    sa.theirs = RespondingAuth{.request = std::move(request), .proof = {}};
    const wire::Message& message = std::get<RespondingAuth>(sa.theirs).request.message;
    const PeerProof proof = peer_proof(context, message, sa.peer_id, message.header.message_id);
    auto checked = check_peer(sa.connection->remote.front(), sa.own_id, proof, sa.proposal.prf, *context.core.config,
                              *context.core.credentials);
    if (!checked) return report_failed_peer(context, checked.error());
    if (auto* job = std::get_if<crypto::VerifyJob>(&*checked)) return context.start(std::move(*job), on_verified);
    log_authenticated(context, sa.peer_id, std::get<Verified>(*checked).how);
    return prove_ourselves(context);
}

}  // namespace

std::span<const ExchangeRow> ike_auth_responder_rows() {
    static constexpr std::array rows{ExchangeRow{
        .story = "the initiator proves itself and asks for a child",
        .exchange = ExchangeType::ike_auth,
        .direction = Direction::request,
        .role = Role::responder,
        .phase = Phase::authenticating,
        .required = {PayloadType::id_i, PayloadType::auth},
        .optional = {PayloadType::cert, PayloadType::certreq, PayloadType::id_r, PayloadType::cp, PayloadType::sa,
                     PayloadType::ts_i, PayloadType::ts_r, PayloadType::notify, PayloadType::vendor_id},
        .handle = receive_request}};
    static_assert(well_formed(rows));
    return rows;
}

}  // namespace cygnet::ike
