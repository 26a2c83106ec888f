// Routes into the TUN device, or into the device that leads to the peer where the kernel does ESP, for the children's remote selectors, in a table of our own that all packets
// look into except those of our own sockets. So a peer inside its own remote selectors does not loop, and a
// packet for a protected selector goes to the device whether an SA is there or not: never out in the clear.
#pragma once

#include <map>

#include "base/shared.h"
#include "dataplane/netlink.h"
#include "model/selector.h"

namespace cygnet::dataplane {

struct RouteSettings {
    unsigned device = 0;
    std::uint32_t table = 0;
    std::uint32_t priority = 0;  // of our rule; those of bypass come just before it, what they jump to just after
    std::uint32_t mark = 0;
    std::size_t mtu = 0;  // of the device
};

class Routes {
public:
    // Adds the rules; the destructor removes them, and the routes that do not go with their device.
    static Result<Routes> open(Netlink netlink, const RouteSettings& settings);
    Routes(Routes&& other) noexcept;
    Routes& operator=(Routes&&) = delete;
    ~Routes();

    // Counted: a rekeyed child shares its predecessor's routes. `mtu`: octets of an inner packet, so that programs here
    // and hosts behind us learn it from the kernel; 0 if it is not known. `device`: another than that of the settings.
    Result<> add(const model::TrafficSelectors& local, const model::TrafficSelectors& remote, std::size_t mtu,
                 unsigned device = 0);
    Result<> remove(const model::TrafficSelectors& remote);

    // Packets that pass in the clear, whatever routes say. Counted: the same may be asked for twice.
    Result<> add_bypass(const BypassRule& rule);
    Result<> remove_bypass(const BypassRule& rule);

    // An address of ours on the device; routes take it as their source where it fits.
    Result<> add_address(const model::IpAddress& address);
    Result<> remove_address(const model::IpAddress& address);

private:
    struct Entry {
        unsigned users = 0;
        Shared<model::TrafficSelectors> local{};
        unsigned device = 0;
        std::optional<model::IpAddress> source{};
        std::size_t mtu = 0;
    };
    Routes(Netlink netlink, const RouteSettings& settings) : netlink_(std::move(netlink)), settings_(settings) {}
    std::optional<model::IpAddress> source_for(const model::TrafficSelectors& local, model::Family family);
    Result<> refresh_sources();
    Result<> set_route(const Prefix& prefix, Entry& entry, const std::optional<model::IpAddress>& source);
    Route route(const Prefix& prefix, const Entry& entry) const;
    std::uint32_t bypass_priority() const { return settings_.priority - 1; }
    std::uint32_t landing_priority() const { return settings_.priority + 1; }

    Netlink netlink_;
    RouteSettings settings_;
    std::vector<Rule> rules_;
    std::map<Prefix, Entry> entries_;
    std::map<BypassRule, unsigned> bypasses_;
    SharedValues<model::TrafficSelectors> local_{};
};

}  // namespace cygnet::dataplane
