#include "ike/overlap.h"

#include <algorithm>

#include "ike/exchange/create_child_sa.h"
#include "ike/exchange/tasks.h"
#include "ike/rekey.h"

namespace cygnet::ike {
namespace {

bool intersect(const model::TrafficSelectors& a, const model::TrafficSelectors& b) {
    return std::ranges::any_of(a, [&](const model::TrafficSelector& one) {
        return std::ranges::any_of(b, [&](const model::TrafficSelector& other) { return one.intersect(other).has_value(); });
    });
}

bool is_sibling(const Child& child, const SelectorPair& selectors) {
    return child.resource == model::every_resource && child.state != model::ChildState::deleting && child.terms.selectors == selectors;
}

bool predecessor_carries(const IkeSa& sa, const Child& child) {
    return std::ranges::any_of(sa.children, [&](const auto& entry) {
        return entry.second.replacement == child.id && entry.second.outbound_active;
    });
}

}  // namespace

Twin find_twin(const Context& context, const SelectorPair& selectors) {
    const IkeSa& sa = context.sa;
    if (sa.peer_anonymous) return {};
    for (const model::ChildId id : context.core.maybe_twins(sa, selectors)) {
        IkeSa* other = context.core.find_sa_of_child(id);
        if (other == nullptr || other->id == sa.id || other->closed || other->half_open() || other->replaced_by) continue;
        Child& child = other->children.at(id);
        if (other->own_id == sa.own_id && other->peer_id == sa.peer_id && !child.replacement && !child.redundant &&
            child.resource == model::every_resource && child.terms.selectors == selectors && !is_undecided(*other, id))
            return {.sa = other, .child = &child};
    }
    return {};
}

bool twin_carries(const Context& context, const SelectorPair& selectors) {
    const Twin twin = find_twin(context, selectors);
    return twin && twin.sa->established() && (twin.child->outbound_active || predecessor_carries(*twin.sa, *twin.child));
}

Duration hand_over_to_twin(Context& context, const Child& child) {
    const Twin twin = find_twin(context, child.terms.selectors);
    if (!twin) return Duration{0};
    // One that was rekeyed has handed over already, but the peer may not have heard of it and use it still. And a twin that
    // itself replaces another waits until the peer shows that it has the keys.
    if (!child.replacement && !child.redundant && !predecessor_carries(*twin.sa, *twin.child)) {
        Context of_twin = context.of(*twin.sa);
        activate(of_twin, *twin.child);
    }
    return model::limits::deleted_child_grace;
}

bool sibling_carries(const IkeSa& sa, const SelectorPair& selectors) {
    return std::ranges::any_of(sa.children, [&](const auto& entry) {
        return entry.second.outbound_active && is_sibling(entry.second, selectors);
    });
}

void hand_over_to_sibling(Context& context, const Child& child) {
    Child* waiting = nullptr;
    for (auto& [id, other] : context.sa.children) {
        if (id == child.id || !is_sibling(other, child.terms.selectors)) continue;
        if (other.outbound_active) return;
        if (!other.replacement && !other.redundant && !is_undecided(context.sa, id)) waiting = &other;
    }
    if (waiting != nullptr) activate(context, *waiting);
}

namespace {

std::size_t count_of(const IkeSa& sa, const std::string& name) {
    return static_cast<std::size_t>(std::ranges::count_if(sa.children, [&](const auto& entry) {
        return entry.second.config->name == name && is_current(sa, entry.second);
    }));
}

}  // namespace

void go_on_in_newer(Context& context, IkeSa& newer) {
    IkeSa& sa = context.sa;
    Context of_newer = context.of(newer);
    if (auto* creating = sa.own.find<CreatingSa>(); creating != nullptr && !creating->made.clones_ike_sa()) {
        const std::optional<CommandId> command = std::exchange(creating->command, std::nullopt);
        const auto* child = std::get_if<NewChild>(&creating->made.what);
        // The answer may be lost, and the peer has brought the child along.
        const bool there = child == nullptr || child->replaces || count_of(newer, child->name) > count_of(sa, child->name);
        if (there) context.finish_command(command, {});
        else of_newer.enqueue(create_again(*creating, command));
    }
    std::erase_if(sa.tasks, [&](Task& task) {
        const auto* rekey = std::get_if<RekeyIkeTask>(&task);
        const bool has_fresh_keys = std::holds_alternative<RekeyChildTask>(task) || (rekey != nullptr && !rekey->clone);
        const bool is_child = std::holds_alternative<CreateChildTask>(task);
        if (is_child) of_newer.enqueue(std::move(task));
        else if (has_fresh_keys) context.finish_command(command_of(task), {});
        return is_child || has_fresh_keys;
    });
    context.core.touch(newer.id);
}

Result<> check_anonymous_child(Context& context, const SelectorPair& selectors) {
    const IkeSa& sa = context.sa;
    if (!sa.peer_anonymous) return {};
    for (const auto& [id, other] : context.core.sas()) {
        if (id == sa.id || other.closed) continue;
        for (const auto& [child_id, child] : other.children) {
            if (!intersect(child.terms.selectors.remote, selectors.remote)) continue;
            context.count(model::Counter::anonymous_refused);
            return refuse(model::NotifyType::ts_unacceptable, Errc::no_match, "TS",
                          "a peer without identity asks for " + model::text_of(selectors.remote) + ", which belongs to " +
                              other.name());
        }
    }
    return {};
}

void displace_anonymous(Context& context, const SelectorPair& selectors) {
    if (context.sa.peer_anonymous) return;
    for (const model::IkeSaId id : context.core.anonymous()) {
        IkeSa* other = context.core.find_sa(id);
        if (other == nullptr || other->closed) continue;
        Context of_other = context.of(*other);
        std::vector<model::ChildId> in_the_way;
        for (const auto& [child_id, child] : other->children)
            if (intersect(child.terms.selectors.remote, selectors.remote)) in_the_way.push_back(child_id);
        for (const model::ChildId child : in_the_way)
            of_other.remove_child(child, "a peer with a proven identity has come for its traffic");
        if (!in_the_way.empty()) of_other.enqueue(DeleteIkeTask{});
    }
}

}  // namespace cygnet::ike
