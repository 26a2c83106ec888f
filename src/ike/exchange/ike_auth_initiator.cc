#include "ike/exchange/ike_auth.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ike/exchange/auth_common.h"
#include "ike/exchange/informational.h"
#include "ike/feature/childless.h"
#include "ike/feature/feature.h"
#include "ike/unwanted.h"

namespace cygnet::ike {
namespace {

using model::ExchangeType;
using model::NotifyType;
using model::PayloadType;

const model::AuthConfig& local_round(const IkeSa& sa) { return sa.connection->local.front(); }
const model::AuthConfig& remote_round(const IkeSa& sa) { return sa.connection->remote.front(); }

// The peer's identity if the configuration names exactly one: it goes out as IDr.
std::optional<model::Identity> expected_peer(const IkeSa& sa) {
    const model::Identity& id = remote_round(sa).id;
    if (id.is_any() || id.has_wildcards()) return std::nullopt;
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
    return offered_selectors(std::move(selectors), sa.intent.packet, child.single_pair);
}

void add_config_request(Context& context, wire::MessageBuilder& message) {
    OwnedAttributes attributes;
    run_hooks(&Feature::config_request, context, attributes);
    if (!attributes.empty()) message.add(as_payload(model::CfgType::request, attributes));
}

Result<> add_child_offer(Context& context, InitiatingAuth& exchange, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    if (offered_proposals(*exchange.child, 0, false).empty())
        return end_sa(NotifyType::none, Errc::unsupported, "esp_proposals",
                      "child " + exchange.child->name + " has no ESP proposal that this build can run");
    SelectorPair selectors = selectors_to_offer(sa, *exchange.child);
    if (selectors.local.empty() || selectors.remote.empty())
        return end_sa(NotifyType::none, Errc::no_match, "local_ts, remote_ts", no_selectors(*exchange.child, sa.outer()));
    exchange.spi_in = context.core.allocate_child_spi();
    exchange.offered_proposals = offered_proposals(*exchange.child, exchange.spi_in, false);
    exchange.offered_selectors = std::move(selectors);
    exchange.notices =
        offered_notices(*exchange.child, *exchange.offered_selectors, context.core.settings.takes_tfc_padding);
    add_notices(message, exchange.notices);
    message.add(wire::SaPayload{exchange.offered_proposals});
    message.add(wire::TsiPayload::of(exchange.offered_selectors->local));
    message.add(wire::TsrPayload::of(exchange.offered_selectors->remote));
    return {};
}

Result<Next> send_request(Context& context, const AuthData& auth) {
    IkeSa& sa = context.sa;
    auto& exchange = std::get<InitiatingAuth>(sa.own);
    wire::MessageBuilder message;
    message.add(wire::IdiPayload{.id_type = sa.own_id.type, .data = sa.own_id.data});
    add_certificates(sa, *exchange.proof, message);
    if (is_first_contact(context)) message.notify(NotifyType::initial_contact);
    const Bytes authorities = certificate_request(*sa.connection, *context.core.credentials);
    if (!authorities.empty())
        message.add(wire::CertreqPayload{.encoding = model::CertEncoding::x509_signature, .authorities = authorities});
    const std::optional<model::Identity> peer = expected_peer(sa);
    if (peer) message.add(wire::IdrPayload{.id_type = peer->type, .data = peer->data});
    message.add(wire::AuthPayload{.method = auth.method, .data = auth.data});
    add_config_request(context, message);
    if (exchange.child != nullptr) TRY(add_child_offer(context, exchange, message));
    run_hooks(&Feature::auth_offer, context, message);
    return context.request(ExchangeType::ike_auth, message);
}

Result<Next> on_signed(Context& context, crypto::JobResult result) {
    crypto::SignedAuth signature = TRY(result_of<crypto::SignedAuth>(std::move(result)));
    return send_request(context, {.method = signature.method, .data = std::move(signature.auth_data)});
}

// ---- the response -------------------------------------------------------------------------------

// §2.21.2: what we cannot accept after the responder believes in us is reported in an exchange of its own.
Result<Next> reject_responder(Context& context, NotifyType notify, const Error& error) {
    context.count(model::Counter::authentication_failed);
    context.alert("peer-auth-failed", "authentication of the peer failed: " + error.text());
    context.finish_command(std::exchange(context.sa.intent.command, std::nullopt), fail(error));
    return begin_report_failure(context, {.notify = notify});
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
    const Intent& intent = context.sa.intent;
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
        const wire::NotifyPayload* error = message.error();
        return fail(Errc::no_match, "CHILD_SA",
                    "the peer refused the child: " +
                        (error != nullptr ? model::name_of(error->message_type) : "no SA, TSi and TSr"));
    }
    if (const auto accepted = accept_configuration(context, message); !accepted) return accepted;
    ChildTerms terms =
        TRY(check_child_answer({.proposals = exchange.offered_proposals,
                                .selectors = *exchange.offered_selectors,
                                .notices = exchange.notices,
                                .key_exchange = false},
                               {.proposals = chosen->proposals,
                                .selectors = {.local = tsi->known(), .remote = tsr->known()},
                                .notices = child_notices(message)},
                               sa.outer()));
    TRY(check_wanted(*exchange.child, terms, nullptr));
    ChildKeys keys = TRY(child_keys(sa.proposal.prf, sa.protection->keys().d, terms.proposal, {}, exchange.nonces()));
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
    context.alert("keep-on-child-sa-failure",
                  fmt::format("IKE_SA {} stays, but without its child: {}", sa.name(), why.text()));
    if (made_by_peer && why.reaction == Reaction::ignore)
        return delete_unwanted_child(context, exchange.spi_in, why);
    if (exchange.spi_in != 0) context.core.release_child_spi(exchange.spi_in);
    if (made_by_peer || why.reaction != Reaction::ignore) return context.enqueue(DeleteIkeTask{});
    // §2.9: one pair of addresses at a time; the packet that wanted the child names one.
    const bool other_pairs = message.notify(NotifyType::single_pair_required) != nullptr && !exchange.child->single_pair;
    if (other_pairs && sa.intent.packet)
        context.enqueue(CreateChildTask{.child = exchange.child->name,
                                        .command = std::exchange(command, std::nullopt),
                                        .packet = sa.intent.packet,
                                        .single_pair = true});
}

Result<Next> responder_proven(Context& context) {
    IkeSa& sa = context.sa;
    if (const auto accepted =
            try_hooks(&Feature::auth_accept, context, std::get<InitiatingAuth>(sa.own).response);
        !accepted)
        return reject_responder(context, NotifyType::authentication_failed, accepted.error());
    const InitiatingAuth exchange = std::move(std::get<InitiatingAuth>(sa.own));
    const wire::Message& message = exchange.response.message;
    std::optional<CommandId> command = std::exchange(sa.intent.command, std::nullopt);
    sa.peer_id = exchange.peer_id;
    context.establish();
    context.finish();
    Result<> done = exchange.child != nullptr ? take_first_child(context, exchange, message)
                                              : take_no_child(context, message, command);
    if (!done) go_without_child(context, exchange, done.error(), command);
    context.finish_command(command, std::move(done));
    return Next::finished;
}

Result<Next> on_verified(Context& context, crypto::JobResult result) {
    const auto verified = result_of<crypto::VerifiedPeer>(std::move(result));
    if (!verified) return reject_responder(context, NotifyType::authentication_failed, verified.error());
    log_authenticated(context, std::get<InitiatingAuth>(context.sa.own).peer_id, verified->scheme);
    return responder_proven(context);
}

Result<Next> receive_response(Context& context, Received response) {
    IkeSa& sa = context.sa;
    auto* exchange = std::get_if<InitiatingAuth>(&sa.own);
    if (exchange == nullptr) return ignore(Errc::state, "IKE_AUTH", "a response that nobody waits for");
    exchange->response = std::move(response);
    const wire::Message& message = exchange->response.message;
    exchange->peer_id = identity_of(*message.find<wire::IdrPayload>());
    const PeerProof proof = peer_proof(context, message, exchange->peer_id, exchange->message_id);
    auto checked = check_peer(remote_round(sa), sa.own_id, proof, sa.proposal.prf, *context.core.config,
                              *context.core.credentials);
    if (!checked) return reject_responder(context, NotifyType::authentication_failed, checked.error());
    if (auto* job = std::get_if<crypto::VerifyJob>(&*checked)) return context.start(std::move(*job), on_verified);
    log_authenticated(context, exchange->peer_id, std::get<Verified>(*checked).how);
    return responder_proven(context);
}

Result<Next> receive_refusal(Context& context, Received response) {
    const wire::NotifyPayload* error = response.message.error();
    const std::string reason = error != nullptr ? model::name_of(error->message_type) : "no IDr and AUTH";
    if (error != nullptr && error->message_type == NotifyType::authentication_failed) {
        context.count(model::Counter::authentication_failed);
        context.alert("local-auth-failed", "the peer does not accept our identity or credential: its log says why");
    }
    return end_sa(NotifyType::none, Errc::authentication, "IKE_AUTH", "the peer answered " + reason);
}

}  // namespace

Result<Next> begin_ike_auth(Context& context) {
    IkeSa& sa = context.sa;
    const model::AuthConfig& local = local_round(sa);
    const Core& core = context.core;
    sa.own_id = local_identity(local, *core.credentials, sa.path.local.address);
    InitiatingAuth exchange{.message_id = sa.window.next_request()};
    exchange.child = TRY(child_of_ike_auth(sa));
    exchange.proof = TRY(plan_local_proof(local, sa.own_id, expected_peer(sa), *core.config, *core.credentials,
                                          sa.handshake().peer_hints));
    exchange.nonce_i = sa.handshake().nonce_i;
    exchange.nonce_r = sa.handshake().nonce_r;
    Bytes octets = own_octets(sa, exchange.message_id);
    sa.own = std::move(exchange);
    const LocalProof& proof = *std::get<InitiatingAuth>(sa.own).proof;
    if (const auto* signature = std::get_if<SignaturePlan>(&proof))
        return context.start(sign_job(*signature, std::move(octets)), on_signed);
    return send_request(context, shared_key_auth(std::get<SharedKeyPlan>(proof), sa.proposal.prf, octets));
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
        ExchangeRow{.story = "the responder does not accept us",
                    .exchange = ExchangeType::ike_auth,
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
