// Traffic selectors, RFC 7296 §3.13 and §2.9, and RFC 4301 §4.4.1.1.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/address.h"

namespace cygnet::model {

// One selector: an address range, an IP protocol (0: any) and a port range. For ICMP the
// "port" is type * 256 + code. OPAQUE ports are written 65535 to 0 (RFC 7296 §3.13.1).
struct TrafficSelector {
    AddressRange addresses;
    std::uint8_t protocol = 0;
    std::uint16_t first_port = 0;
    std::uint16_t last_port = 65535;

    static TrafficSelector of(AddressRange range) { return {.addresses = range}; }
    static TrafficSelector all(Family family) { return of(AddressRange::all(family)); }

    bool all_ports() const { return first_port == 0 && last_port == 65535; }
    bool opaque_ports() const { return first_port == 65535 && last_port == 0; }
    bool single_address() const { return addresses.first == addresses.last; }
    // Ranges that begin behind their end select nothing; OPAQUE is the exception (RFC 7296 §3.13.1).
    bool well_formed() const {
        return addresses.first <= addresses.last && (first_port <= last_port || opaque_ports());
    }
    bool contains(const TrafficSelector& other) const;
    bool matches(IpAddress address, std::uint8_t packet_protocol, std::uint16_t port) const;
    std::optional<TrafficSelector> intersect(const TrafficSelector& other) const;
    std::string text() const;  // "10.1.0.0/16", "10.1.0.1/32[tcp/80]", as facts-vici 5.1 lists

    auto operator<=>(const TrafficSelector&) const = default;
};

using TrafficSelectors = std::vector<TrafficSelector>;

// What a configuration says: a selector whose address may be "dynamic", that is, the IKE
// address or the assigned virtual address, filled in when the child is negotiated.
struct ConfiguredSelector {
    bool dynamic = false;
    TrafficSelector selector;

    // "10.1.0.0/16[tcp/80]", "dynamic[udp/1701]", facts-swanctl-conf 2.5; nothing if malformed.
    static std::optional<ConfiguredSelector> parse(std::string_view text);
    // The selector with "dynamic" replaced by each of `own` addresses.
    TrafficSelectors resolve(std::span<const IpAddress> own) const;
    std::string text() const;

    bool operator==(const ConfiguredSelector&) const = default;
};

// RFC 7296 §2.9: the part of `offered` that `policy` allows; the intersections in the order of
// the offer, without those that another one contains, and no more than a payload holds. Empty: TS_UNACCEPTABLE.
TrafficSelectors narrow(std::span<const TrafficSelector> offered, std::span<const TrafficSelector> policy);

std::string text_of(std::span<const TrafficSelector> selectors);  // blank between them

// One address at each end, both of one family, whatever protocols and ports there are.
bool one_address_each(const TrafficSelectors& local, const TrafficSelectors& remote);

}  // namespace cygnet::model
