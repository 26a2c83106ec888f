#include "dataplane/routes.h"

#include <algorithm>
#include <utility>

#include "model/limits.h"

namespace cygnet::dataplane {

Result<Routes> Routes::open(Netlink netlink, const RouteSettings& settings) {
    Routes routes(std::move(netlink), settings);
    for (const auto family : {model::Family::v4, model::Family::v6}) {
        const Rule rule{family, settings.mark, settings.table, settings.priority};
        // One left over from a process that was killed would make two of them.
        while (routes.netlink_.remove_rule(rule)) {
        }
        while (routes.netlink_.remove_any_rule(family, routes.bypass_priority())) {
        }
        while (routes.netlink_.remove_any_rule(family, routes.landing_priority())) {
        }
        if (const auto added = routes.netlink_.add_rule(rule); !added) {
            if (added.error().code == Errc::unsupported) continue;
            return fail(added.error());
        }
        routes.rules_.push_back(rule);
        TRY(routes.netlink_.add_landing(family, routes.landing_priority()));
    }
    return routes;
}

Routes::Routes(Routes&& other) noexcept
    : netlink_(std::move(other.netlink_)),
      settings_(other.settings_),
      rules_(std::exchange(other.rules_, {})),
      entries_(std::exchange(other.entries_, {})),
      bypasses_(std::exchange(other.bypasses_, {})),
      local_(std::move(other.local_)) {}

Routes::~Routes() {
    for (const auto& [prefix, entry] : entries_)
        if (entry.device != settings_.device) static_cast<void>(netlink_.remove_route(route(prefix, entry)));
    for (const auto& [rule, users] : bypasses_) static_cast<void>(netlink_.remove_bypass(rule, bypass_priority(), landing_priority()));
    for (const Rule& rule : rules_) {
        static_cast<void>(netlink_.remove_rule(rule));
        static_cast<void>(netlink_.remove_any_rule(rule.family, landing_priority()));
    }
}

Result<> Routes::add(const model::TrafficSelectors& local, const model::TrafficSelectors& remote, std::size_t mtu, unsigned device) {
    Shared<model::TrafficSelectors> shared(local);
    local_.unify(shared);
    for (const model::TrafficSelector& selector : remote) {
        const auto source = source_for(local, selector.addresses.family());
        for (const Prefix& prefix : prefixes_of(selector.addresses)) {
            Entry& entry = entries_[prefix];
            const bool wider = mtu == 0 || (entry.mtu != 0 && entry.mtu <= mtu);  // the narrowest child speaks for all
            if (entry.users++ != 0 && wider) continue;
            entry.local = shared;
            entry.mtu = mtu;
            entry.device = device != 0 ? device : settings_.device;
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

Result<> Routes::add_bypass(const BypassRule& rule) {
    if (bypasses_[rule]++ != 0) return {};
    auto added = netlink_.add_bypass(rule, bypass_priority(), landing_priority());
    if (added || added.error().code == Errc::unsupported) return {};  // a host without the family has no such packets
    bypasses_.erase(rule);
    return added;
}

Result<> Routes::remove_bypass(const BypassRule& rule) {
    const auto found = bypasses_.find(rule);
    if (found == bypasses_.end() || --found->second != 0) return {};
    bypasses_.erase(found);
    return netlink_.remove_bypass(rule, bypass_priority(), landing_priority());
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
    std::size_t mtu = entry.mtu;
    if (mtu != 0 && prefix.address.family() == model::Family::v6)
        mtu = std::max<std::size_t>(mtu, model::limits::path_mtu_min_v6);
    return {prefix, entry.device, settings_.table, entry.source, std::min(mtu, settings_.mtu)};
}

}  // namespace cygnet::dataplane
