#include "ike/exchange/tasks.h"

#include "ike/exchange/create_child_sa.h"
#include "ike/exchange/informational.h"

namespace cygnet::ike {
namespace {

struct CommandIn {
    template <class T>
    std::optional<CommandId> operator()(const T& item) const {
        if constexpr (requires { item.command; })
            return item.command;
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
};

}  // namespace

Result<Next> begin_task(Context& context, Task task) { return std::visit(Begin{context}, std::move(task)); }

std::optional<CommandId> command_of(const Task& task) { return std::visit(CommandIn{}, task); }

std::vector<std::optional<CommandId>> commands_of(const IkeSa& sa) {
    std::vector<std::optional<CommandId>> commands{sa.intent.command, std::visit(CommandIn{}, sa.own)};
    for (const Task& task : sa.tasks) commands.push_back(command_of(task));
    return commands;
}

}  // namespace cygnet::ike
