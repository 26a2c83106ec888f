#include "dataplane/xfrm/selectors.h"

#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/format.h>

#include "model/limits.h"

namespace cygnet::dataplane::xfrm {
namespace {

constexpr std::uint32_t first_priority = 100'000;  // leaves room on both sides for what others install

bool is_icmp(std::uint8_t protocol) { return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6; }

bool has_ports(std::uint8_t protocol) {
    constexpr std::uint8_t dccp = 33, mobility = 135, udp_lite = 136;
    return is_icmp(protocol) || protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP || protocol == dccp ||
           protocol == mobility || protocol == udp_lite;
}

struct End {
    Prefix prefix;
    MaskedPort port;
};

// RFC 7296 §3.13.1: an ICMP selector's "ports" are type * 256 + code. The kernel has the type where the source port is,
// the code where the destination port is.
struct IcmpPorts {
    MaskedPort type, code;
};
std::optional<std::vector<IcmpPorts>> icmp_of(const model::TrafficSelector& selector) {
    if (selector.all_ports()) return std::vector<IcmpPorts>{{}};
    const auto first_type = static_cast<std::uint16_t>(selector.first_port >> 8), last_type = static_cast<std::uint16_t>(selector.last_port >> 8);
    const auto first_code = static_cast<std::uint16_t>(selector.first_port & 0xff), last_code = static_cast<std::uint16_t>(selector.last_port & 0xff);
    std::vector<IcmpPorts> all;
    if (first_type == last_type) {
        const auto codes = first_code == 0 && last_code == 0xff ? std::vector<MaskedPort>{{}} : masks_of(first_code, last_code);
        for (const MaskedPort& code : codes) all.push_back({{first_type, 0xffff}, code});
        return all;
    }
    if (first_code != 0 || last_code != 0xff) return std::nullopt;
    for (const MaskedPort& type : masks_of(first_type, last_type)) all.push_back({type, {}});
    return all;
}

std::vector<MaskedPort> ports_of(const model::TrafficSelector& selector) {
    if (selector.all_ports() || is_icmp(selector.protocol)) return {MaskedPort{}};
    return masks_of(selector.first_port, selector.last_port);
}

std::vector<End> ends_of(const model::TrafficSelector& selector) {
    std::vector<End> ends;
    for (const Prefix& prefix : prefixes_of(selector.addresses))
        for (const MaskedPort& port : ports_of(selector)) ends.push_back({prefix, port});
    return ends;
}

std::unexpected<Error> not_in_kernel(const model::TrafficSelector& selector) {
    return fail(Errc::unsupported, "traffic selectors",
                fmt::format("the kernel has no policy for {}: write other selectors, or use Cygnet's own ESP (--esp userspace)", selector.text()));
}

std::unexpected<Error> too_many(std::size_t limit) {
    return fail(Errc::limit, "traffic selectors",
                fmt::format("they are more than {} pairs of prefixes and ports, which is what the kernel gets of a child",
                            limit));
}

// The two ends of one pair; nothing when no packet can match both.
Result<std::vector<Selector>> pair_of(const model::TrafficSelector& local, const model::TrafficSelector& remote, std::size_t limit) {
    std::vector<Selector> pairs;
    if (local.addresses.family() != remote.addresses.family()) return pairs;
    if (local.protocol != 0 && remote.protocol != 0 && local.protocol != remote.protocol) return pairs;
    const std::uint8_t protocol = std::max(local.protocol, remote.protocol);
    for (const auto& one : {local, remote})
        if (one.opaque_ports()) return not_in_kernel(one);
    std::vector<IcmpPorts> icmp{{}};
    if (is_icmp(protocol)) {
        auto narrow = icmp_of(local.all_ports() ? remote : local);
        if (!narrow || (!local.all_ports() && !remote.all_ports() && local.first_port != remote.first_port))
            return not_in_kernel(local.all_ports() ? remote : local);
        icmp = std::move(*narrow);
    }
    const auto sources = ends_of(local), destinations = ends_of(remote);
    // Before they are multiplied: a peer may choose ranges of hundreds of prefixes on both sides.
    if (sources.size() * destinations.size() * icmp.size() > limit) return too_many(limit);
    for (const End& source : sources)
        for (const End& destination : destinations)
            for (const IcmpPorts& message : icmp)
                pairs.push_back({.source = source.prefix,
                                 .destination = destination.prefix,
                                 .protocol = protocol,
                                 .source_port = is_icmp(protocol) ? message.type : source.port,
                                 .destination_port = is_icmp(protocol) ? message.code : destination.port});
    return pairs;
}

}  // namespace

std::vector<MaskedPort> masks_of(std::uint16_t first, std::uint16_t last) {
    std::vector<MaskedPort> masks;
    for (std::uint32_t at = first; at <= last;) {
        // The largest block that begins here and ends within the range.
        std::uint32_t size = at == 0 ? 0x10000 : 1U << std::countr_zero(at);
        while (at + size - 1 > last) size /= 2;
        masks.push_back({static_cast<std::uint16_t>(at), static_cast<std::uint16_t>(~(size - 1))});
        at += size;
    }
    return masks;
}

Result<std::vector<Selector>> selectors_of(const model::TrafficSelectors& local, const model::TrafficSelectors& remote,
                                           std::size_t limit) {
    std::vector<Selector> all;
    for (const auto& ours : local)
        for (const auto& theirs : remote) {
            const auto pairs = TRY(pair_of(ours, theirs, limit));
            if (all.size() + pairs.size() > limit) return too_many(limit);
            all.insert(all.end(), pairs.begin(), pairs.end());
        }
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    if (all.empty()) return fail(Errc::bad_value, "traffic selectors", "no packet can match them");
    return all;
}

Selector reversed(const Selector& selector) {
    Selector other = selector;
    std::swap(other.source, other.destination);
    if (!is_icmp(selector.protocol)) std::swap(other.source_port, other.destination_port);
    return other;
}

std::uint32_t priority_of(const Selector& outbound) {
    constexpr std::uint32_t lengths = 129;
    const std::uint32_t ports = outbound.source_port.mask != 0 || outbound.destination_port.mask != 0 ? 0
                                : outbound.protocol != 0                                              ? 1
                                                                                                      : 2;
    return first_priority + ((lengths - 1 - outbound.destination.bits) * 3 + ports) * lengths + (lengths - 1 - outbound.source.bits);
}

model::PacketEnds ends_of(const Selector& flow) {
    const auto end = [&](const Prefix& prefix, MaskedPort port) {
        auto selector = model::TrafficSelector::of(model::AddressRange::prefix(prefix.address, prefix.bits));
        selector.protocol = flow.protocol;
        if (is_icmp(flow.protocol))
            port = {static_cast<std::uint16_t>(flow.source_port.value << 8 | (flow.destination_port.value & 0xff)),
                    flow.source_port.mask};
        // Of a protocol without ports the kernel shows zeros.
        if (port.mask != 0 && has_ports(flow.protocol)) selector.first_port = selector.last_port = port.value;
        return selector;
    };
    return {.local = end(flow.source, flow.source_port), .remote = end(flow.destination, flow.destination_port)};
}

}  // namespace cygnet::dataplane::xfrm
