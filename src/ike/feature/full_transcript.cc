// draft-ietf-ipsecme-ikev2-downgrade-prevention: AUTH of each side covers both messages of IKE_SA_INIT, so that whoever changes
// either of them is found out unless it can forge both proofs. RFC 7296 §2.15 covers the sender's own message only, and an
// attacker who has one side's credential and breaks the key exchange may change what that side said.
//
// It is agreed on when both messages carry the notification. A responder sends it whatever the request says: if somebody took
// it out of the request, the initiator finds it in the answer, and the proofs differ. An IKE SA that is resumed (RFC 5723)
// goes on as the ticket says.
//
// What is covered is in exchange/auth_common.cc; docs/decisions/0026 says where this reading comes from.
#include <algorithm>

#include "ike/explain.h"
#include "ike/feature/feature.h"
#include "ike/match.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::DowngradeProtection;
using model::ExchangeType;
using model::NotifyType;

bool said(const wire::Message& message) {
    return message.notify(NotifyType::ike_sa_init_full_transcript_auth) != nullptr;
}

bool demands(const model::Connection& connection) {
    return connection.downgrade_protection == DowngradeProtection::required;
}

// Whichever of its connections the peer may mean: which it is, IKE_AUTH will tell.
bool supported_for(const Core& core, const model::Path& path) {
    return std::ranges::any_of(connections_for(*core.config, path), [](const auto& connection) {
        return connection->downgrade_protection != DowngradeProtection::off;
    });
}

bool we_say(const Context& context) {
    const IkeSa& sa = context.sa;
    return sa.initiator ? sa.connection->downgrade_protection != DowngradeProtection::off
                        : supported_for(context.core, sa.path);
}

Explanation not_protected(const std::string& connection, const char* who) {
    return {.kind = "downgrade",
            .what = std::string(who) + " does not authenticate all of IKE_SA_INIT, and " + section_of(connection) +
                    ".downgrade_protection = required demands it",
            .advice = "switch it on at the peer, or, if the peer does not know it, set it to preferred here; if the peer has it "
                      "on, somebody on the way takes it out"};
}

// ---- IKE_SA_INIT --------------------------------------------------------------------------------

void offer(Context& context, wire::MessageBuilder& message) {
    if (context.sa.handshake().rounds.resumed || !we_say(context)) return;
    message.notify(NotifyType::ike_sa_init_full_transcript_auth);
}

void accept(Context& context, const Received& received) {
    if (received.message.header.exchange != ExchangeType::ike_sa_init) return;
    context.sa.peer_can.full_transcript = said(received.message) && we_say(context);
}

// The answer may be somebody else's: the request goes out again until time is up.
Result<> believe_first(Context& context, const Received& response) {
    IkeSa& sa = context.sa;
    if (!demands(*sa.connection) || response.message.header.exchange != ExchangeType::ike_sa_init || said(response.message))
        return {};
    context.count(Counter::transcript_refused);
    Explanation why = not_protected(sa.connection->name, "the peer");
    if (response.path.tcp()) return end_sa(NotifyType::none, Errc::no_match, "IKE_SA_INIT", std::move(why));
    sa.own.get<InitiatingSaInit>().hint = why.sentence();
    context.log(model::LogGroup::ike, 1, "not believed, the request is still repeated: " + why.sentence());
    return ignore(Errc::no_match, "IKE_SA_INIT", why.sentence());
}

std::optional<Refusal> refuse_first(Core& core, const model::Connection& connection, const Received& request) {
    if (!demands(connection) || said(request.message)) return std::nullopt;
    if (!std::ranges::all_of(connections_for(*core.config, request.path),
                             [](const auto& possible) { return demands(*possible); }))
        return std::nullopt;
    core.counters.add(Counter::transcript_refused);
    return Refusal{.type = NotifyType::no_proposal_chosen, .why = not_protected(connection.name, "the peer")};
}

// ---- IKE_AUTH -----------------------------------------------------------------------------------

Result<> auth_accept(Context& context, const Received&) {
    IkeSa& sa = context.sa;
    if (sa.peer_can.full_transcript) {
        context.count(Counter::transcript_authenticated);
        return {};
    }
    if (!demands(*sa.connection)) return {};
    context.count(Counter::transcript_refused);
    return end_sa(NotifyType::authentication_failed, Errc::authentication, "IKE_AUTH",
                  not_protected(sa.connection->name, sa.handshake().rounds.resumed ? "the ticket's IKE SA" : "the peer"));
}

void describe(const IkeSa& sa, model::IkeStatus& status) { status.full_transcript = sa.peer_can.full_transcript; }

}  // namespace

constexpr Feature full_transcript{
    .name = "authentication of all of IKE_SA_INIT",
    .rfc = "draft-ietf-ipsecme-ikev2-downgrade-prevention",
    .offer = offer,
    .accept = accept,
    .refuse_first = refuse_first,
    .believe_first = believe_first,
    .auth_accept = auth_accept,
    .describe = describe,
};

}  // namespace cygnet::ike
