#include "ike/unwanted.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/reader.h"
#include "ike/exchange/create_child_sa.h"
#include "ike/explain.h"
#include "ike/feature/reauthentication.h"
#include "ike/timers.h"

namespace cygnet::ike {
namespace {

struct UnwantedChildren {
    std::vector<std::pair<model::Protocol, std::uint32_t>> waiting{}, named{};  // not yet in a Delete, and in the one that is under way
};

// RFC 7296 §1.4.1: the SPIs are those that we would receive on.
bool add_delete(Context& context, wire::MessageBuilder& message) {
    auto& unwanted = context.sa.features.of<UnwantedChildren>();
    if (unwanted.waiting.empty()) return false;
    add_deletes(message, unwanted.waiting);
    unwanted.named = std::exchange(unwanted.waiting, {});
    return true;
}

// What the peer wants fits none, so that one can only guess which it means: the first that is not up.
void note_child_failure(Context& context, const Explanation& why) {
    for (const model::ChildConfig& child : context.sa.connection->children)
        if (std::ranges::none_of(context.sa.children, [&](const auto& up) { return up.second.config == &child; }))
            return context.note_failure(why, child.name);
}

Result<> deleted(Context& context, const Received&) {
    for (const auto& [protocol, spi] : std::exchange(context.sa.features.of<UnwantedChildren>().named, {}))
        context.core.release_child_spi(spi);
    return {};
}

}  // namespace

void report_child_refusal(Context& context, const Error& why) {
    const auto notify = static_cast<model::NotifyType>(why.notify);
    const Explanation explanation = explanation_of(why);
    note_child_failure(context, explanation);
    const auto [counter, alert] = [&]() -> std::pair<model::Counter, const char*> {
        switch (notify) {
            case model::NotifyType::ts_unacceptable:
            case model::NotifyType::single_pair_required: return {model::Counter::ts_unacceptable, "ts-mismatch"};
            case model::NotifyType::internal_address_failure:
            case model::NotifyType::failed_cp_required: return {model::Counter::address_refused, "vip-failure"};
            default: return {model::Counter::no_proposal_chosen, "proposal-mismatch-child"};
        }
    }();
    context.count(counter);
    if (explanation.kind == classic_offer) context.count(model::Counter::post_quantum_refused);
    context.alert(alert,
                  fmt::format("IKE_SA {} gets no child: {}", context.sa.name(), explanation.sentence()));
}

void delete_unwanted_child(Context& context, std::uint32_t spi_in, const wire::Message& answer, const Error& why) {
    context.log(model::LogGroup::ike, 1, fmt::format("the new child {:08x} is deleted: {}", spi_in, why.text()));
    const auto* chosen = answer.find<wire::SaPayload>();
    const auto protocol = chosen != nullptr && !chosen->proposals.empty() ? chosen->proposals.front().protocol : model::Protocol::esp;
    context.sa.features.of<UnwantedChildren>().waiting.emplace_back(protocol, spi_in);
    context.enqueue(InformationalTask{.name = "CHILD_DELETE", .build = add_delete, .answered = deleted});
}

// §2.9: the peer's policy has an SA for each pair of addresses. The packet that wanted the child names one.
Next ask_for_one_pair(Context& context) {
    const CreatingSa& exchange = context.sa.own.get<CreatingSa>();
    const auto* child = std::get_if<NewChild>(&exchange.made.what);
    if (child == nullptr || !exchange.packet || exchange.single_pair)
        return give_up(context,
                       Explanation{.kind = "selectors",
                                   .what = "the peer wants one pair of addresses for each child (SINGLE_PAIR_REQUIRED)",
                                   .ours = text_of(exchange.offered_selectors),
                                   .advice = "set single_pair = yes and start_action = trap here"});
    context.enqueue(CreateChildTask{
        .child = child->name, .command = exchange.command, .packet = exchange.packet, .single_pair = true});
    return context.finish();
}

// §1.3: the peer keeps what it has and wants no more in this IKE SA; so the child gets one of its own.
Next take_elsewhere(Context& context) {
    context.count(model::Counter::no_additional_sas);
    const auto* child = std::get_if<NewChild>(&context.sa.own.get<CreatingSa>().made.what);
    if (child == nullptr) {
        const std::optional<CommandId> command = std::exchange(context.sa.own.get<CreatingSa>().command, std::nullopt);
        const Next next = give_up(context, "the peer refused: NO_ADDITIONAL_SAS; the IKE_SA begins anew");
        reauthenticate(context, command);
        return next;
    }
    CreatingSa& exchange = context.sa.own.get<CreatingSa>();
    context.log(model::LogGroup::ike, 1, "the peer wants no more children here (NO_ADDITIONAL_SAS): a new IKE_SA for '" +
                                             child->name + "' begins");
    Intent intent{.child = child->name,
                  .command = std::exchange(exchange.command, std::nullopt),
                  .packet = exchange.packet};
    context.sa.refuses_children = true;
    const Next next = give_up(context, "the peer refused: NO_ADDITIONAL_SAS");
    initiate(context.core, context.sa.connection, fresh_path(context), std::move(intent), context.now, context.effects);
    return next;
}

}  // namespace cygnet::ike
