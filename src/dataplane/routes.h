// Routes into the TUN device for the children's remote selectors, in a table of our own that all packets
// look into except those of our own sockets. So a peer inside its own remote selectors does not loop, and a
// packet for a protected selector goes to the device whether an SA is there or not: never out in the clear.
#pragma once

#include <map>

#include "dataplane/netlink.h"
#include "model/selector.h"

namespace cygnet::dataplane {

struct RouteSettings {
    unsigned device = 0;
    std::uint32_t table = 0;
    std::uint32_t priority = 0;
    std::uint32_t mark = 0;
};

class Routes {
public:
    // Adds the rules; the destructor removes them (routes go with the device).
    static Result<Routes> open(Netlink netlink, const RouteSettings& settings);
    Routes(Routes&& other) noexcept;
    Routes& operator=(Routes&&) = delete;
    ~Routes();

    // Counted: a rekeyed child shares its predecessor's routes.
    Result<> add(const model::TrafficSelectors& local, const model::TrafficSelectors& remote);
    Result<> remove(const model::TrafficSelectors& remote);

    // An address of ours on the device; routes take it as their source where it fits.
    Result<> add_address(const model::IpAddress& address);
    Result<> remove_address(const model::IpAddress& address);

private:
    struct Entry {
        unsigned users = 0;
        model::TrafficSelectors local{};
        std::optional<model::IpAddress> source{};
    };
    Routes(Netlink netlink, const RouteSettings& settings) : netlink_(std::move(netlink)), settings_(settings) {}
    std::optional<model::IpAddress> source_for(const model::TrafficSelectors& local, model::Family family);
    Result<> refresh_sources();
    Result<> set_route(const Prefix& prefix, Entry& entry, const std::optional<model::IpAddress>& source);
    Route route(const Prefix& prefix, const Entry& entry) const;

    Netlink netlink_;
    RouteSettings settings_;
    std::vector<Rule> rules_;
    std::map<Prefix, Entry> entries_;
};

}  // namespace cygnet::dataplane
