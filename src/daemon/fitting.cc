#include "daemon/fitting.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace cygnet::daemon {

namespace {

// Without what the data plane lacks; nothing when a cipher or its integrity algorithm would be missing.
std::optional<model::Proposal> fitted(const model::Proposal& proposal, const dataplane::ChildBackend& backend, std::set<std::string>& left_out) {
    model::Proposal rest = proposal;
    std::erase_if(rest.transforms, [&](const model::Transform& transform) {
        const bool lacks = !backend.can(transform);
        if (lacks) left_out.insert(transform.text());
        return lacks;
    });
    for (const auto type : {model::TransformType::encr, model::TransformType::integ})
        if (proposal.has(type) && !rest.has(type)) return std::nullopt;
    return rest;
}

std::vector<model::Proposal> fitted(const std::vector<model::Proposal>& proposals, const dataplane::ChildBackend& backend,
                                    std::set<std::string>& left_out) {
    std::vector<model::Proposal> rest;
    for (const model::Proposal& proposal : proposals)
        if (auto one = fitted(proposal, backend, left_out)) rest.push_back(std::move(*one));
    return rest;
}

bool lacks_something(const model::Connection& connection, const dataplane::ChildBackend& backend) {
    const auto cannot = [&](const model::Transform& transform) { return !backend.can(transform); };
    return std::ranges::any_of(connection.children, [&](const model::ChildConfig& child) {
        if (child.ipcomp && !backend.can_compress()) return true;
        return std::ranges::any_of(child.esp_proposals,
                                   [&](const model::Proposal& proposal) { return std::ranges::any_of(proposal.transforms, cannot); });
    });
}

}  // namespace

Fitting::Fitted Fitting::fit(const std::shared_ptr<const model::Config>& config, const dataplane::ChildBackend& backend) {
    Fitted result{.config = config, .left_out = {}};
    std::shared_ptr<model::Config> changed;  // made when it is needed: there may be very many connections
    std::map<Connection, Connection> now;
    for (const auto& [name, connection] : config->connections) {
        if (!lacks_something(*connection, backend)) continue;
        auto copy = std::make_shared<model::Connection>(*connection);
        for (model::ChildConfig& child : copy->children) {
            if (child.ipcomp && !backend.can_compress()) {
                child.ipcomp = false;
                result.left_out.insert("IPComp");
            }
            auto rest = fitted(child.esp_proposals, backend, result.left_out);
            if (rest.empty() && !model::is_shunt(child.mode))
                result.hopeless.insert(name + ", " + child.name);
            else
                child.esp_proposals = std::move(rest);
        }
        if (*copy == *connection) continue;
        const auto known = before_.find(connection);
        const auto& kept = now[connection] = known != before_.end() ? known->second : std::move(copy);
        if (!changed) changed = std::make_shared<model::Config>(*config);
        changed->connections[name] = kept;
    }
    before_ = std::move(now);
    if (changed) result.config = std::move(changed);
    return result;
}

}  // namespace cygnet::daemon
