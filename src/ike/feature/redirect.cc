#include "ike/feature/redirect.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/exchange/informational.h"
#include "ike/feature/feature.h"
#include "ike/timers.h"
#include "wire/notify_data.h"

namespace cygnet::ike {
namespace {

using model::GatewayType;
using model::IpAddress;
using model::LogGroup;
using model::NotifyType;

struct Redirection {
    std::string to{};  // the gateway: where an operator sends the peer
    // ---- the client
    bool leaving = false;
    std::optional<std::string> gateway{};  // of a REDIRECT in IKE_AUTH
    std::vector<Instant> hops{};           // redirects on the way here
};

// ---- gateway identities on the wire (§9.2, §9.3) -------------------------------------------------

Bytes gateway_data(const std::string& gateway, ByteView nonce) {
    const auto address = IpAddress::parse(gateway);
    wire::GatewayData data{.gateway_type = GatewayType::fqdn, .gateway = bytes_of(gateway), .nonce = nonce};
    if (address) {
        data.gateway_type = address->family() == model::Family::v4 ? GatewayType::ipv4 : GatewayType::ipv6;
        data.gateway = address->bytes();
    }
    Bytes octets;
    Writer writer(octets);
    wire::write(writer, data);
    return octets;
}

bool is_host_name(std::string_view text) {
    const auto usual = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    };
    return !text.empty() && text.size() <= model::limits::gateway_name_octets && std::ranges::all_of(text, usual);
}

Result<std::string> gateway_text(const wire::GatewayData& data) {
    const auto address = IpAddress::from_bytes(data.gateway);
    const bool v4 = data.gateway_type == GatewayType::ipv4 && data.gateway.size() == 4;
    const bool v6 = data.gateway_type == GatewayType::ipv6 && data.gateway.size() == 16;
    if (v4 || v6) return address->text();
    const std::string name(base::text_of(data.gateway));
    if (data.gateway_type == GatewayType::fqdn && is_host_name(name)) return name;
    return fail(Errc::bad_value, "REDIRECT", "its gateway is neither an address nor a name");
}

// The gateway of a protected message, which has no nonce (§5, §6).
Result<std::string> protected_gateway(const wire::NotifyPayload& notify) {
    const auto data = TRY(wire::parse<wire::GatewayData>(notify.data));
    if (!data.nonce.empty()) return fail(Errc::bad_value, "REDIRECT", "a nonce has no place in a protected message");
    return gateway_text(data);
}

// ---- the client goes ------------------------------------------------------------------------------

// §7: loops end.
std::vector<Instant> recent(const std::vector<Instant>& hops, Instant now) {
    std::vector<Instant> left;
    for (const Instant hop : hops)
        if (now - hop < model::limits::redirect_period) left.push_back(hop);
    return left;
}

const Detour* detour_of(const IkeSa& sa) { return sa.intent ? sa.intent->detour.get() : nullptr; }

std::vector<Instant> hops_of(const IkeSa& sa) {
    const Detour* detour = detour_of(sa);
    if (detour != nullptr) return detour->hops;
    const Redirection* redirection = sa.features.find<Redirection>();
    return redirection != nullptr ? redirection->hops : std::vector<Instant>();
}

Result<> may_follow(const Context& context) {
    if (recent(hops_of(context.sa), context.now).size() >= model::limits::redirects_per_period)
        return fail(Errc::limit, "REDIRECT",
                    fmt::format("{} redirects within {} minutes are enough: do the gateways send us round?",
                                model::limits::redirects_per_period,
                                std::chrono::duration_cast<minutes>(model::limits::redirect_period).count()));
    if (context.core.redirects.size() >= model::limits::pending_redirects)
        return fail(Errc::limit, "REDIRECT", "too many gateways are being looked up");
    return {};
}

void take_waiting_children(IkeSa& sa, PendingRedirect& pending) {
    for (const Task& task : sa.tasks)
        if (const auto* create = std::get_if<CreateChildTask>(&task)) pending.more_children.push_back(create->child);
}

// One more on the way. What we were sent away from before, when this gateway is not the first, still has to end.
void lengthen(Context& context, Intent& intent, std::optional<model::IkeSaId> replaces) {
    Detour detour{.from = context.sa.path.remote.address, .hops = recent(hops_of(context.sa), context.now), .replaces = replaces};
    if (!replaces && intent.detour) detour.replaces = intent.detour->replaces;
    detour.hops.push_back(context.now);
    intent.detour = std::move(detour);
}

// The attempt that is under way goes on at the other gateway.
Intent sent_on(Context& context) {
    Intent intent = context.sa.intent.value_or({});
    lengthen(context, intent, std::nullopt);
    context.sa.intent.reset();
    return intent;
}

void go(Context& context, const std::string& gateway, PendingRedirect pending) {
    IkeSa& sa = context.sa;
    if (!sa.established()) take_waiting_children(sa, pending);
    pending.connection = sa.connection;
    const RedirectId id = context.core.next_redirect_id();
    context.count(model::Counter::redirected);
    context.log(LogGroup::ike, 0, "redirected by " + sa.path.remote.address.text() + " to " + gateway);
    context.core.redirects.emplace(id, std::move(pending));
    context.effects.push_back(FindGateway{.id = id, .connection = sa.connection, .gateway = gateway});
}

// §3: nobody has authenticated it: that it knows our nonce shows that it saw the request.
std::optional<Result<Next>> first_refused(Context& context, const Received& response) {
    IkeSa& sa = context.sa;
    const wire::NotifyPayload* notify = response.message.notify(NotifyType::redirect);
    if (notify == nullptr) return std::nullopt;
    const auto data = wire::parse<wire::GatewayData>(notify->data);
    if (!data || !equal(data->nonce, sa.handshake().nonce_i)) {
        context.count(model::Counter::redirect_refused);
        return Result<Next>(ignore(Errc::bad_value, "REDIRECT", "it does not have our nonce: forged"));
    }
    const auto gateway = gateway_text(*data);
    if (!sa.connection->follow_redirects || !gateway) {
        context.count(model::Counter::redirect_refused);
        return Result<Next>(ignore(Errc::bad_value, "REDIRECT",
                                   gateway ? "not followed (follow_redirects = no)" : gateway.error().detail));
    }
    if (const auto may = may_follow(context); !may) {
        context.count(model::Counter::redirect_refused);
        return Result<Next>(end_sa(NotifyType::none, Errc::limit, "REDIRECT", may.error().detail));
    }
    go(context, *gateway, {.intent = sent_on(context)});
    return Result<Next>(context.close("redirected to " + *gateway));
}

// §6: AUTH is verified; the IKE SA exists and is deleted at once.
std::optional<Result<Next>> leaves(Context& context) {
    IkeSa& sa = context.sa;
    Redirection* redirection = sa.features.find<Redirection>();
    if (redirection == nullptr || !redirection->gateway) return std::nullopt;
    auto* exchange = sa.own.find<InitiatingAuth>();
    if (exchange != nullptr) context.core.release_child_spi(exchange->spi_in);
    if (const auto may = may_follow(context); may) {
        go(context, *redirection->gateway, {.intent = sent_on(context)});
    } else {
        context.count(model::Counter::redirect_refused);
        context.alert("redirect-failure", may.error().detail);
        context.finish_command(sa.take_command(), fail(may.error()));
    }
    return begin_delete_ike(context, {});
}

// §5: the new gateway first, then the Delete to the old one.
void leave_established(Context& context, const std::string& gateway) {
    IkeSa& sa = context.sa;
    Redirection& redirection = sa.features.of<Redirection>();
    if (const auto may = may_follow(context); !may) {
        context.count(model::Counter::redirect_refused);
        return context.alert("redirect-failure", may.error().detail);
    }
    redirection.leaving = true;
    PendingRedirect pending;
    lengthen(context, pending.intent, sa.id);
    for (const auto& [id, child] : sa.children) {
        if (child.replacement || child.redundant || child.state == model::ChildState::deleting) continue;
        if (pending.intent.child.empty()) pending.intent.child = child.config->name;
        else pending.more_children.push_back(child.config->name);
    }
    go(context, gateway, std::move(pending));
}

// ---- hooks ----------------------------------------------------------------------------------------

void offer(Context& context, wire::MessageBuilder& message) {
    const IkeSa& sa = context.sa;
    if (!sa.initiator || !sa.connection->follow_redirects) return;
    message.notify(NotifyType::redirect_supported);
    if (const Detour* detour = detour_of(sa))
        message.notify(NotifyType::redirected_from, gateway_data(detour->from.text(), {}));
}

// §3: whoever was redirected before can be again.
bool follows(const wire::Message& request) {
    return request.notify(NotifyType::redirect_supported) != nullptr ||
           request.notify(NotifyType::redirected_from) != nullptr;
}

void accept(Context& context, const Received& received) {
    if (context.sa.initiator || !follows(received.message)) return;
    context.sa.peer_can.follow_redirects = true;
}

std::optional<Refusal> refuse_first(Core&, const model::Connection& connection, const Received& request) {
    if (connection.redirect_to.empty() || connection.redirect_at != model::RedirectAt::init) return std::nullopt;
    if (!follows(request.message)) return std::nullopt;
    return Refusal{.type = NotifyType::redirect,
                   .data = gateway_data(connection.redirect_to, request.message.find<wire::NoncePayload>()->data)};
}

bool redirects_at_auth(const IkeSa& sa) {
    return !sa.initiator && sa.peer_can.follow_redirects && !sa.connection->redirect_to.empty() &&
           sa.connection->redirect_at == model::RedirectAt::auth;
}

bool withholds_child(Context& context) {
    if (!redirects_at_auth(context.sa)) return false;
    context.log(LogGroup::ike, 1, "the peer is sent to " + context.sa.connection->redirect_to + " (redirect_to)");
    return true;
}

void auth_offer(Context& context, wire::MessageBuilder& message) {
    if (redirects_at_auth(context.sa))
        message.notify(NotifyType::redirect, gateway_data(context.sa.connection->redirect_to, {}));
}

Result<> auth_accept(Context& context, const Received& received) {
    const IkeSa& sa = context.sa;
    const wire::NotifyPayload* notify = received.message.notify(NotifyType::redirect);
    if (!sa.initiator || notify == nullptr || !sa.connection->follow_redirects) return {};
    auto gateway = protected_gateway(*notify);
    if (!gateway) {
        context.count(model::Counter::redirect_refused);
        context.log(LogGroup::ike, 1, gateway.error().text());
        return {};
    }
    context.sa.features.of<Redirection>().gateway = std::move(*gateway);
    return {};
}

Result<> informational_request(Context& context, const Received& request, wire::MessageBuilder&) {
    IkeSa& sa = context.sa;
    const wire::NotifyPayload* notify = request.message.notify(NotifyType::redirect);
    if (notify == nullptr || !sa.established() || sa.replaced_by || sa.deleted) return {};
    const Redirection* redirection = sa.features.find<Redirection>();
    const auto gateway = protected_gateway(*notify);
    // §10: only the original responder can send the original initiator away.
    const bool wanted = sa.client && (redirection == nullptr || !redirection->leaving);
    if (wanted && gateway && sa.connection->follow_redirects) {
        leave_established(context, *gateway);
        return {};
    }
    context.count(model::Counter::redirect_refused);
    context.log(LogGroup::ike, 1, gateway ? "a REDIRECT is not followed" : gateway.error().text());
    return {};
}

IkeSa* newest(Core& core, model::IkeSaId id) {
    IkeSa* sa = core.find_sa(id);
    for (std::size_t hops = 0; sa != nullptr && sa->replaced_by && hops < model::limits::redirects_per_period; ++hops)
        sa = core.find_sa(*sa->replaced_by);
    return sa;
}

void established(Context& context) {
    IkeSa& sa = context.sa;
    const Detour* detour = detour_of(sa);
    if (detour == nullptr) return;
    sa.features.of<Redirection>().hops = detour->hops;
    const auto replaces = detour->replaces;
    sa.intent->detour.reset();
    IkeSa* old = replaces ? newest(context.core, *replaces) : nullptr;
    if (old != nullptr && !old->closed && old->established()) context.of(*old).enqueue(DeleteIkeTask{});
}

// The gateway that was to take over could not be reached: the next REDIRECT counts again.
void stay(Core& core, std::optional<model::IkeSaId> with) {
    IkeSa* sa = with ? newest(core, *with) : nullptr;
    if (sa != nullptr) sa->features.of<Redirection>().leaving = false;
}

void closing(Context& context) {
    if (const Detour* detour = detour_of(context.sa)) stay(context.core, detour->replaces);
}

void inherited(Context& heir, IkeSa& old) {
    if (const Redirection* known = old.features.find<Redirection>()) heir.sa.features.of<Redirection>() = *known;
}

// ---- an operator's command ------------------------------------------------------------------------

bool build_redirect(Context& context, wire::MessageBuilder& message) {
    message.notify(NotifyType::redirect, gateway_data(context.sa.features.of<Redirection>().to, {}));
    return true;
}

Result<> redirect_answered(Context&, const Received&) { return {}; }

bool matches(const IkeSa& sa, const Redirect& command) {
    if (!sa.established() || sa.closed || sa.replaced_by) return false;
    if (!command.ike.empty() && sa.connection->name != command.ike) return false;
    if (command.ike_id && static_cast<std::uint32_t>(sa.id) != *command.ike_id) return false;
    if (command.peer_address && !command.peer_address->contains(sa.path.remote.address)) return false;
    return !command.peer_id || command.peer_id->matches(sa.peer_id);
}

}  // namespace

