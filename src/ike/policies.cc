#include "ike/policies.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/commands.h"
#include "ike/context.h"
#include "ike/timers.h"

namespace cygnet::ike {
namespace {

model::PolicyKind kind_of(model::ChildMode mode) {
    if (mode == model::ChildMode::pass) return model::PolicyKind::pass;
    return mode == model::ChildMode::drop ? model::PolicyKind::drop : model::PolicyKind::trap;
}

const char* noun_of(model::PolicyKind kind) {
    switch (kind) {
        case model::PolicyKind::trap: return "trap";
        case model::PolicyKind::pass: return "pass policy";
        case model::PolicyKind::drop: return "drop policy";
    }
    return "";
}

void say(const Policy& policy, std::string what, Effects& effects) {
    effects.push_back(Report{model::LogLine{.group = model::LogGroup::chd,
                                            .level = 1,
                                            .message = std::move(what),
                                            .ike_name = policy.connection->name}});
}

// What "dynamic" stands for before there is an IKE SA. A virtual address is not known yet: any.
ChildAddresses addresses_for(const model::Connection& connection, const std::optional<model::Path>& path) {
    ChildAddresses addresses;
    if (!path) return addresses;
    addresses.remote = {path->remote.address};
    addresses.local = {path->local.address};
    if (!connection.vips.empty()) addresses.local = connection.vips;
    return addresses;
}

void widen_virtual_addresses(model::TrafficSelectors& selectors) {
    for (model::TrafficSelector& selector : selectors)
        if (selector.addresses == model::AddressRange::single(model::IpAddress::any(selector.addresses.family())))
            selector.addresses = model::AddressRange::all(selector.addresses.family());
}

Result<> install(Core& core, const std::shared_ptr<const model::Connection>& connection,
                 const model::ChildConfig& child, const std::optional<model::Path>& path, Effects& effects) {
    if (core.policies.find(connection->name, child.name) != nullptr) return {};
    if (core.policies.all().size() >= model::limits::policies)
        return fail(Errc::limit, "policies", "there are as many traps and shunts as there may be");
    const bool transport = child.mode == model::ChildMode::transport;
    if (transport && !path)
        return fail(Errc::not_found, "remote_addrs", "transport mode needs the peer's address in remote_addrs");
    const OuterPath outer = path ? OuterPath{.local = path->local.address, .remote = path->remote.address} : OuterPath{};
    SelectorPair selectors = configured_selectors(child, addresses_for(*connection, path), outer);
    widen_virtual_addresses(selectors.local);
    if (selectors.local.empty() || selectors.remote.empty())
        return fail(Errc::not_found, "local_ts, remote_ts",
                    "child '" + child.name + "' has no selectors without the peer's address: give remote_addrs one, or "
                        "write addresses instead of dynamic");
    Policy& policy = core.policies.add({.id = core.policies.next_id(),
                                        .kind = kind_of(child.mode),
                                        .connection = connection,
                                        .child = &child,
                                        .reqid = child.reqid,
                                        .selectors = std::move(selectors)});
    if (policy.kind == model::PolicyKind::trap && policy.reqid == 0) policy.reqid = core.next_child_unique_id();
    effects.push_back(InstallPolicy{{.id = policy.id,
                                     .kind = policy.kind,
                                     .local = policy.selectors.local,
                                     .remote = policy.selectors.remote,
                                     .reqid = policy.reqid,
                                     .kernel = child.kernel}});
    say(policy, fmt::format("{} '{}' installed: {}", noun_of(policy.kind), child.name, text_of(policy.selectors)), effects);
    return {};
}

void uninstall(Core& core, const Policy& policy, Effects& effects) {
    say(policy, fmt::format("{} '{}' uninstalled", noun_of(policy.kind), policy.child->name), effects);
    effects.push_back(RemovePolicy{policy.id});
    core.policies.remove(policy.id);
}

bool covers(const SelectorPair& selectors, const model::PacketEnds& packet) {
    const auto in = [](const model::TrafficSelectors& all, const model::TrafficSelector& end) {
        return std::ranges::any_of(all, [&](const model::TrafficSelector& one) { return one.contains(end); });
    };
    return in(selectors.local, packet.local) && in(selectors.remote, packet.remote);
}

// Whether a child for the packet is there or on its way, in this IKE SA.
bool serves(const IkeSa& sa, const Policy& policy, const model::PacketEnds& packet) {
    const std::string& name = policy.child->name;
    if (sa.closed) return false;
    if (sa.half_open() && sa.initiator && sa.intent && sa.intent->child == name) return true;
    const auto same = [&](const Boxed<model::PacketEnds>& other) {
        return !policy.child->single_pair || (other && *other == packet);
    };
    for (const Task& task : sa.tasks)
        if (const auto* create = std::get_if<CreateChildTask>(&task); create && create->child == name && !create->wish)
            if (same(create->packet)) return true;
    if (const auto* creating = sa.own.find<CreatingSa>())
        if (const auto* child = std::get_if<NewChild>(&creating->made.what))
            if (child->name == name && !child->replaces && !child->wish && same(creating->packet)) return true;
    return std::ranges::any_of(sa.children, [&](const auto& entry) {
        const Child& child = entry.second;
        const bool carries = !child.redundant && !child.replacement && child.state != model::ChildState::deleting &&
                             child.resource == model::every_resource;
        return carries && child.config->name == name && covers(child.terms.selectors, packet);
    });
}

void finish(CommandId id, Result<> result, Effects& effects) {
    const bool good = result.has_value();
    effects.push_back(CommandDone{.id = id, .result = std::move(result), .matches = good ? 1U : 0U});
}

}  // namespace

Policy* Policies::find(model::PolicyId id) {
    const auto found = policies_.find(id);
    return found == policies_.end() ? nullptr : &found->second;
}

Policy* Policies::find(const std::string& connection, const std::string& child) {
    const auto found = by_name_.find({connection, child});
    return found == by_name_.end() ? nullptr : find(found->second);
}

Policy& Policies::add(Policy policy) {
    const auto [name, fresh] = by_name_.emplace(std::pair{policy.connection->name, policy.child->name}, policy.id);
    ASSERT(fresh);
    const model::PolicyId id = policy.id;
    return policies_.emplace(id, std::move(policy)).first->second;
}

void Policies::remove(model::PolicyId id) {
    const auto found = policies_.find(id);
    if (found == policies_.end()) return;
    by_name_.erase({found->second.connection->name, found->second.child->name});
    policies_.erase(found);
}

void run_command(Core& core, const InstallPolicies& command, Instant, Effects& effects) {
    const auto found = core.config->connections.find(command.connection);
    const model::ChildConfig* child =
        found == core.config->connections.end() ? nullptr : found->second->child(command.child);
    if (child == nullptr)
        return finish(command.id,
                      fail(Errc::not_found, "install",
                           fmt::format("connection '{}' has no child '{}'", command.connection, command.child)),
                      effects);
    finish(command.id, install(core, found->second, *child, command.path, effects), effects);
}

void run_command(Core& core, const UninstallPolicies& command, Instant, Effects& effects) {
    std::vector<model::PolicyId> named;
    for (const auto& [id, policy] : core.policies.all())
        if (policy.child->name == command.child &&
            (command.connection.empty() || policy.connection->name == command.connection))
            named.push_back(id);
    for (const model::PolicyId id : named) uninstall(core, *core.policies.find(id), effects);
    if (named.empty())
        return finish(command.id, fail(Errc::not_found, "uninstall", "no policy '" + command.child + "' is installed"),
                      effects);
    finish(command.id, {}, effects);
}

void acquire(Core& core, const Acquire& input, Instant now, Effects& effects) {
    Policy* policy = core.policies.find(input.policy);
    if (policy == nullptr || policy->kind != model::PolicyKind::trap) return;
    // The data plane repeats itself while packets wait.
    const bool again = policy->last_packet == input.packet && now - policy->last_begun < model::limits::acquire_pause;
    const auto sas = core.of_connection(policy->connection->name);
    if (again || std::ranges::any_of(sas, [&](const IkeSa* sa) { return serves(*sa, *policy, input.packet); })) return;
    policy->last_packet = input.packet;
    policy->last_begun = now;
    IkeSa* sa = reusable_sa(core, *policy->connection, input.path);
    if (sa == nullptr && !input.path)
        return say(*policy,
                   fmt::format("child '{}' cannot come up for a packet to {}: there is no IKE SA, and remote_addrs names "
                               "no address",
                               policy->child->name, input.packet.remote.text()),
                   effects);
    core.counters.add(model::Counter::acquired);
    core.connection_counters[policy->connection->name].add(model::Counter::acquired);
    say(*policy, fmt::format("a packet {} === {} brings up child '{}'", input.packet.local.text(),
                             input.packet.remote.text(), policy->child->name),
        effects);
    if (sa == nullptr) {
        initiate(core, policy->connection, *input.path, {.child = policy->child->name, .packet = input.packet}, now,
                 effects);
        return;
    }
    Context context{.core = core, .sa = *sa, .now = now, .effects = effects};
    core.touch(sa->id);
    context.enqueue(CreateChildTask{.child = policy->child->name, .packet = input.packet});
}

void set_trap(Context& context, const std::shared_ptr<const model::Connection>& connection,
              const model::ChildConfig& child) {
    const auto set = install(context.core, connection, child, fresh_path(context), context.effects);
    if (!set) context.log(model::LogGroup::chd, 1, "no trap: " + set.error().text());
}

void follow_configuration(Core& core, Effects& effects) {
    std::vector<model::PolicyId> ended;
    for (const auto& [id, policy] : core.policies.all()) {
        const auto now = core.config->connections.find(policy.connection->name);
        const model::ChildConfig* child =
            now == core.config->connections.end() ? nullptr : now->second->child(policy.child->name);
        if (child == nullptr || *child != *policy.child) {
            ended.push_back(id);
            continue;
        }
        Policy& kept = *core.policies.find(id);
        kept.connection = now->second;
        kept.child = child;
    }
    for (const model::PolicyId id : ended) uninstall(core, *core.policies.find(id), effects);
}

std::vector<model::PolicyStatus> policy_statuses(const Policies& policies) {
    std::vector<model::PolicyStatus> all;
    for (const auto& [id, policy] : policies.all())
        all.push_back({.connection = policy.connection->name,
                       .child = policy.child->name,
                       .id = id,
                       .kind = policy.kind,
                       .mode = policy.child->mode,
                       .reqid = policy.reqid,
                       .local = policy.selectors.local,
                       .remote = policy.selectors.remote});
    return all;
}

}  // namespace cygnet::ike
