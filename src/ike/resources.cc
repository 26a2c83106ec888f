#include "ike/resources.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/rekey.h"

namespace cygnet::ike {
namespace {

using model::Resource;

// Of each child's name: so many as the configuration has.
struct Pauses {
    struct Pause {
        Instant until{};
        unsigned failures = 0;  // in a row
    };
    std::map<std::string, Pause> of_name{};
};

bool in_use(const Child& child) {
    return !child.redundant && !child.replacement && child.state != model::ChildState::deleting;
}

// RFC 9611 §3: what belongs together has the same selectors.
std::vector<Child*> group_of(IkeSa& sa, const model::ChildConfig& config, const SelectorPair& selectors) {
    std::vector<Child*> group;
    for (auto& [id, child] : sa.children)
        if (child.terms.per_resource && in_use(child) && child.config->name == config.name && child.terms.selectors == selectors)
            group.push_back(&child);
    return group;
}

Child* with_resource(const std::vector<Child*>& group, Resource resource) {
    const auto found = std::ranges::find(group, resource, &Child::resource);
    return found == group.end() ? nullptr : *found;
}

bool asked_for(const IkeSa& sa, model::ChildId like, Resource resource) {
    const auto same = [&](const Boxed<ResourceWish>& wish) {
        const auto child = wish ? sa.children.find(wish->like) : sa.children.end();
        return child != sa.children.end() && wish->resource == resource &&
               child->second.terms.selectors == sa.children.at(like).terms.selectors;
    };
    if (const auto* creating = sa.own.find<CreatingSa>())
        if (const auto* child = std::get_if<NewChild>(&creating->made.what); child != nullptr && same(child->wish)) return true;
    return std::ranges::any_of(sa.tasks, [&](const Task& task) {
        const auto* create = std::get_if<CreateChildTask>(&task);
        return create != nullptr && same(create->wish);
    });
}

bool pausing(IkeSa& sa, const std::string& name, Instant now) {
    const auto* pauses = sa.features.find<Pauses>();
    const auto found = pauses != nullptr ? pauses->of_name.find(name) : decltype(Pauses::of_name)::const_iterator();
    return pauses != nullptr && found != pauses->of_name.end() && now < found->second.until;
}

// The peer made it, so that it has the keys after a moment; what is sent before is lost.
void give_to(Context& context, Child& spare, Resource resource) {
    if (context.now - spare.installed_at < model::limits::resource_settled) return;
    spare.resource = resource;
    context.log(model::LogGroup::chd, 1,
                fmt::format("CHILD_SA {}{{{}}}, which the peer made, is{}", spare.config->name, spare.unique_id, for_resource(resource)));
    activate(context, spare);
}

}  // namespace

std::string for_resource(Resource resource) {
    if (resource == model::every_resource) return {};
    return resource == model::no_resource ? " for receiving" : fmt::format(" for worker {}", resource);
}

void want_resource(Core& core, const ResourceWanted& input, Instant now, Effects& effects) {
    IkeSa* sa = core.find_sa_of_child(input.child);
    if (sa == nullptr || !sa->established() || sa->replaced_by || input.resource >= core.settings.resources) return;
    const Child& like = sa->children.at(input.child);
    if (!like.terms.per_resource) return;
    Context context{.core = core, .sa = *sa, .now = now, .effects = effects};
    const std::vector<Child*> group = group_of(*sa, *like.config, like.terms.selectors);
    if (group.empty() || with_resource(group, input.resource) != nullptr) return;
    // The first has been lost: it comes before all others.
    const bool has_first = with_resource(group, model::every_resource) != nullptr;
    const Resource wanted = has_first ? input.resource : model::every_resource;
    if (Child* spare = has_first ? with_resource(group, model::no_resource) : nullptr) return give_to(context, *spare, wanted);
    if (asked_for(*sa, like.id, wanted) || pausing(*sa, like.config->name, now)) return;
    if (group.size() >= model::limits::children_per_selectors || sa->tasks.size() >= model::limits::queued_exchanges_per_ike_sa) return;
    core.touch(sa->id);
    context.count(model::Counter::resource_wanted);
    context.log(model::LogGroup::chd, 1, fmt::format("a further CHILD_SA {}{} is wanted", like.config->name, for_resource(wanted)));
    context.enqueue(CreateChildTask{.child = like.config->name, .wish = ResourceWish{.like = group.front()->id, .resource = wanted}});
}

Result<Resource> place_child(Context& context, const ChildOffer& offer, ChildDecision& decision) {
    if (!decision.terms.per_resource) return model::every_resource;
    const std::vector<Child*> group = group_of(context.sa, *decision.child, decision.terms.selectors);
    if (group.empty()) return model::every_resource;
    // RFC 9611 §3.2: this notification and no other.
    if (group.size() >= model::limits::children_per_selectors) {
        context.count(model::Counter::max_queue_out);
        return refuse(model::NotifyType::ts_max_queue, Errc::limit, "children",
                      fmt::format("child '{}' has {} SAs of the same selectors, as many as it may", decision.child->name, group.size()));
    }
    if (auto alike = become_like(group.front()->terms, *decision.child, offer, decision.terms); !alike) {
        context.count(model::Counter::resource_refused);
        return fail(std::move(alike).error());
    }
    return with_resource(group, model::every_resource) != nullptr ? model::no_resource : model::every_resource;
}

void put_off(Context& context, const std::string& name) {
    auto& pause = context.sa.features.of<Pauses>().of_name[name];
    Duration wait = model::limits::resource_pause_first;
    for (unsigned i = 0; i < pause.failures && wait < model::limits::resource_pause_max; ++i) wait *= 2;
    ++pause.failures;
    pause.until = context.now + std::min(wait, model::limits::resource_pause_max);
}

void note_lost(Context& context, const Child& child) {
    if (context.now - child.installed_at >= model::limits::resource_pause_max)
        context.sa.features.of<Pauses>().of_name.erase(child.config->name);
    put_off(context, child.config->name);
}

}  // namespace cygnet::ike