void run_command(Core& core, const Redirect& command, Instant now, Effects& effects) {
    std::vector<IkeSa*> found;
    std::size_t deaf = 0;
    for (const auto& [id, sa] : core.sas()) {
        if (!matches(sa, command)) continue;
        // §3: never to a peer that did not say that it follows.
        if (sa.peer_can.follow_redirects) found.push_back(core.find_sa(id));
        else ++deaf;
    }
    if (found.empty()) {
        const std::string reason = deaf == 0 ? "no SA matches"
                                             : "none of the peers that match follows redirects (they did not announce it)";
        effects.push_back(CommandDone{.id = command.id, .result = fail(Errc::not_found, "redirect", reason), .matches = 0});
        return;
    }
    core.begin_command(command.id, static_cast<std::uint32_t>(found.size()));
    for (IkeSa* sa : found) {
        Context context{.core = core, .sa = *sa, .now = now, .effects = effects};
        sa->features.of<Redirection>().to = command.gateway;
        context.log(LogGroup::ike, 1, "the peer is sent to " + command.gateway);
        context.enqueue(InformationalTask{.name = "IKE_REDIRECT",
                                          .build = build_redirect,
                                          .answered = redirect_answered,
                                          .command = command.id,
                                          .outlives_keys = true});
        core.touch(sa->id);
    }
}

