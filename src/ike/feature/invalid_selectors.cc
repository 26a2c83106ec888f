#include "ike/feature/invalid_selectors.h"

#include <fmt/format.h>

#include <map>

#include "base/reader.h"
#include "ike/feature/feature.h"

namespace cygnet::ike {
namespace {

struct Waiting {
    model::ChildId child{};
    Bytes packet{};
};

struct State {
    std::optional<Waiting> waiting{};            // the newest, for its turn
    std::map<model::ChildId, Instant> silent{};  // until then; as many as there are children
};

// The SPI names the child by what the packet carried, which is what the peer sends on.
bool add_notification(Context& context, wire::MessageBuilder& message) {
    const auto waiting = std::exchange(context.sa.features.of<State>().waiting, std::nullopt);
    const auto child = waiting ? context.sa.children.find(waiting->child) : context.sa.children.end();
    if (child == context.sa.children.end()) return false;
    Bytes spi;
    Writer(spi).u32(child->second.spi_in);
    message.add(wire::NotifyPayload{.protocol = child->second.protocol(),
                                    .message_type = model::NotifyType::invalid_selectors,
                                    .spi = spi,
                                    .data = waiting->packet});
    context.count(model::Counter::invalid_selectors_out);
    return true;
}

Result<> answered(Context&, const Received&) { return {}; }

// The peer found a packet of ours outside its selectors: its view of the child and ours differ.
Result<> informational_request(Context& context, const Received& request, wire::MessageBuilder&) {
    for (const wire::NotifyPayload* notify : request.message.notifies(model::NotifyType::invalid_selectors)) {
        context.count(model::Counter::invalid_selectors_in);
        const auto spi = notify->spi.size() == 4 ? Reader(notify->spi).u32("SPI").value_or(0) : 0;
        const Child* child = context.sa.child_with_spi_out(notify->protocol, spi);
        if (child == nullptr) continue;
        context.log(model::LogGroup::chd, 1,
                    fmt::format("the peer drops packets of CHILD_SA {}{{{}}}, because they are outside its selectors "
                                "(INVALID_SELECTORS); ours are {}",
                                child->config->name, child->unique_id, text_of(child->terms.selectors)));
    }
    return {};
}

void inherited(Context& heir, IkeSa& old) {
    if (State* state = old.features.find<State>()) heir.sa.features.of<State>() = std::move(*state);
}

}  // namespace

void report_violation(Core& core, const SelectorsViolated& input, Instant now, Effects& effects) {
    IkeSa* sa = core.find_sa_of_child(input.child);
    if (sa == nullptr || sa->closed || !sa->established()) return;
    auto& state = sa->features.of<State>();
    std::erase_if(state.silent, [&](const auto& entry) { return entry.second <= now; });
    if (state.silent.contains(input.child)) return;
    state.silent[input.child] = now + model::limits::invalid_selectors_pause;
    const std::size_t shown = std::min(input.packet.size(), model::limits::invalid_selectors_octets);
    state.waiting = {.child = input.child,
                     .packet = Bytes(input.packet.begin(), input.packet.begin() + static_cast<std::ptrdiff_t>(shown))};
    Context context{.core = core, .sa = *sa, .now = now, .effects = effects};
    core.touch(sa->id);
    const Child& child = sa->children.at(input.child);
    context.log(model::LogGroup::chd, 1,
                fmt::format("a packet on CHILD_SA {}{{{}}} is outside its selectors {}: the peer is told", child.config->name,
                            child.unique_id, text_of(child.terms.selectors)));
    context.enqueue(
        InformationalTask{.name = "INVALID_SELECTORS", .build = add_notification, .answered = answered});
}

constexpr Feature invalid_selectors{
    .name = "invalid selectors",
    .rfc = "RFC 7296 §3.10.1",
    .informational_request = informational_request,
    .inherited = inherited,
};

}  // namespace cygnet::ike
