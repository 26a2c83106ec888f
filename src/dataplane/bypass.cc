#include "dataplane/bypass.h"

#include <fmt/format.h>

#include <algorithm>

#include "esp/inner_packet.h"
#include "model/limits.h"

namespace cygnet::dataplane {
namespace {

bool has_ports(std::uint8_t protocol) {
    namespace p = esp::protocol;
    return protocol == p::tcp || protocol == p::udp || protocol == p::dccp || protocol == p::sctp || protocol == p::udp_lite;
}

// The kernel's rules know ports from 1 to 65534. Nothing: all ports.
Result<std::optional<PortRange>> ports_of(const model::TrafficSelector& selector) {
    if (selector.all_ports()) return std::nullopt;
    const auto cannot = [&](const char* why) {
        return fail(Errc::unsupported, "mode = pass", fmt::format("{}: {}", selector.text(), why));
    };
    if (!has_ports(selector.protocol)) return cannot("routing rules cannot tell ICMP types apart; pass the whole protocol");
    if (selector.opaque_ports()) return cannot("routing rules cannot ask for hidden ports");
    if (selector.last_port == 65535) return cannot("routing rules know ports up to 65534");
    return PortRange{std::max<std::uint16_t>(selector.first_port, 1), selector.last_port};
}

// The protocol of both ends; nothing if they contradict each other.
std::optional<std::uint8_t> protocol_of(const model::TrafficSelector& local, const model::TrafficSelector& remote) {
    if (local.protocol == 0) return remote.protocol;
    return remote.protocol == 0 || remote.protocol == local.protocol ? std::optional(local.protocol) : std::nullopt;
}

}  // namespace

Result<std::vector<BypassRule>> bypass_rules(const model::TrafficSelectors& local, const model::TrafficSelectors& remote) {
    std::vector<BypassRule> rules;
    for (const model::TrafficSelector& from : local)
        for (const model::TrafficSelector& to : remote) {
            const auto protocol = protocol_of(from, to);
            if (from.addresses.family() != to.addresses.family() || !protocol) continue;
            const auto from_ports = TRY(ports_of(from)), to_ports = TRY(ports_of(to));
            BypassRule rule{.protocol = *protocol, .from_ports = from_ports, .to_ports = to_ports};
            for (const Prefix& source : prefixes_of(from.addresses))
                for (const Prefix& destination : prefixes_of(to.addresses)) {
                    rule.from = source;
                    rule.to = destination;
                    if (rules.size() == model::limits::prefixes_per_child)
                        return fail(Errc::limit, "mode = pass",
                                    fmt::format("the selectors are more than {} pairs of prefixes", rules.size()));
                    rules.push_back(rule);
                }
        }
    return rules;
}

}  // namespace cygnet::dataplane
