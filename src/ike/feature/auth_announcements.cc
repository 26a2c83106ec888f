// RFC 9593: each side tells the other how it may prove itself, so that nobody signs in a way that cannot be verified there.
//
//   IKE_SA_INIT        response   the responder's list; or an empty notification, if the list would make it too large
//   IKE_INTERMEDIATE   response   then the list comes here, the CERTREQs that it links to with it
//   IKE_AUTH           request    the initiator's list
#include "ike/feature/auth_announcements.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ike/auth/signature_choice.h"
#include "ike/exchange/auth_common.h"
#include "ike/exchange/ike_auth.h"
#include "ike/exchange/ike_intermediate.h"
#include "ike/feature/feature.h"
#include "ike/feature/ppk.h"
#include "ike/match.h"
#include "ike/path_size.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::ExchangeType;
using model::LogGroup;
using model::NotifyType;

struct Announcing {
    bool owed = false;      // responder: our list is still to come
    bool promised = false;  // initiator: the peer's is
    // Responder: as the peer named them before IKE_AUTH.
    std::optional<model::Identity> initiator{}, responder{};
};

// Connections whose peer refused RSA-PSS. They sign with PKCS#1 until that is refused, too.
struct RefusedPss {
    std::set<std::string, std::less<>> connections{};
};

Announcing& announcing(IkeSa& sa) { return sa.handshake().features.of<Announcing>(); }
Announcing* find_announcing(IkeSa& sa) { return sa.handshake().features.find<Announcing>(); }

// ---- our lists ------------------------------------------------------------------------------------

// RFC 7670, and certificates that are trusted by themselves, have no CA that matters.
AcceptedProofs accepted_by(const model::AuthConfig& remote, const Credentials& credentials) {
    AcceptedProofs accepted{.remote = remote};
    accepted.any_authority = !remote.public_keys.empty() || !remote.certificates.empty() || remote.ca_certificates.empty();
    if (accepted.any_authority) return accepted;
    if (auto authorities = parse_authorities(acceptable_authorities(remote, credentials)))
        accepted.authorities = std::move(*authorities);
    return accepted;
}

// One list for each of the peer's rounds: what any of these connections would accept there.
std::vector<AnnouncementList> own_lists(const Connections& connections, const Credentials& credentials,
                                        std::span<const Bytes> requested) {
    std::vector<std::vector<AcceptedProofs>> rounds;
    const std::size_t most = std::min(connections.size(), model::limits::certreq_connections);
    for (const auto& connection : std::span(connections).first(most)) {
        if (!connection->announce_auth) continue;
        rounds.resize(std::max(rounds.size(), connection->remote.size()));
        for (std::size_t i = 0; i < connection->remote.size(); ++i)
            rounds[i].push_back(accepted_by(connection->remote[i], credentials));
    }
    std::vector<AnnouncementList> lists;
    for (const auto& round : rounds) lists.push_back(accepted_methods(round, requested));
    return lists;
}

void add(wire::MessageBuilder& message, std::span<const AnnouncementList> lists) {
    for (const AnnouncementList& list : lists) message.notify(NotifyType::supported_auth_methods, encoded(list));
}

bool links(std::span<const AnnouncementList> lists) {
    return std::ranges::any_of(lists, [](const AnnouncementList& list) {
        return std::ranges::any_of(list, [](const Announcement& one) { return one.cert_link != 0; });
    });
}

bool fits_unfragmented(const Context& context, std::size_t payload_octets) {
    const model::Path& path = context.sa.path;
    return path.tcp() ||
           wire::header_size + payload_octets + overhead_of(context, path) <= model::limits::first_response_ip_octets;
}

std::size_t rounds_left(IkeSa& sa) { return sa.proposal->additional.size() - sa.handshake().additional_done; }

// ---- the peer's -----------------------------------------------------------------------------------

// True if there was a list.
bool take_lists(Context& context, const wire::Message& message) {
    ReadAnnouncements read = read_announcements(message);
    for (unsigned i = 0; i < read.ignored; ++i) context.count(Counter::announcement_ignored);
    if (read.excess) context.count(Counter::announcement_excess);
    if (read.lists.empty()) return false;
    std::string text;
    for (const AnnouncementList& list : read.lists) text += (text.empty() ? "" : "; then ") + text_of(list);
    context.log(LogGroup::ike, 1, "the peer accepts " + text);
    context.sa.handshake().peer_hints.announced = std::move(read.lists);
    return true;
}

