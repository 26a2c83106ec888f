#include "ike/feature/reauthentication.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/feature/feature.h"
#include "ike/rekey.h"
#include "ike/timers.h"

namespace cygnet::ike {
namespace {

using model::LogGroup;
using model::NotifyType;
namespace limits = model::limits;

// Children of the SA before, until this one takes over.
struct AskedFor {
    std::vector<std::string> children{};
};
// AUTH_LIFETIME of the peer, until the SA is established.
struct AnnouncedLifetime {
    Duration value{};
};
// In force since a reload, if it is not that of the SA's connection.
struct ReauthTime {
    Duration value{};
};

// RFC 4478 §2: before the time is over; not all clients of a gateway at once.
Instant ahead_of(Duration lifetime, const Context& context) {
    const auto spread = static_cast<std::uint64_t>(std::max<Duration::rep>((lifetime / 10).count(), 1));
    const Duration early = lifetime / 10 + Duration{static_cast<Duration::rep>(context.core.rng.below(spread))};
    return context.now + std::max(lifetime - early, limits::reauthentication_pause);
}

std::optional<Duration> lifetime_in(const wire::Message& message) {
    const wire::NotifyPayload* notify = message.notify(NotifyType::auth_lifetime);
    if (notify == nullptr) return std::nullopt;
    Reader reader(notify->data);
    const auto lifetime = reader.u32("AUTH_LIFETIME");
    if (!lifetime || !reader.empty()) return std::nullopt;
    return seconds(*lifetime);
}

// An SA of a rekey in the meantime stands for the one that it replaced.
IkeSa* latest(Core& core, std::optional<model::IkeSaId> id) {
    for (unsigned steps = 0; id && steps < limits::rekeys_followed; ++steps) {
        IkeSa* sa = core.find_sa(*id);
        if (sa == nullptr || sa->closed) return nullptr;
        if (!sa->replaced_by) return sa;
        id = sa->replaced_by;
    }
    return nullptr;
}

IkeSa* living(Core& core, std::optional<model::IkeSaId> id) {
    IkeSa* sa = latest(core, id);
    return sa != nullptr && sa->established() ? sa : nullptr;
}

// In the SA that took over, if the request was under way when this one was rekeyed.
void obey(Context& context, Duration lifetime) {
    IkeSa* sa = living(context.core, context.sa.id);
    if (sa == nullptr) return;
    Instant& timer = sa->timer(Timer::reauth);
    timer = std::min(timer, ahead_of(lifetime, context));
    context.core.touch(sa->id);
    context.log(LogGroup::ike, 1,
                fmt::format("the peer wants a new authentication within {} s (AUTH_LIFETIME)",
                            std::chrono::duration_cast<seconds>(lifetime).count()));
}

void add_lifetime(wire::MessageBuilder& message, Duration lifetime) {
    Bytes data;
    Writer(data).u32(static_cast<std::uint32_t>(std::chrono::duration_cast<seconds>(lifetime).count()));
    message.notify(NotifyType::auth_lifetime, data);
}

// ---- hooks --------------------------------------------------------------------------------------

void auth_offer(Context& context, wire::MessageBuilder& message) {
    const IkeSa& sa = context.sa;
    if (!sa.initiator && sa.connection->reauth_time > Duration{0}) add_lifetime(message, sa.connection->reauth_time);
}

Result<> auth_accept(Context& context, const Received& message) {
    const std::optional<Duration> lifetime = lifetime_in(message.message);
    if (context.sa.initiator && lifetime) context.sa.features.of<AnnouncedLifetime>().value = *lifetime;
    return {};
}

// RFC 4478 §2: at any time, from the one who was responder then.
Result<> informational_request(Context& context, const Received& request, wire::MessageBuilder&) {
    const std::optional<Duration> lifetime = lifetime_in(request.message);
    if (lifetime && context.sa.client) obey(context, *lifetime);
    return {};
}

std::vector<std::string> names_of_children(const IkeSa& sa) {
    std::vector<std::string> names;
    for (const auto& [id, child] : sa.children)
        if (is_current(sa, child)) names.push_back(child.config->name);
    return names;
}

void try_later(Context& of_old) {
    of_old.sa.timer(Timer::reauth) = of_old.now + limits::reauthentication_retry;
    of_old.log(LogGroup::ike, 1,
               fmt::format("{} stays for now, reauthentication is tried again in {} s", of_old.sa.name(),
                           std::chrono::duration_cast<seconds>(limits::reauthentication_retry).count()));
}

Result<> nothing_comes_back(Context&, const Received&) { return {}; }

bool makes_children(const IkeSa& sa) {
    return std::ranges::any_of(sa.tasks, [](const Task& task) { return std::holds_alternative<CreateChildTask>(task); });
}

// The SA that is to take over from this one.
IkeSa* successor_of(Core& core, const IkeSa& old) {
    for (IkeSa* sa : core.of_connection(old.connection->name))
        if (!sa->closed && !sa->replaced_by && latest(core, sa->reauthenticates()) == &old) return sa;
    return nullptr;
}

bool conclude_reauthentication(Context& context, wire::MessageBuilder&);

void await_children(Context& context) {
    context.enqueue(InformationalTask{
        .name = "IKE_REAUTH_COMPLETE", .build = conclude_reauthentication, .answered = nothing_comes_back});
}

// What was to be made in the old SA is made in the new one.
bool pass_children_on(IkeSa& old, Context& of_new) {
    bool any = false;
    std::erase_if(old.tasks, [&](Task& task) {
        auto* create = std::get_if<CreateChildTask>(&task);
        if (create == nullptr) return false;
        of_new.enqueue(std::move(*create));
        return any = true;
    });
    return any;
}

// Each of `names` as often as it is there more than in `those`.
std::vector<std::string> without(std::vector<std::string> names, const std::vector<std::string>& those) {
    for (const std::string& name : those)
        if (const auto found = std::ranges::find(names, name); found != names.end()) names.erase(found);
    return names;
}

void give_up(Context& of_new, Context& of_old, const std::string& child) {
    of_new.alert("reauthentication-failed",
                 fmt::format("child {} did not come up in {}, which is given up again", child, of_new.sa.name()));
    of_new.sa.set_reauthenticates(std::nullopt);
    try_later(of_old);
    of_new.enqueue(DeleteIkeTask{});
}

void take_over(Context& of_new, Context& of_old) {
    IkeSa& sa = of_new.sa;
    of_new.log(LogGroup::ike, 0, fmt::format("{} reauthenticated: {} takes over", of_old.sa.name(), sa.name()));
    of_new.count(model::Counter::reauthenticated);
    sa.features.forget<AskedFor>();
    // One before the old SA may still wait for an answer that never comes.
    const auto older = of_old.sa.reauthenticates();
    of_old.sa.set_reauthenticates(std::nullopt);
    sa.set_reauthenticates(older);
    if (older) await_children(of_new);
    of_old.enqueue(DeleteIkeTask{});
}

// The turn of this task, in the old SA, comes when no exchange of it is outstanding that could make another child. It sends
// nothing.
bool hand_over(Context& context, wire::MessageBuilder&) {
    IkeSa& old = context.sa;
    IkeSa* sa = successor_of(context.core, old);
    if (sa == nullptr || !sa->established()) return false;
    Context of_new = context.of(*sa);
    context.core.touch(sa->id);
    auto& asked_for = sa->features.of<AskedFor>().children;
    const std::vector<std::string> made = names_of_children(*sa);
    const std::vector<std::string> failed = without(asked_for, made), missing = without(names_of_children(old), made);
    if (const auto lost = std::ranges::find_first_of(missing, failed); lost != missing.end()) {
        give_up(of_new, context, *lost);
        return false;
    }
    const bool waiting = pass_children_on(old, of_new);
    for (const std::string& name : missing) {  // It came up meanwhile.
        asked_for.push_back(name);
        of_new.enqueue(CreateChildTask{.child = name});
    }
    if (waiting || !missing.empty()) await_children(of_new);
    else take_over(of_new, context);
    return false;
}

// The turn of this task comes when all children had theirs, also those of a childless start (RFC 6023) and those that are
// tried again.
bool conclude_reauthentication(Context& context, wire::MessageBuilder&) {
    if (makes_children(context.sa)) {
        await_children(context);
        return false;
    }
    IkeSa* old = living(context.core, context.sa.reauthenticates());
    if (old == nullptr) {
        context.sa.set_reauthenticates(std::nullopt);
        return false;
    }
    context.of(*old).enqueue(InformationalTask{
        .name = "IKE_REAUTH_HAND_OVER", .build = hand_over, .answered = nothing_comes_back});
    context.core.touch(old->id);
    return false;
}

void established(Context& context) {
    IkeSa& sa = context.sa;
    const model::Connection& connection = *sa.connection;
    if (connection.reauth_time > Duration{0}) {
        sa.timer(Timer::authentication_end) = context.now + connection.reauth_time + connection.over_time;
        if (sa.initiator) sa.timer(Timer::reauth) = context.early(connection.reauth_time, connection.rand_time);
    }
    if (const auto* announced = sa.features.find<AnnouncedLifetime>()) obey(context, announced->value);
    sa.features.forget<AnnouncedLifetime>();
    IkeSa* old = living(context.core, sa.reauthenticates());
    if (old == nullptr) return;
    std::vector<std::string> names = names_of_children(*old);
    sa.features.of<AskedFor>().children = names;
    if (const auto first = std::ranges::find(names, sa.intent->child); first != names.end()) names.erase(first);
    for (std::string& name : names) context.enqueue(CreateChildTask{.child = std::move(name)});
    await_children(context);
}

bool tell_lifetime(Context& context, wire::MessageBuilder& message) {
    add_lifetime(message, context.sa.features.of<ReauthTime>().value);
    return true;
}

// RFC 4478 §2: the time may change while the SA is up, and counts from then on. It cannot be taken back.
void reconfigured(Context& context, const model::Connection& now) {
    IkeSa& sa = context.sa;
    const ReauthTime* changed = sa.features.find<ReauthTime>();
    if (sa.replaced_by || now.reauth_time == (changed != nullptr ? changed->value : sa.connection->reauth_time)) return;
    sa.features.of<ReauthTime>().value = now.reauth_time;
    const bool limited = now.reauth_time > Duration{0};
    sa.timer(Timer::authentication_end) = limited ? context.now + now.reauth_time + now.over_time : Instant::never();
    if (sa.client) sa.timer(Timer::reauth) = limited ? context.early(now.reauth_time, now.rand_time) : Instant::never();
    else if (limited)
        context.enqueue(InformationalTask{
            .name = "IKE_AUTH_LIFETIME", .build = tell_lifetime, .answered = nothing_comes_back, .outlives_keys = true});
    context.core.touch(sa.id);
}

// RFC 4478 §2: a rekey does not lengthen what was authenticated.
void inherited(Context& heir, IkeSa& old) {
    if (const AskedFor* asked = old.features.find<AskedFor>()) heir.sa.features.of<AskedFor>() = *asked;
    if (const ReauthTime* time = old.features.find<ReauthTime>()) heir.sa.features.of<ReauthTime>() = *time;
    for (const Timer timer : {Timer::reauth, Timer::authentication_end}) heir.sa.timer(timer) = old.timer(timer);
    heir.sa.set_reauthenticates(old.reauthenticates());
}

void closing(Context& context) {
    const IkeSa& sa = context.sa;
    if (sa.replaced_by) {
        // Whoever takes over from this one takes over from its successor.
        for (IkeSa* other : context.core.of_connection(sa.connection->name))
            if (other->reauthenticates() == sa.id) other->set_reauthenticates(sa.replaced_by);
        return;
    }
    IkeSa* old = living(context.core, sa.reauthenticates());
    if (old == nullptr) return;
    // Whoever is to take over from this one does so from both.
    if (IkeSa* next = successor_of(context.core, sa)) return next->set_reauthenticates(old->id);
    Context of_old = context.of(*old);
    try_later(of_old);
}

bool is_being_rekeyed(Core& core, const IkeSa& sa) {
    const auto* own = sa.own.find<CreatingSa>();
    if (sa.peer_rekey || (own != nullptr && own->made.rekeys_ike_sa())) return true;
    return std::ranges::any_of(core.of_connection(sa.connection->name), [&](const IkeSa* other) {
        return other->peer_rekey && other->peer_rekey->replacement == sa.id;
    });
}

// ---- the beginning ------------------------------------------------------------------------------

// RFC 4478 §2: with a lifetime of zero we allow a reasonable time, from when the peer can learn of it.
bool ask_for_it(Context& context, wire::MessageBuilder& message) {
    Instant& end = context.sa.timer(Timer::authentication_end);
    end = std::min(end, context.now + limits::reauthentication_patience);
    add_lifetime(message, Duration{0});
    return true;
}

// The turn of this task comes when no rekey is under way. It sends nothing.
bool begin_when_decided(Context& context, wire::MessageBuilder&) {
    reauthenticate(context, {});
    return false;
}

}  // namespace

void reauthenticate(Context& context, const std::optional<CommandId>& command) {
    IkeSa& sa = context.sa;
    // An SA that the operator has terminated waits for its Delete: it is not to come back.
    if (!sa.established() || sa.replaced_by || sa.deleted || successor_of(context.core, sa) != nullptr)
        return context.finish_command(command, {});
    // While it is open which SA will stand for this one, each that may would authenticate again.
    if (is_being_rekeyed(context.core, sa)) {
        if (!command) sa.timer(Timer::reauth) = context.now + limits::reauthentication_retry;
        else context.enqueue(InformationalTask{.name = "IKE_REAUTH",
                                               .build = begin_when_decided,
                                               .answered = nothing_comes_back,
                                               .command = command,
                                               .outlives_keys = true});
        return;
    }
    if (!sa.client)
        return context.enqueue(InformationalTask{.name = "IKE_AUTH_LIFETIME",
                                                 .build = ask_for_it,
                                                 .answered = nothing_comes_back,
                                                 .command = command,
                                                 .outlives_keys = true});
    const auto configured = context.core.config->connections.find(sa.connection->name);
    auto connection = configured != context.core.config->connections.end() ? configured->second : sa.connection;
    const std::vector<std::string> names = names_of_children(sa);
    Intent intent{.child = names.empty() ? std::string() : names.front(),
                  .command = command,
                  .reauthenticates = sa.id};
    context.log(LogGroup::ike, 0, fmt::format("reauthenticating IKE_SA {}", sa.name()));
    initiate(context.core, std::move(connection), fresh_path(context), std::move(intent), context.now,
             context.effects);
}

bool leave_to_successor(Context& context, std::optional<CommandId>& command) {
    IkeSa* heir = successor_of(context.core, context.sa);
    if (heir == nullptr || heir->established()) return heir != nullptr;
    if (heir->intent) command = std::exchange(heir->intent->command, std::nullopt);
    heir->set_reauthenticates(std::nullopt);
    context.of(*heir).close("the IKE SA that it was to take over from is lost");
    return false;
}

void end_authentication(Context& context) {
    context.alert("authentication-expired",
                  fmt::format("nobody repeated the authentication of IKE_SA {} in time (reauth_time), it is deleted",
                              context.sa.name()));
    context.enqueue(DeleteIkeTask{});
}

constexpr Feature reauthentication{
    .name = "reauthentication",
    .rfc = "RFC 4478",
    .auth_offer = auth_offer,
    .auth_accept = auth_accept,
    .informational_request = informational_request,
    .reconfigured = reconfigured,
    .established = established,
    .inherited = inherited,
    .cloned = inherited,
    .closing = closing,
};

}  // namespace cygnet::ike
