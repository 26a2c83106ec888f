// RFC 8784 and RFC 9867: postquantum preshared keys, as far as hooks go. Both are offered, RFC 9867 is preferred: it protects
// IKE_AUTH, too. What is computed with the keys is in the exchanges, where they come from in ike/ppk.h.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "ike/explain.h"
#include "ike/feature/feature.h"
#include "ike/feature/ppk.h"
#include "ike/match.h"
#include "ike/ppk.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::ExchangeType;
using model::LogGroup;
using model::NotifyType;
using model::PpkExchange;

// Connections whose next attempt does without, because no PPK could be had for this one.
struct AttemptsWithoutPpk {
    std::set<std::string, std::less<>> connections{};
};

bool announces_intermediate(const wire::Message& message) {
    return message.notify(NotifyType::use_ppk_int) != nullptr &&
           message.notify(NotifyType::intermediate_exchange_supported) != nullptr;
}

const char* name_of(PpkMode mode) { return mode == PpkMode::auth ? "RFC 8784" : "RFC 9867"; }

// ---- IKE_SA_INIT --------------------------------------------------------------------------------

// Whatever the peer may turn out to be: its connection is known in IKE_AUTH only.
struct Possible {
    bool any = false, auth = false, intermediate = false;
};

Possible possible_for(const Core& core, const model::Path& path) {
    Possible possible{.any = !core.config->ppks.empty()};
    for (const auto& connection : connections_for(*core.config, path)) {
        const model::PpkConfig& use = connection->ppk_use();
        possible.any = possible.any || use.source.any();
        possible.auth = possible.auth || use.exchange != PpkExchange::intermediate;
        possible.intermediate = possible.intermediate || use.exchange != PpkExchange::auth;
    }
    return possible;
}

PpkMode chosen_mode(const Core& core, const Received& request) {
    const Possible possible = possible_for(core, request.path);
    if (!possible.any) return PpkMode::none;
    if (possible.intermediate && announces_intermediate(request.message)) return PpkMode::intermediate;
    if (possible.auth && request.message.notify(NotifyType::use_ppk) != nullptr) return PpkMode::auth;
    return PpkMode::none;
}

std::optional<Result<Next>> first_exchange(Context& context) {
    auto& without = context.core.features.of<AttemptsWithoutPpk>().connections;
    if (without.erase(context.sa.connection->name) != 0) ppk_negotiation(context.sa).skipped = true;
    return std::nullopt;
}

void offer(Context& context, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    if (!sa.initiator) {
        const auto* negotiation = find_ppk_negotiation(sa);
        if (negotiation == nullptr || negotiation->mode == PpkMode::none) return;
        message.notify(negotiation->mode == PpkMode::auth ? NotifyType::use_ppk : NotifyType::use_ppk_int);
        return;
    }
    if (!sa.own.holds<InitiatingSaInit>()) return;  // RFC 8784 §3: not in a resumption
    if (offers_ppk_intermediate(sa)) message.notify(NotifyType::use_ppk_int);
    if (offers_ppk_auth(sa)) message.notify(NotifyType::use_ppk);
}

void accept(Context& context, const Received& received) {
    IkeSa& sa = context.sa;
    if (received.message.header.exchange != ExchangeType::ike_sa_init) return;
    if (!sa.initiator) {
        const PpkMode mode = chosen_mode(context.core, received);
        if (mode != PpkMode::none) ppk_negotiation(sa).mode = mode;
        return;
    }
    if (offers_ppk_intermediate(sa) && announces_intermediate(received.message))
        ppk_negotiation(sa).mode = PpkMode::intermediate;
    else if (offers_ppk_auth(sa) && received.message.notify(NotifyType::use_ppk) != nullptr)
        ppk_negotiation(sa).mode = PpkMode::auth;
}

// RFC 8784 §6: an answer without USE_PPK may be forged, so the request goes out again until time is up.
Result<> believe_first(Context& context, const Received& response) {
    IkeSa& sa = context.sa;
    const wire::Message& message = response.message;
    if (!sa.connection->ppk_use().required || message.header.exchange != ExchangeType::ike_sa_init) return {};
    if ((offers_ppk_intermediate(sa) && announces_intermediate(message)) ||
        (offers_ppk_auth(sa) && message.notify(NotifyType::use_ppk) != nullptr))
        return {};
    context.count(Counter::ppk_refused);
    Explanation why{.kind = "ppk",
                    .what = "the peer does not use PPKs, and " + section_of(sa.connection->name) + ".ppk_required demands it",
                    .advice = "load the PPK at the peer"};
    if (response.path.tcp()) return end_sa(NotifyType::none, Errc::no_match, "IKE_SA_INIT", std::move(why));
    sa.own.get<InitiatingSaInit>().hint = why.sentence();
    context.log(LogGroup::ike, 1, "not believed, the request is still repeated: " + why.sentence());
    return ignore(Errc::no_match, "IKE_SA_INIT", why.sentence());
}