bool has_promise(const wire::Message& message) {
    return std::ranges::any_of(message.notifies(NotifyType::supported_auth_methods),
                               [](const wire::NotifyPayload* notify) { return notify->data.empty(); });
}

void accept(Context& context, const Received& received) {
    IkeSa& sa = context.sa;
    if (!sa.initiator || received.message.header.exchange != ExchangeType::ike_sa_init) return;
    if (take_lists(context, received.message)) return;
    if (sa.handshake().intermediate_supported && has_promise(received.message)) announcing(sa).promised = true;
}

// §3.1: an exchange of its own if no other brings the list.
std::optional<Result<Next>> next_exchange(Context& context) {
    auto* state = find_announcing(context.sa);
    if (state == nullptr || !std::exchange(state->promised, false) || !takes_late_announcements(context.sa)) return std::nullopt;
    return begin_ike_intermediate(context);
}

// ---- IKE_INTERMEDIATE -----------------------------------------------------------------------------

// Unless the peer says who it is, the last of these exchanges carries the list (§3.1).
void intermediate_offer(Context& context, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    auto* state = find_announcing(sa);
    if (state == nullptr || !state->owed || (rounds_left(sa) > 1 && !state->initiator)) return;
    state->owed = false;
    const Connections all = connections_for(*context.core.config, sa.path);
    wire::MessageBuilder certreqs;
    const std::vector<Bytes> requested = add_certificate_requests(all, *context.core.credentials, certreqs);
    const Connections meant =
        state->initiator ? connections_for(*context.core.config, sa.path, *state->initiator) : Connections();
    const auto lists = own_lists(meant.empty() ? all : meant, *context.core.credentials, requested);
    // §3.1: with links, the same CERTREQs once more.
    if (links(lists)) add_certificate_requests(all, *context.core.credentials, message);
    add(message, lists);
}

std::unexpected<Error> other_identity() {
    return end_sa(NotifyType::invalid_syntax, Errc::bad_value, "ID payload",
                  "the peer named another identity before, in IKE_INTERMEDIATE (RFC 9593 §3.1)");
}

Result<> take_identities(Context& context, const wire::Message& request) {
    const auto* idi = request.find<wire::IdiPayload>();
    if (idi == nullptr) return {};
    model::Identity initiator = TRY(claimed_identity(context, *idi));
    Announcing& state = announcing(context.sa);
    if (state.initiator && *state.initiator != initiator) return other_identity();
    state.initiator = std::move(initiator);
    if (const auto* idr = request.find<wire::IdrPayload>()) state.responder = TRY(claimed_identity(context, *idr));
    return {};
}

Result<> intermediate_accept(Context& context, const Received& received) {
    IkeSa& sa = context.sa;
    if (!sa.initiator) return take_identities(context, received.message);
    if (!take_lists(context, received.message)) return {};
    announcing(sa).promised = false;
    if (received.message.find<wire::CertreqPayload>() == nullptr) return {};
    sa.handshake().peer_hints.authorities.clear();
    read_certificate_requests(sa.handshake(), received.message);
    return {};
}

bool awaits_intermediate(Context& context) {
    const auto* state = find_announcing(context.sa);
    return state != nullptr && state->owed;
}

bool announces(const AnnouncementList& list, model::AuthMethod method) {
    return std::ranges::any_of(list, [&](const Announcement& one) { return one.method == method; });
}

}  // namespace

bool takes_late_announcements(const IkeSa& sa) {
    return std::ranges::any_of(sa.connection->local,
                               [](const model::AuthConfig& round) { return round.auth == model::AuthClass::pubkey; });
}

void announce_in_first_answer(Context& context, wire::MessageBuilder& message, std::span<const Bytes> requested) {
    IkeSa& sa = context.sa;
    const auto lists =
        own_lists(connections_for(*context.core.config, sa.path), *context.core.credentials, requested);
    wire::MessageBuilder alone;
    add(alone, lists);
    if (alone.empty()) return;
    if (fits_unfragmented(context, message.size() + alone.size())) return add(message, lists);
    if (!sa.handshake().intermediate_supported)
        return context.log(LogGroup::ike, 1,
                           "the answer has no room for what we accept, and the peer does not know IKE_INTERMEDIATE");
    const bool said = rounds_left(sa) != 0 || agreed_ppk_intermediate(sa);
    if (!said) message.notify(NotifyType::intermediate_exchange_supported);
    message.notify(NotifyType::supported_auth_methods);
    announcing(sa).owed = true;
}

