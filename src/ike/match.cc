#include "ike/match.h"

#include <algorithm>
#include <array>

#include "crypto/catalogue.h"
#include "ike/auth/auth.h"
#include "model/config_index.h"

namespace cygnet::ike {
namespace {

// 0: does not fit. An address outweighs a range, a range outweighs %any. A name cannot be resolved here: it fits
// like %any, the identities decide.
unsigned fit(const std::vector<model::HostPattern>& patterns, model::IpAddress address) {
    if (patterns.empty()) return 1;
    unsigned best = 0;
    for (const model::HostPattern& pattern : patterns) {
        if (pattern.any || !pattern.range)
            best = std::max(best, 1u);
        else if (pattern.range->contains(address))
            best = std::max(best, pattern.range->first == pattern.range->last ? 3u : 2u);
    }
    return best;
}

Connections all_of(const model::Config& config) {
    Connections all;
    all.reserve(config.connections.size());
    for (const auto& [name, connection] : config.connections) all.push_back(connection);
    return all;
}

// How well a connection fits the addresses; 0: not at all.
unsigned fit(const model::Connection& connection, const model::Path& path) {
    // RFC 9329 §5: only with peers for whom it is configured.
    if (path.tcp() && connection.tcp == model::Tcp::no) return 0;
    const unsigned local = fit(connection.local_addrs, path.local.address);
    const unsigned remote = fit(connection.remote_addrs, path.remote.address);
    return local != 0 && remote != 0 ? local + 4 * remote : 0;
}

// Those that fit the addresses, the best first, otherwise in their order.
Connections ranked(Connections connections, const model::Path& path) {
    if (connections.size() == 1 && fit(*connections.front(), path) != 0) return connections;  // nearly always
    struct Candidate {
        unsigned score;
        std::shared_ptr<const model::Connection> connection;
    };
    std::vector<Candidate> candidates;
    for (std::shared_ptr<const model::Connection>& connection : connections)
        if (const unsigned score = fit(*connection, path); score != 0) candidates.push_back({score, std::move(connection)});
    std::ranges::stable_sort(candidates, std::greater{}, &Candidate::score);
    Connections sorted;
    sorted.reserve(candidates.size());
    for (Candidate& candidate : candidates) sorted.push_back(std::move(candidate.connection));
    return sorted;
}

bool is_usable(const model::Transform& transform) {
    if (!crypto::supports(model::Protocol::ike, transform)) return false;
    return transform.type != model::TransformType::ke || crypto::fits_first_message(static_cast<model::Ke>(transform.id));
}

// What this build can run of each; a proposal that lost all alternatives of a type is left out.
std::vector<model::Proposal> usable_proposals(const model::Connection& connection) {
    std::vector<model::Proposal> usable;
    usable.reserve(connection.proposals.size());
    for (const model::Proposal& configured : connection.proposals) {
        model::Proposal proposal{.protocol = configured.protocol, .spi = configured.spi};
        proposal.transforms.reserve(configured.transforms.size());
        std::ranges::copy_if(configured.transforms, std::back_inserter(proposal.transforms), is_usable);
        const auto left = [&](const model::Transform& transform) { return proposal.has(transform.type); };
        if (std::ranges::all_of(configured.transforms, left)) usable.push_back(std::move(proposal));
    }
    return usable;
}

}  // namespace

Connections connections_for(const model::Config& config, const model::Path& path) {
    return ranked(config.index ? config.index->first_for(path.remote.address) : all_of(config), path);
}

Connections connections_for(const model::Config& config, const model::Path& path, const model::Identity& peer) {
    Connections found = config.index ? config.index->for_peer(path.remote.address, peer) : all_of(config);
    std::erase_if(found, [&](const auto& connection) {
        return connection->remote.empty() || !accepts(connection->remote.front().id, peer);
    });
    return ranked(std::move(found), path);
}

Connections all_connections_for(const model::Config& config, const model::Path& path) {
    return ranked(config.index ? config.index->all_for(path.remote.address) : all_of(config), path);
}

bool expects_address(const model::Connection& connection, model::IpAddress address) {
    return !connection.remote_addrs.empty() && fit(connection.remote_addrs, address) == 3;
}

bool admits(const std::vector<model::HostPattern>& patterns, model::IpAddress address) {
    return fit(patterns, address) != 0;
}

bool fits_path(const model::Connection& connection, const model::Path& path) {
    if (path.tcp() && connection.tcp == model::Tcp::no) return false;
    return fit(connection.local_addrs, path.local.address) != 0 && fit(connection.remote_addrs, path.remote.address) != 0;
}

bool fits_proposal(const model::Connection& connection, const model::ChosenProposal& chosen) {
    const model::Proposal as_offer = chosen.as_answer();
    return model::choose(offered_ike_proposals(connection), std::array{as_offer}, {}).has_value();
}

std::vector<model::Proposal> offered_ike_proposals(const model::Connection& connection, bool private_numbers) {
    return model::allowed_by({.post_quantum = connection.post_quantum, .private_numbers = private_numbers}, usable_proposals(connection));
}

std::vector<model::Proposal> configured_ike_proposals(const model::Connection& connection, bool private_numbers) {
    return model::allowed_by({.private_numbers = private_numbers}, usable_proposals(connection));
}

}  // namespace cygnet::ike