// RFC 8784 §3, Table 1; RFC 9867: where every connection that the peer may mean demands a PPK.
std::optional<Refusal> refuse_first(Core& core, const model::Connection& connection, const Received& request) {
    if (!connection.ppk_use().required || chosen_mode(core, request) != PpkMode::none) return std::nullopt;
    if (!std::ranges::all_of(connections_for(*core.config, request.path),
                             [](const auto& possible) { return possible->ppk_use().required; }))
        return std::nullopt;
    core.counters.add(Counter::ppk_refused);
    return Refusal{.type = NotifyType::no_proposal_chosen,
                   .why = Explanation{.kind = "ppk",
                                      .what = "the peer offers no use of PPKs, and " + section_of(connection.name) +
                                              ".ppk_required demands it",
                                      .advice = "give the peer the PPK, or set ppk_required = no until it has it"}};
}

// ---- IKE_AUTH -----------------------------------------------------------------------------------

std::unexpected<Error> refuse_peer(Context& context, Explanation why) {
    context.count(Counter::ppk_refused);
    return end_sa(NotifyType::authentication_failed, Errc::authentication, "PPK", std::move(why));
}

// By now both sides know each other: whether the PPK is one of this peer's, and whether it may do without.
Result<> auth_accept(Context& context, const Received&) {
    IkeSa& sa = context.sa;
    if (sa.handshake().rounds.resumed) return {};
    const model::PpkConfig& use = sa.connection->ppk_use();
    const auto* used = sa.features.find<PpkInUse>();
    if (used == nullptr) {
        if (use.required)
            return refuse_peer(context, {.kind = "ppk",
                                         .what = "no PPK went into the keys, and " + section_of(sa.connection->name) +
                                                 ".ppk_required demands one",
                                         .advice = "let both sides have the same PPK under the same id"});
        if (!use.wanted()) return {};
        // RFC 8784 §6: to be audited.
        context.count(Counter::ppk_skipped);
        context.log(LogGroup::ike, 0, fmt::format("IKE_SA {} uses no PPK although one is configured", sa.name()));
        return {};
    }
    // RFC 9867: it was chosen before we knew who the peer is.
    if (!sa.initiator && !admits(*sa.connection, used->id, used->source.get()))
        return refuse_peer(context, {.kind = "ppk",
                                     .what = fmt::format("the PPK '{}' is not one of {}", used->id.text(), text_of(sa.peer_id)),
                                     .advice = "name it in " + section_of(sa.connection->name) + ".ppk_id"});
    context.count(Counter::ppk_used);
    context.log(LogGroup::ike, 1, fmt::format("IKE_SA {} uses PPK '{}' ({})", sa.name(), used->id.text(),
                                              name_of(ppk_negotiation(sa).mode)));
    return {};
}

void inherited(Context& heir, IkeSa& old) {
    if (const auto* used = old.features.find<PpkInUse>()) heir.sa.features.of<PpkInUse>() = *used;
}

void describe(const IkeSa& sa, model::IkeStatus& status) {
    if (const auto* used = sa.features.find<PpkInUse>(); used != nullptr && sa.established()) status.ppk_id = used->id.text();
}

}  // namespace

bool offers_ppk_auth(const IkeSa& sa) {
    const auto* negotiation = find_ppk_negotiation(sa);
    const model::PpkConfig& use = sa.connection->ppk_use();
    return use.wanted() && use.exchange != PpkExchange::intermediate && !(negotiation != nullptr && negotiation->skipped);
}

bool offers_ppk_intermediate(const IkeSa& sa) {
    const auto* negotiation = find_ppk_negotiation(sa);
    const model::PpkConfig& use = sa.connection->ppk_use();
    return use.wanted() && use.exchange != PpkExchange::auth && !(negotiation != nullptr && negotiation->skipped);
}

bool agreed_ppk_intermediate(const IkeSa& sa) {
    const auto* negotiation = find_ppk_negotiation(sa);
    return negotiation != nullptr && negotiation->mode == PpkMode::intermediate;
}

void attempt_without_ppk(Context& context) {
    context.core.features.of<AttemptsWithoutPpk>().connections.insert(context.sa.connection->name);
}

constexpr Feature ppk_mixing{
    .name = "postquantum preshared keys",
    .rfc = "RFC 8784, RFC 9867",
    .offer = offer,
    .accept = accept,
    .refuse_first = refuse_first,
    .believe_first = believe_first,
    .first_exchange = first_exchange,
    .auth_accept = auth_accept,
    .describe = describe,
    .inherited = inherited,
    .cloned = inherited,
};

}  // namespace cygnet::ike
