#include "dataplane/routes.h"

#include <utility>

namespace cygnet::dataplane {

Result<Routes> Routes::open(Netlink netlink, const RouteSettings& settings) {
    Routes routes(std::move(netlink), settings);
    for (const auto family : {model::Family::v4, model::Family::v6}) {
        const Rule rule{family, settings.mark, settings.table, settings.priority};
        // One left over from a process that was killed would make two of them.
        while (routes.netlink_.remove_rule(rule)) {
        }
        if (const auto added = routes.netlink_.add_rule(rule))
            routes.rules_.push_back(rule);
        else if (added.error().code != Errc::unsupported)
            return fail(added.error());
    }
    return routes;
}

Routes::Routes(Routes&& other) noexcept
    : netlink_(std::move(other.netlink_)),
      settings_(other.settings_),
      rules_(std::exchange(other.rules_, {})),
      entries_(std::exchange(other.entries_, {})) {}

Routes::~Routes() {
    for (const Rule& rule : rules_) static_cast<void>(netlink_.remove_rule(rule));
}

Result<> Routes::add(const model::TrafficSelectors& local, const model::TrafficSelectors& remote) {
    for (const model::TrafficSelector& selector : remote) {
        const auto source = source_for(local, selector.addresses.family());
        for (const Prefix& prefix : prefixes_of(selector.addresses)) {
            Entry& entry = entries_[prefix];
            if (entry.users++ != 0) continue;
            entry.local = local;
            TRY(set_route(prefix, entry, source));
        }
    }
    return {};
}

Result<> Routes::remove(const model::TrafficSelectors& remote) {
    Result<> result;
    for (const model::TrafficSelector& selector : remote)
        for (const Prefix& prefix : prefixes_of(selector.addresses)) {
            const auto found = entries_.find(prefix);
            if (found == entries_.end() || --found->second.users != 0) continue;
            if (auto removed = netlink_.remove_route(route(prefix, found->second)); !removed)
                result = std::move(removed);
            entries_.erase(found);
        }
    return result;
}

Result<> Routes::add_address(const model::IpAddress& address) {
    TRY(netlink_.add_address(settings_.device, address));
    return refresh_sources();
}

Result<> Routes::remove_address(const model::IpAddress& address) {
    TRY(netlink_.remove_address(settings_.device, address));
    return refresh_sources();
}

// An address of this host inside the local selectors: what answers will be sent to.
std::optional<model::IpAddress> Routes::source_for(const model::TrafficSelectors& local, model::Family family) {
    const auto addresses = netlink_.known_addresses();
    if (!addresses) return std::nullopt;
    for (const model::TrafficSelector& selector : local) {
        // "Everything" says nothing about where we are; the system's choice is as good.
        if (selector.addresses == model::AddressRange::all(family)) continue;
        for (const model::IpAddress& address : *addresses)
            if (selector.addresses.contains(address) && address.family() == family) return address;
    }
    return std::nullopt;
}

Result<> Routes::refresh_sources() {
    for (auto& [prefix, entry] : entries_) {
        const auto source = source_for(entry.local, prefix.address.family());
        if (source == entry.source) continue;
        TRY(set_route(prefix, entry, source));
    }
    return {};
}

// The source is a hint: an address that the kernel does not take (an IPv6 one still being probed) must not
// cost the route.
Result<> Routes::set_route(const Prefix& prefix, Entry& entry, const std::optional<model::IpAddress>& source) {
    entry.source = source;
    if (source && netlink_.add_route(route(prefix, entry))) return {};
    entry.source = std::nullopt;
    auto added = netlink_.add_route(route(prefix, entry));
    // A host without the family has no packets of it that could leave in the clear.
    if (!added && added.error().code == Errc::unsupported) return {};
    return added;
}

Route Routes::route(const Prefix& prefix, const Entry& entry) const {
    return {prefix, settings_.device, settings_.table, entry.source};
}

}  // namespace cygnet::dataplane
