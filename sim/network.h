// The path between hosts: delay, loss, duplication, reordering, an MTU without IP fragments, a cut, and NAT.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "sim/packet.h"

namespace cygnet::sim {

// Chances are in thousandths.
struct LinkSettings {
    Duration delay = milliseconds(10);
    Duration jitter{0};                    // added at random: what is sent later may arrive sooner
    unsigned loss = 0;
    unsigned duplication = 0;
    unsigned detour = 0;                   // takes ten times as long
    std::size_t mtu_octets = 1500;         // larger IP datagrams vanish
    bool cut = false;
    bool udp_blocked = false, tcp_blocked = false;  // by a firewall; the first one stops raw ESP too
};

// A router that hides one host behind its own address and rewrites ports (RFC 3947, RFC 4787). Raw ESP does not pass.
class Nat {
public:
    Nat(model::IpAddress inside, model::IpAddress outside, Duration timeout) : inside_(inside), outside_(outside), timeout_(timeout) {}

    model::IpAddress inside() const { return inside_; }
    model::IpAddress outside() const { return outside_; }
    // All mappings are forgotten: the next packet from inside gets another port.
    void rebind() { mappings_.clear(); }

    // False: the packet is dropped.
    bool leave(Packet& packet, Instant now);
    bool enter(Packet& packet, Instant now);

private:
    struct Mapping {
        std::uint16_t outside_port = 0;
        Instant used{};
    };
    model::IpAddress inside_, outside_;
    Duration timeout_;
    std::map<std::uint16_t, Mapping> mappings_{};  // by inside port
    std::uint16_t next_port_ = 20'000;
};

class Network {
public:
    LinkSettings link{};
    std::optional<Nat> nat{};
    std::set<model::IpAddress> dead{};     // nothing passes to or from these

    struct Arrival {
        Instant at{};
        Packet packet{};
    };
    // When copies of the packet arrive; `fate` says in words what befell it, if anything did.
    std::vector<Arrival> carry(Packet packet, Instant now, Rng& rng, std::string& fate);
    // The last step in front of the host: back through the NAT. Nothing when no mapping is left.
    std::optional<Packet> deliver(Packet packet, Instant now);
};

}  // namespace cygnet::sim
