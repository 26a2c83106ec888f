#include "sim/network.h"

#include <algorithm>

namespace cygnet::sim {
namespace {

bool happens(Rng& rng, unsigned thousandths) { return thousandths != 0 && rng.below(1000) < thousandths; }

Duration draw_delay(const LinkSettings& link, Rng& rng) {
    Duration delay = link.delay;
    if (link.jitter > Duration{0}) delay += Duration{static_cast<Duration::rep>(rng.below(static_cast<std::uint64_t>(link.jitter.count())))};
    return happens(rng, link.detour) ? delay * 10 : delay;
}

}  // namespace

bool Nat::leave(Packet& packet, Instant now) {
    if (packet.from.port == 0) return false;
    Mapping& mapping = mappings_[packet.from.port];
    if (mapping.outside_port == 0 || now - mapping.used > timeout_) mapping.outside_port = next_port_++;
    mapping.used = now;
    packet.from = {.address = outside_, .port = mapping.outside_port};
    return true;
}

bool Nat::enter(Packet& packet, Instant now) {
    const auto found = std::ranges::find(mappings_, packet.to.port, [](const auto& entry) { return entry.second.outside_port; });
    if (packet.to.port == 0 || found == mappings_.end() || now - found->second.used > timeout_) return false;
    packet.to = {.address = inside_, .port = found->first};
    return true;
}

std::vector<Network::Arrival> Network::carry(Packet packet, Instant now, Rng& rng, std::string& fate) {
    if (dead.contains(packet.from.address) || dead.contains(packet.to.address)) {
        fate = "lost, the uplink is dead";
        return {};
    }
    if (nat && packet.from.address == nat->inside() && !nat->leave(packet, now)) {
        fate = "dropped by the NAT";
        return {};
    }
    if (packet.ip_octets() > link.mtu_octets) fate = "larger than the MTU, dropped";
    else if (link.cut) fate = "lost, the link is cut";
    else if (link.udp_blocked) fate = "dropped by a firewall";
    else if (happens(rng, link.loss)) fate = "lost";
    if (!fate.empty()) return {};
    std::vector<Arrival> arrivals{{.at = now + draw_delay(link, rng), .packet = packet}};
    if (happens(rng, link.duplication)) {
        fate = "duplicated";
        arrivals.push_back({.at = now + draw_delay(link, rng), .packet = std::move(packet)});
    }
    return arrivals;
}

std::optional<Packet> Network::deliver(Packet packet, Instant now) {
    if (nat && packet.to.address == nat->outside() && !nat->enter(packet, now)) return std::nullopt;
    return packet;
}

}  // namespace cygnet::sim
