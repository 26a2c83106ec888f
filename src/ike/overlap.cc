#include "ike/overlap.h"

#include <algorithm>

#include "ike/rekey.h"

namespace cygnet::ike {
namespace {

bool intersect(const model::TrafficSelectors& a, const model::TrafficSelectors& b) {
    return std::ranges::any_of(a, [&](const model::TrafficSelector& one) {
        return std::ranges::any_of(b, [&](const model::TrafficSelector& other) { return one.intersect(other).has_value(); });
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
    return twin && twin.child->outbound_active && twin.sa->established();
}

Duration hand_over_to_twin(Context& context, const Child& child) {
    if (child.replacement || child.redundant) return Duration{0};
    const Twin twin = find_twin(context, child.terms.selectors);
    if (!twin) return Duration{0};
    Context of_twin = context.of(*twin.sa);
    activate(of_twin, *twin.child);
    return model::limits::deleted_child_grace;
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