void go_to_gateway(Core& core, GatewayFound found, Instant now, Effects& effects) {
    auto node = core.redirects.extract(found.id);
    if (node.empty()) return;
    PendingRedirect pending = std::move(node.mapped());
    if (!found.path) {
        const std::string reason = "redirected, but not there: " + found.path.error().text();
        effects.push_back(Report{model::Alert{.type = "redirect-failure", .message = reason, .sa = {}}});
        if (pending.intent.command) core.finish_part(*pending.intent.command, fail(found.path.error()), effects);
        return stay(core, pending.intent.detour->replaces);
    }
    IkeSa& sa = initiate(core, pending.connection, *found.path, std::move(pending.intent), now, effects);
    core.touch(sa.id);
    if (sa.closed) return;
    Context context{.core = core, .sa = sa, .now = now, .effects = effects};
    for (std::string& child : pending.more_children) context.enqueue(CreateChildTask{.child = std::move(child)});
}

constexpr Feature redirect{
    .name = "redirect",
    .rfc = "RFC 5685",
    .offer = offer,
    .accept = accept,
    .refuse_first = refuse_first,
    .first_refused = first_refused,
    .auth_offer = auth_offer,
    .auth_accept = auth_accept,
    .withholds_child = withholds_child,
    .leaves = leaves,
    .informational_request = informational_request,
    .established = established,
    .inherited = inherited,
    .closing = closing,
};

}  // namespace cygnet::ike
