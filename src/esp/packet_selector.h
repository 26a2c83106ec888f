// Traffic selectors compiled to integers: what model::TrafficSelector says, fast enough for each packet.
#pragma once

#include <span>
#include <vector>

#include "base/boxed.h"
#include "esp/inner_packet.h"
#include "model/sa_spec.h"
#include "model/selector.h"

namespace cygnet::esp {

// One end of a packet, as a selector looks at it.
struct PacketEnd {
    model::Family family;
    std::uint8_t protocol;
    bool port_known;
    bool fragment;
    std::uint16_t port;
    AddressKey address;

    static PacketEnd source_of(const InnerPacket& packet) {
        return {packet.family,   packet.protocol,    packet.ports_known,
                packet.fragment, packet.source_port, packet.source};
    }
    static PacketEnd destination_of(const InnerPacket& packet) {
        return {packet.family,   packet.protocol,         packet.ports_known,
                packet.fragment, packet.destination_port, packet.destination};
    }
};

struct PacketSelector {
    AddressKey first, last;
    model::Family family = model::Family::v4;
    std::uint8_t protocol = 0;
    std::uint16_t first_port = 0, last_port = 65535;
    bool later_fragments = false;  // match by address and protocol alone (RFC 4301 §7.2)

    static PacketSelector of(const model::TrafficSelector& selector, bool later_fragments = false) {
        return {.first = key_of(selector.addresses.first),
                .last = key_of(selector.addresses.last),
                .family = selector.addresses.family(),
                .protocol = selector.protocol,
                .first_port = selector.first_port,
                .last_port = selector.last_port,
                .later_fragments = later_fragments};
    }

    bool all_ports() const { return first_port == 0 && last_port == 65535; }
    bool contains(const AddressKey& address) const {
        if (family == model::Family::v4) return first.low <= address.low && address.low <= last.low;
        return first <= address && address <= last;
    }
    bool matches(const PacketEnd& end) const {
        if (end.family != family || !contains(end.address)) return false;
        if (protocol != 0 && protocol != end.protocol) return false;
        if (all_ports()) return true;
        // RFC 4301 §7.1: without its port a packet matches ANY (above) or OPAQUE only.
        if (!end.port_known) return (first_port == 65535 && last_port == 0) || (end.fragment && later_fragments);
        return first_port <= end.port && end.port <= last_port;
    }

    auto operator<=>(const PacketSelector&) const = default;
};

// A list whose first selector lies with whoever has the list: most have one, or match with the first, and among many SAs each
// place more that is to be looked at is a cache miss.
class PacketSelectors {
public:
    PacketSelectors() = default;
    std::size_t size() const { return others_ ? 1 + others_->size() : one_; }
    const PacketSelector& operator[](std::size_t at) const { return at == 0 ? first_ : (*others_)[at - 1]; }
    void push_back(const PacketSelector& selector) {
        if (!one_) first_ = selector;
        else others_.made().push_back(selector);
        one_ = true;
    }
    bool any_matches(const PacketEnd& end) const {
        if (one_ && first_.matches(end)) return true;
        for (std::size_t i = 1; i < size(); ++i)
            if ((*this)[i].matches(end)) return true;
        return false;
    }
    bool operator==(const PacketSelectors&) const = default;

private:
    bool one_ = false;  // or more
    PacketSelector first_{};
    Boxed<std::vector<PacketSelector>> others_{};
};

inline PacketSelectors compile(std::span<const model::TrafficSelector> selectors, bool later_fragments = false) {
    PacketSelectors compiled;
    for (const auto& selector : selectors) compiled.push_back(PacketSelector::of(selector, later_fragments));
    return compiled;
}

// What was compiled.
model::TrafficSelectors selectors_of(const PacketSelectors& compiled);

// Selectors of the same addresses, whatever the protocol and the ports.
model::TrafficSelectors addresses_of(const PacketSelectors& selectors);

// The packet's own two ends as selectors; without ports where the packet shows none.
model::PacketEnds ends_of(const InnerPacket& packet);

}  // namespace cygnet::esp
