#include "ike/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/exchange/informational.h"
#include "ike/feature/reauthentication.h"
#include "ike/rekey.h"
#include "ike/timers.h"

namespace cygnet::ike {
namespace {

void fail_command(CommandId id, Errc code, std::string reason, Effects& effects) {
    effects.push_back(CommandDone{.id = id, .result = fail(code, "command", std::move(reason)), .matches = 0});
}

Result<std::shared_ptr<const model::Connection>> find_connection(const Core& core, const Initiate& command) {
    if (!command.connection.empty()) {
        const auto found = core.config->connections.find(command.connection);
        if (found == core.config->connections.end())
            return fail(Errc::not_found, "initiate", "no connection is called " + command.connection);
        if (!command.child.empty() && found->second->child(command.child) == nullptr)
            return fail(Errc::not_found, "initiate",
                        "connection " + command.connection + " has no child " + command.child);
        return found->second;
    }
    for (const auto& [name, connection] : core.config->connections)
        if (connection->child(command.child) != nullptr) return connection;
    return fail(Errc::not_found, "initiate", "no connection has a child " + command.child);
}

// What a selector means: IKE SAs, or children with their IKE SA.
struct Target {
    IkeSa* sa;
    std::vector<model::ChildId> children;
};

bool matches(const IkeSa& sa, const SaSelector& which) {
    if (!which.ike.empty() && sa.connection->name != which.ike) return false;
    return !which.ike_id || static_cast<std::uint32_t>(sa.id) == *which.ike_id;
}

bool matches(const Child& child, const SaSelector& which) {
    if (!which.child.empty() && child.config->name != which.child) return false;
    return !which.child_id || child.unique_id == *which.child_id;
}

bool means_children(const SaSelector& which) { return !which.child.empty() || which.child_id; }

std::vector<Target> targets(Core& core, const SaSelector& which) {
    std::vector<Target> found;
    for (const auto& [id, sa] : core.sas()) {
        if (sa.closed || !matches(sa, which)) continue;
        Target target{.sa = core.find_sa(id), .children = {}};
        for (const auto& [child_id, child] : sa.children)
            if (means_children(which) && matches(child, which)) target.children.push_back(child_id);
        if (!means_children(which) || !target.children.empty()) found.push_back(std::move(target));
    }
    return found;
}

std::string text_of(const SaSelector& which) {
    std::string text;
    if (!which.ike.empty()) text += " ike " + which.ike;
    if (!which.child.empty()) text += " child " + which.child;
    if (which.ike_id) text += fmt::format(" ike-id {}", *which.ike_id);
    if (which.child_id) text += fmt::format(" child-id {}", *which.child_id);
    return text.empty() ? " everything" : text;
}

Explanation by_operator(const IkeSa& sa) {
    return {.kind = "operator",
            .what = "terminated by the operator",
            .advice = "`cygnet up " + sa.connection->name + "` brings it back"};
}

void terminate_ike(Context& context, const Terminate& command) {
    IkeSa& sa = context.sa;
    sa.deleted = true;
    if (sa.half_open()) {
        context.close(by_operator(sa));
        return context.finish_command(command.id, {});
    }
    if (!command.force) {
        hasten_successor(context);
        return context.enqueue(DeleteIkeTask{.command = command.id, .why = by_operator(sa)});
    }
    // The peer is told if the window is free; nobody waits for its answer.
    if (sa.established() && !sa.window.outstanding())
        if (const auto sent = begin_delete_ike(context, {}); !sent)
            context.log(model::LogGroup::ike, 1, sent.error().text());
    context.close(by_operator(sa));
    context.finish_command(command.id, {});
}

void terminate_children(Context& context, const Target& target, const Terminate& command) {
    if (!command.force) return context.enqueue(DeleteChildrenTask{.children = target.children, .command = command.id});
    context.enqueue(DeleteChildrenTask{.children = target.children, .command = {}});
    context.finish_command(command.id, {});
}

}  // namespace

IkeSa* reusable_sa(Core& core, const model::Connection& connection, const std::optional<model::Path>& path) {
    for (IkeSa* sa : core.of_connection(connection.name)) {
        const bool usable = sa->established() || (sa->half_open() && sa->initiator);
        if (sa->closed || !usable || sa->replaced_by || sa->refuses_children) continue;
        if (!path || sa->path.remote.address == path->remote.address) return sa;
    }
    return nullptr;
}

void run_command(Core& core, const Initiate& command, Instant now, Effects& effects) {
    auto connection = find_connection(core, command);
    if (!connection) return fail_command(command.id, connection.error().code, connection.error().detail, effects);
    core.begin_command(command.id, 1);
    IkeSa* sa = reusable_sa(core, **connection, command.path);
    if (sa == nullptr) {
        initiate(core, std::move(*connection), command.path, {.child = command.child, .command = command.id}, now,
                 effects);
        return;
    }
    Context context{.core = core, .sa = *sa, .now = now, .effects = effects};
    core.touch(sa->id);
    if (command.child.empty()) return context.finish_command(command.id, {});
    context.enqueue(CreateChildTask{.child = command.child, .command = command.id});
}

void run_command(Core& core, const Terminate& command, Instant now, Effects& effects) {
    const std::vector<Target> found = targets(core, command.which);
    if (found.empty())
        return fail_command(command.id, Errc::not_found, "no SA matches" + text_of(command.which), effects);
    core.begin_command(command.id, static_cast<std::uint32_t>(found.size()));
    for (const Target& target : found) {
        Context context{.core = core, .sa = *target.sa, .now = now, .effects = effects};
        core.touch(target.sa->id);
        if (means_children(command.which))
            terminate_children(context, target, command);
        else
            terminate_ike(context, command);
    }
}

void run_command(Core& core, const Rekey& command, Instant now, Effects& effects) {
    const std::vector<Target> found = targets(core, command.which);
    const bool of_children = means_children(command.which) && !command.reauthenticate;
    std::uint32_t parts = 0;
    for (const Target& target : found)
        parts += of_children ? static_cast<std::uint32_t>(target.children.size()) : 1;
    if (parts == 0) return fail_command(command.id, Errc::not_found, "no SA matches" + text_of(command.which), effects);
    core.begin_command(command.id, parts);
    for (const Target& target : found) {
        Context context{.core = core, .sa = *target.sa, .now = now, .effects = effects};
        core.touch(target.sa->id);
        if (command.reauthenticate) {
            reauthenticate(context, command.id);
            continue;
        }
        if (!of_children) context.enqueue(RekeyIkeTask{.command = command.id});
        for (const model::ChildId child : target.children)
            context.enqueue(RekeyChildTask{.child = child, .command = command.id});
    }
}

// One task for each established IKE SA that is meant.
template <class Command, class MakeTask>
void enqueue_for_each(Core& core, const Command& command, Instant now, Effects& effects, MakeTask make_task) {
    std::vector<Target> found = targets(core, {.ike = command.which.ike, .ike_id = command.which.ike_id});
    std::erase_if(found, [](const Target& target) { return !target.sa->established(); });
    if (found.empty())
        return fail_command(command.id, Errc::not_found, "no IKE SA matches" + text_of(command.which), effects);
    core.begin_command(command.id, static_cast<std::uint32_t>(found.size()));
    for (const Target& target : found) {
        Context context{.core = core, .sa = *target.sa, .now = now, .effects = effects};
        core.touch(target.sa->id);
        context.enqueue(make_task());
    }
}

void run_command(Core& core, const Clone& command, Instant now, Effects& effects) {
    enqueue_for_each(core, command, now, effects, [&] { return RekeyIkeTask{.command = command.id, .clone = true}; });
}

void run_command(Core& core, const Synchronize& command, Instant now, Effects& effects) {
    enqueue_for_each(core, command, now, effects, [&] {
        return SynchronizeTask{.skip_message_ids = command.skip_message_ids,
                               .skip_packets = command.skip_packets,
                               .command = command.id};
    });
}

}  // namespace cygnet::ike
