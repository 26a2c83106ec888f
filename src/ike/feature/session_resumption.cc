// RFC 5723: tickets, with which an IKE SA that was lost comes back in two round trips, without a key exchange.
//
// Who asks for tickets is the client (it has `resumption` configured and began the SA); who gives them out, the gateway. A
// ticket belongs to one IKE SA: a rekey or a Delete ends it, what merely goes silent leaves it behind.
#include "ike/feature/session_resumption.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/reader.h"
#include "ike/exchange/ike_session_resume.h"
#include "ike/feature/feature.h"
#include "ike/match.h"
#include "ike/ppk.h"

namespace cygnet::ike {
namespace {

using model::Counter;
using model::LogGroup;
using model::NotifyType;

constexpr std::size_t lifetime_octets = 4;

bool enabled(const IkeSa& sa) { return sa.connection->resumption != model::Resumption::no; }
TicketTables& tables(const Context& context) { return context.core.features.of<TicketTables>(); }
std::int64_t in_seconds(Duration time) { return std::chrono::duration_cast<seconds>(time).count(); }

ResumptionState state_of(const Context& context) {
    const IkeSa& sa = context.sa;
    const auto* known = sa.features.find<Resumption>();
    ResumptionState state{.connection = sa.connection->name,
                          .own_id = sa.own_id,
                          .peer_id = sa.peer_id,
                          .transforms = sa.proposal->as_answer().transforms,
                          .d = sa.protection->sk_d().clone(),
                          .authenticated_at = known != nullptr ? known->authenticated_at : 0};
    if (const auto* ppk = sa.features.find<PpkInUse>()) state.ppk_id = ppk->id.octets();
    state.full_transcript = sa.peer_can.full_transcript;
    state.policy = policy_digest(*sa.connection, *context.core.config, *context.core.credentials, state);
    return state;
}

// ---- the gateway ----------------------------------------------------------------------------------

void revoke_issued(const Context& context, IkeSa& sa) {
    auto* resumption = sa.features.find<Resumption>();
    if (resumption == nullptr || !resumption->issued) return;
    tables(context).office.invalidate(resumption->issued->serial, resumption->issued->expires,
                                      context.unix_seconds());
    resumption->issued.reset();
}

// §6.2: at most as long as the IKE SA could have lived, and not beyond its authentication (RFC 4478).
std::int64_t ticket_life(const Context& context) {
    const model::Connection& connection = *context.sa.connection;
    std::int64_t life = in_seconds(model::limits::ticket_life);
    if (connection.rekey_time > Duration{0})
        life = std::min(life, in_seconds(connection.rekey_time + connection.over_time));
    if (connection.reauth_time > Duration{0}) {
        const std::int64_t until =
            context.sa.features.find<Resumption>()->authenticated_at + in_seconds(connection.reauth_time);
        life = std::min(life, until - context.unix_seconds());
    }
    return life;
}

// TICKET_LT_OPAQUE, §7.1; TICKET_NACK when there is no time left for a ticket.
void add_ticket(Context& context, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    const std::int64_t life = ticket_life(context), now = context.unix_seconds();
    // A peer without identity (RFC 7619) has nothing that a ticket could bring back.
    if (life <= 0 || sa.peer_anonymous) {
        message.notify(NotifyType::ticket_nack);
        return;
    }
    revoke_issued(context, sa);
    Ticket ticket{.serial = {}, .expires = now + life, .spis = sa.spis, .state = state_of(context)};
    auto issued = tables(context).office.issue(std::move(ticket), sa.connection->resumption, context.core.kept, now,
                                               context.core.rng);
    if (issued.new_key) context.effects.push_back(KeepSecrets{context.core.kept.encoded()});
    sa.features.of<Resumption>().issued = {.serial = issued.serial, .expires = now + life};
    Bytes data;
    Writer writer(data);
    writer.u32(static_cast<std::uint32_t>(life));
    writer.bytes(issued.octets);
    message.notify(NotifyType::ticket_lt_opaque, data);
    context.count(Counter::ticket_issued);
}

// §4.3.4: the ticket is used up, and the SA that it came from is deleted without a word.
void take_over(Context& context, Resumption& resumption) {
    const Ticket ticket = std::move(*resumption.accepted);
    resumption.accepted.reset();
    resumption.authenticated_at = ticket.state.authenticated_at;
    tables(context).office.invalidate(ticket.serial, ticket.expires, context.unix_seconds());
    context.count(Counter::ike_resumed);
    for (const std::uint64_t spi : {ticket.spis.initiator, ticket.spis.responder}) {
        IkeSa* old = context.core.find_sa_by_own_spi(spi);
        if (old != nullptr && old->id != context.sa.id && old->spis == ticket.spis)
            context.of(*old).close("resumed as " + context.sa.name());
    }
}

// ---- the client -----------------------------------------------------------------------------------

void drop_ticket_of(const Context& context, const IkeSa& sa) {
    auto& purse = tables(context).purse;
    const auto entry = purse.find(sa.connection->name);
    if (entry != purse.end() && entry->second.ticket.sa == sa.id) purse.erase(entry);
}

void arm_renewal(Context& context, const StoredTicket& ticket) {
    context.sa.timer(Timer::renew_ticket) = context.now + (ticket.expires - context.now) * 3 / 4;
}

void store_ticket(Context& context, const Received& received) {
    IkeSa& sa = context.sa;
    const wire::NotifyPayload* given = received.message.notify(NotifyType::ticket_lt_opaque);
    if (given == nullptr || !sa.features.of<Resumption>().client) return;
    Reader reader(given->data);
    const auto life = reader.u32("TICKET_LT_OPAQUE");
    const ByteView octets = reader.rest();
    if (!life || *life == 0 || octets.empty() || octets.size() > model::limits::ticket_octets_max)
        return context.log(LogGroup::ike, 1, "the peer's ticket is not kept: it is empty, too large or has expired");
    const Duration kept_for = std::min<Duration>(seconds(*life), model::limits::ticket_life);
    StoredTicket ticket{.octets = keep(octets),
                        .expires = context.now + kept_for,
                        .sa = sa.id,
                        .responder = sa.path.remote.address,
                        .state = state_of(context)};
    arm_renewal(context, ticket);
    context.log(LogGroup::ike, 1, fmt::format("received a ticket for the resumption of {}, good for {} s", sa.name(),
                                              in_seconds(kept_for)));
    tables(context).purse[sa.connection->name] = {.ticket = std::move(ticket)};
}

bool ask_for_ticket(Context& context, wire::MessageBuilder& message) {
    // An SA that lost against another rekey is on its way out.
    if (context.sa.replaced_by || !context.sa.established()) return false;
    message.notify(NotifyType::ticket_request);
    return true;
}

Result<> answered(Context& context, const Received& answer) {
    store_ticket(context, answer);
    return {};
}

constexpr InformationalTask ticket_task{.name = "IKE_TICKET", .build = ask_for_ticket, .answered = answered};

// Whether a ticket may be presented for this attempt: its own SA must be gone (reauthentication is no resumption), and what
// is configured must still be what it stands for.
bool usable(const Context& context, const StoredTicket& ticket) {
    const IkeSa& sa = context.sa;
    const IkeSa* old = context.core.find_sa(ticket.sa);
    if (!enabled(sa) || (old != nullptr && !old->closed) || ticket.responder != sa.path.remote.address) return false;
    const auto proposal = ticket.state.proposal();
    return proposal && fits_proposal(*sa.connection, *proposal) &&
           policy_digest(*sa.connection, *context.core.config, *context.core.credentials, ticket.state) ==
               ticket.state.policy;
}

std::optional<Result<Next>> first_exchange(Context& context) {
    auto& purse = tables(context).purse;
    const auto entry = purse.find(context.sa.connection->name);
    if (entry == purse.end()) return std::nullopt;
    // §4.3.1: never an expired one.
    if (entry->second.ticket.expires <= context.now) {
        purse.erase(entry);
        return std::nullopt;
    }
    if (std::exchange(entry->second.unanswered, false) || !usable(context, entry->second.ticket)) return std::nullopt;
    Resumption& resumption = context.sa.features.of<Resumption>();
    resumption.presented = std::move(entry->second.ticket);
    purse.erase(entry);
    return begin_ike_session_resume(context, *resumption.presented);
}

// ---- hooks ----------------------------------------------------------------------------------------

void auth_offer(Context& context, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    if (!enabled(sa)) return;
    if (sa.initiator) {
        sa.features.of<Resumption>().client = true;
        message.notify(NotifyType::ticket_request);
    } else if (std::exchange(sa.features.of<Resumption>().ticket_wanted, false)) {
        add_ticket(context, message);
    }
}

Result<> auth_accept(Context& context, const Received& received) {
    IkeSa& sa = context.sa;
    if (!enabled(sa)) return {};
    Resumption& resumption = sa.features.of<Resumption>();
    resumption.authenticated_at = context.unix_seconds();
    if (resumption.accepted) take_over(context, resumption);
    if (resumption.presented) {
        resumption.authenticated_at = resumption.presented->state.authenticated_at;
        resumption.presented.reset();
        context.count(Counter::ike_resumed);
    }
    if (sa.initiator)
        store_ticket(context, received);
    else
        resumption.ticket_wanted = received.message.notify(NotifyType::ticket_request) != nullptr;
    return {};
}

void established(Context& context) {
    const auto& purse = tables(context).purse;
    const auto entry = purse.find(context.sa.connection->name);
    if (entry != purse.end() && entry->second.ticket.sa == context.sa.id) arm_renewal(context, entry->second.ticket);
}

Result<> informational_request(Context& context, const Received& request, wire::MessageBuilder& answer) {
    if (enabled(context.sa) && request.message.notify(NotifyType::ticket_request) != nullptr)
        add_ticket(context, answer);
    return {};
}

// §6.2: the ticket is invalid from now on; the client asks for another.
void inherited(Context& heir, IkeSa& old) {
    auto* resumption = old.features.find<Resumption>();
    if (resumption == nullptr) return;
    revoke_issued(heir, old);
    drop_ticket_of(heir, old);
    Resumption& fresh = heir.sa.features.of<Resumption>();
    fresh.authenticated_at = resumption->authenticated_at;
    fresh.client = resumption->client;
    if (fresh.client) heir.enqueue(ticket_task);
}

// §6.2: who deletes an IKE SA does not want it back.
void closing(Context& context) {
    IkeSa& sa = context.sa;
    auto* resumption = sa.features.find<Resumption>();
    if (resumption == nullptr) return;
    if (sa.deleted) {
        revoke_issued(context, sa);
        drop_ticket_of(context, sa);
    } else if (resumption->presented) {
        // Nobody answered: it has not been used (§4.3.1).
        tables(context).purse[sa.connection->name] = {.ticket = std::move(*resumption->presented), .unanswered = true};
    }
}

void timer(Context& context, Timer timer) {
    if (timer == Timer::renew_ticket) context.enqueue(ticket_task);
}

}  // namespace

constexpr Feature session_resumption{
    .name = "session resumption",
    .rfc = "RFC 5723",
    .first_exchange = first_exchange,
    .auth_offer = auth_offer,
    .auth_accept = auth_accept,
    .informational_request = informational_request,
    .established = established,
    .inherited = inherited,
    .closing = closing,
    .timer = timer,
};

}  // namespace cygnet::ike