void announce_in_auth(Context& context, wire::MessageBuilder& message, std::span<const Bytes> requested) {
    add(message, own_lists({context.sa.connection}, *context.core.credentials, requested));
}

Result<> take_auth_announcements(Context& context, const wire::Message& request) {
    take_lists(context, request);
    const auto* state = find_announcing(context.sa);
    if (state == nullptr || !state->initiator) return {};
    const auto* idi = request.find<wire::IdiPayload>();
    const auto* idr = request.find<wire::IdrPayload>();
    if (idi == nullptr || TRY(claimed_identity(context, *idi)) != *state->initiator) return other_identity();
    if (state->responder && (idr == nullptr || TRY(claimed_identity(context, *idr)) != *state->responder))
        return other_identity();
    return {};
}

bool tries_other_padding(Context& context) {
    using Kind = crypto::SignatureScheme::Kind;
    const IkeSa& sa = context.sa;
    const auto* exchange = sa.own.find<InitiatingAuth>();
    const AuthRounds& rounds = sa.handshake().rounds;
    if (exchange == nullptr || !exchange->proof || rounds.own != 1 || rounds.resumed) return false;
    if (!sa.handshake().peer_hints.announced.empty()) return false;
    const auto* signature = std::get_if<SignaturePlan>(&*exchange->proof);
    if (signature == nullptr || signature->old_method) return false;
    auto& refused = context.core.features.of<RefusedPss>().connections;
    if (signature->scheme.kind == Kind::rsa_pkcs1) refused.erase(sa.connection->name);
    if (signature->scheme.kind != Kind::rsa_pss) return false;
    const crypto::SignatureScheme other{Kind::rsa_pkcs1, signature->scheme.hash};
    return scheme_allowed(other, sa.connection->local.front()) && refused.insert(sa.connection->name).second;
}

void recall_padding(Context& context) {
    const auto& refused = context.core.features.of<RefusedPss>().connections;
    context.sa.handshake().peer_hints.refused_pss = refused.contains(context.sa.connection->name);
}

bool is_unannounced(const LocalProof& proof, const AnnouncementList& announced) {
    if (const auto* signature = std::get_if<SignaturePlan>(&proof)) return !signature->announced;
    if (std::holds_alternative<SharedKeyPlan>(proof)) return !announces(announced, model::AuthMethod::shared_key);
    if (std::holds_alternative<NullPlan>(proof)) return !announces(announced, model::AuthMethod::null);
    return false;
}

std::string text_of(const LocalProof& proof) {
    const auto* signature = std::get_if<SignaturePlan>(&proof);
    if (signature == nullptr) return std::holds_alternative<SharedKeyPlan>(proof) ? "a pre-shared key" : "no credential";
    return "a signature with " +
           (signature->old_method ? model::name_of(signature->method) + " (before RFC 7427)" : signature->scheme.text());
}

void report_choice(Context& context, const LocalProof& proof, const AnnouncementList& announced) {
    const auto* signature = std::get_if<SignaturePlan>(&proof);
    const bool said = !context.sa.handshake().peer_hints.announced.empty();
    if (said && is_unannounced(proof, announced)) {
        context.count(Counter::announcement_unmatched);
        return context.log(LogGroup::ike, 0,
                           fmt::format("our proof is {}, all that connection {} allows; the peer accepts {}", text_of(proof),
                                       context.sa.connection->name, text_of(announced)));
    }
    if (signature != nullptr)
        context.log(LogGroup::ike, 1, fmt::format("our proof is {}: {}", text_of(proof), signature->why));
}

constexpr Feature auth_announcements{
    .name = "announcements of authentication methods",
    .rfc = "RFC 9593",
    .accept = accept,
    .next_exchange = next_exchange,
    .intermediate_offer = intermediate_offer,
    .intermediate_accept = intermediate_accept,
    .awaits_intermediate = awaits_intermediate,
};

}  // namespace cygnet::ike
