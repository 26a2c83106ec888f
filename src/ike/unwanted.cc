#include "ike/unwanted.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/reader.h"

namespace cygnet::ike {
namespace {

struct UnwantedChildren {
    std::vector<std::uint32_t> waiting{}, named{};  // not yet in a Delete, and in the one that is under way
};

// RFC 7296 §1.4.1: the SPIs are those that we would receive on.
bool add_delete(Context& context, wire::MessageBuilder& message) {
    auto& unwanted = context.sa.features.of<UnwantedChildren>();
    if (unwanted.waiting.empty()) return false;
    Bytes octets;
    Writer writer(octets);
    for (const std::uint32_t spi : unwanted.waiting) writer.u32(spi);
    message.add(wire::DeletePayload{.protocol = model::Protocol::esp, .spi_size = 4, .spis = octets});
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
    for (const std::uint32_t spi : std::exchange(context.sa.features.of<UnwantedChildren>().named, {}))
        context.core.release_child_spi(spi);
    return {};
}

}  // namespace

void report_child_refusal(Context& context, const Error& why) {
    const auto notify = static_cast<model::NotifyType>(why.notify);
    const bool selectors =
        notify == model::NotifyType::ts_unacceptable || notify == model::NotifyType::single_pair_required;
    context.count(selectors ? model::Counter::ts_unacceptable : model::Counter::no_proposal_chosen);
    const Explanation explanation = explanation_of(why);
    note_child_failure(context, explanation);
    context.alert(selectors ? "ts-mismatch" : "proposal-mismatch-child",
                  fmt::format("IKE_SA {} gets no child: {}", context.sa.name(), explanation.sentence()));
}

void delete_unwanted_child(Context& context, std::uint32_t spi_in, const Error& why) {
    context.log(model::LogGroup::ike, 1, fmt::format("the new child {:08x} is deleted: {}", spi_in, why.text()));
    context.sa.features.of<UnwantedChildren>().waiting.push_back(spi_in);
    context.enqueue(InformationalTask{.name = "CHILD_DELETE", .build = add_delete, .answered = deleted});
}

}  // namespace cygnet::ike
