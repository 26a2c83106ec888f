#include "ike/exchange/tasks.h"

#include <utility>

#include "ike/exchange/create_child_sa.h"
#include "ike/exchange/informational.h"
#include "ike/feature/counter_sync.h"

namespace cygnet::ike {
namespace {

struct CommandIn {
    template <class T>
    std::optional<CommandId> operator()(const T& item) const {
        if constexpr (requires { item.command; })
            return item.command;
        else if constexpr (requires { item.task.command; })
            return item.task.command;
        else
            return std::nullopt;
    }
};

struct Begin {
    Context& context;
    Result<Next> operator()(const CreateChildTask& task) const { return begin_create_child(context, task); }
    Result<Next> operator()(const RekeyChildTask& task) const { return begin_rekey_child(context, task); }
    Result<Next> operator()(const RekeyIkeTask& task) const { return begin_rekey_ike(context, task); }
    Result<Next> operator()(const DeleteChildrenTask& task) const { return begin_delete_children(context, task); }
    Result<Next> operator()(const DeleteIkeTask& task) const { return begin_delete_ike(context, task); }
    Result<Next> operator()(const LivenessTask&) const { return begin_liveness(context); }
    Result<Next> operator()(const ReportFailureTask& task) const { return begin_report_failure(context, task); }
    Result<Next> operator()(const SynchronizeTask& task) const { return begin_synchronize(context, task); }
    Result<Next> operator()(const InformationalTask& task) const { return begin_informational(context, task); }
};

}  // namespace

Result<Next> begin_task(Context& context, Task task) { return std::visit(Begin{context}, std::move(task)); }

std::optional<CommandId> command_of(const Task& task) { return std::visit(CommandIn{}, task); }

void restart_own_exchange(Context& context, const std::string& reason) {
    IkeSa& sa = context.sa;
    std::optional<JobId>& job = sa.jobs[static_cast<std::size_t>(Slot::own)];
    if (job) context.core.jobs.erase(static_cast<std::uint64_t>(*job));
    job.reset();
    if (sa.own.holds<CreatingSa>()) {
        retry_later(context, reason);
        return;
    }
    const OwnExchange interrupted = std::exchange(sa.own, {});
    if (const auto* informational = interrupted.find<AwaitingInformational>())
        sa.tasks.push_front(informational->task);
    if (const auto* deletion = interrupted.find<AwaitingChildrenDeleted>())
        sa.tasks.push_front(DeleteChildrenTask{.children = deletion->children, .command = deletion->command});
    if (const auto* other = interrupted.find<AwaitingSynchronization>())
        context.finish_command(other->command, {});  // Both failed over at once: the IDs are agreed on.
}

std::vector<WaitingCommand> commands_of(const IkeSa& sa) {
    std::vector<WaitingCommand> commands;
    const auto add = [&](const std::optional<CommandId>& command, bool wants_the_end) {
        if (command) commands.push_back({.id = *command, .wants_the_end = wants_the_end});
    };
    if (sa.intent) add(sa.intent->command, false);
    if (sa.own)
        add(sa.own.visit(CommandIn{}), sa.own.holds<AwaitingIkeDeleted>() || sa.own.holds<AwaitingChildrenDeleted>());
    for (const Task& task : sa.tasks)
        add(command_of(task),
            std::holds_alternative<DeleteIkeTask>(task) || std::holds_alternative<DeleteChildrenTask>(task));
    return commands;
}

}  // namespace cygnet::ike
