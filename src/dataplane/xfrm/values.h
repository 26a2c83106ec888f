// What the kernel's IPsec knows, as values: states (RFC 4301's SAs), policies, and what it tells of itself.
#pragma once

#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "dataplane/netlink.h"
#include "model/address.h"
#include "model/config.h"
#include "model/sa_spec.h"

namespace cygnet::dataplane::xfrm {

enum class Direction : std::uint8_t { in = 0, out = 1, forward = 2 };  // the kernel's numbers

using model::Mark;

// A port as the kernel compares it: those of its bits that the mask has. For ICMP the source's is the type, the
// destination's the code.
struct MaskedPort {
    std::uint16_t value = 0, mask = 0;
    auto operator<=>(const MaskedPort&) const = default;
};

struct Selector {
    Prefix source{}, destination{};
    std::uint8_t protocol = 0;
    MaskedPort source_port{}, destination_port{};
    auto operator<=>(const Selector&) const = default;
};

struct Algorithm {
    std::string name;              // "rfc4106(gcm(aes))"
    SecretBytes key{};             // with its salt
    std::uint32_t icv_bits = 0;    // not of a cipher alone
};
// One AEAD, or a cipher with an integrity algorithm.
struct Suite {
    std::optional<Algorithm> aead{}, cipher{}, integrity{};
    std::optional<Algorithm> compression{};  // without key; of IPComp, which has no other
};

struct Encapsulation {  // in UDP, RFC 3948
    std::uint16_t source_port = 0, destination_port = 0;
    bool operator==(const Encapsulation&) const = default;
};

struct ReplayState {
    std::uint32_t window = 0;  // packets
    std::uint64_t sent = 0, received = 0;  // the last sequence numbers
    std::vector<std::uint32_t> bitmap{};   // of what was received; empty: nothing
    bool operator==(const ReplayState&) const = default;
};

struct Offload {  // to a network card
    std::uint32_t device = 0;
    bool inbound = false;
    bool packets = false;  // the whole of ESP, not its cipher alone
    bool operator==(const Offload&) const = default;
};

// What names a state.
struct StateId {
    std::uint32_t spi = 0;
    model::IpAddress destination{};
    Mark mark{};
    std::uint8_t protocol = IPPROTO_ESP;  // or AH; of IPPROTO_COMP, the SPI is the CPI
    auto operator<=>(const StateId&) const = default;
};

struct State {
    StateId id{};
    model::IpAddress source{};
    std::uint32_t reqid = 0;
    model::ChildMode mode = model::ChildMode::tunnel;
    std::optional<Selector> selector{};  // BEET mode: the inner addresses, in the direction of the state
    Suite suite{};
    bool esn = false;
    ReplayState replay{};
    std::optional<Encapsulation> encapsulation{};
    std::uint32_t tfc_padding = 0;
    model::SaLimits limits{};
    Mark set_mark{};          // of packets that have passed it
    std::uint32_t interface = 0;  // XFRM interface id
    bool copy_dscp_in = false, copy_dscp_out = true, copy_ecn = true, copy_df = true, unrelated_icmp = false;
    std::optional<Offload> offload{};
    // Of a state that was read:
    std::uint64_t bytes = 0, packets = 0;
    std::uint64_t last_used = 0;  // in seconds since 1970; 0: never
};

// The outer addresses and ports of a path, as a state of that direction has them.
inline void lead(State& state, const model::Path& path, bool udp_encapsulation, bool inbound) {
    const model::Endpoint& from = inbound ? path.remote : path.local;
    const model::Endpoint& to = inbound ? path.local : path.remote;
    state.source = from.address;
    state.id.destination = to.address;
    state.encapsulation.reset();
    if (udp_encapsulation) state.encapsulation = Encapsulation{from.port, to.port};
}

// Takes so many numbers out of use; the last one is not passed.
inline void skip(State& state, std::uint64_t numbers) {
    const std::uint64_t last = state.esn ? ~std::uint64_t{0} : 0xffff'ffff;
    state.replay.sent += std::min(numbers, last - state.replay.sent);
}

// What may be sent between the reading of a counter and its replacement must not be numbered again: the same number is the
// same IV, which for AES-GCM gives the key away.
inline constexpr std::uint64_t numbers_under_way = 65536;

// What protects the packets of a policy.
struct Template {
    model::IpAddress source{}, destination{};  // outer
    std::uint32_t spi = 0;                     // 0: any state of the reqid
    std::uint32_t reqid = 0;
    model::ChildMode mode = model::ChildMode::tunnel;
    std::uint8_t protocol = IPPROTO_ESP;
    bool optional = false;  // a packet may have come without
    bool operator==(const Template&) const = default;
};

// What names a policy.
struct PolicyName {
    Direction direction = Direction::out;
    Selector selector{};
    Mark mark{};
    std::uint32_t interface = 0;
    auto operator<=>(const PolicyName&) const = default;
};

// What a policy does: protects by its template, or lets pass, or drops.
struct PolicyAction {
    std::optional<Template> protect{};
    std::optional<Template> compress{};  // before that
    bool drop = false;
    std::uint32_t priority = 0;  // the lowest counts
    std::optional<Offload> offload{};
    bool operator==(const PolicyAction&) const = default;
};

// ---- what the kernel tells by itself --------------------------------------------------------------

struct Acquire {  // a packet needs a state that is not there
    std::uint32_t reqid = 0;
    Selector flow{};  // the packet's own ends
};
struct Expire {
    StateId id{};
    bool hard = false;  // it is gone
    std::uint64_t bytes = 0, packets = 0;
};
struct Mapping {  // ESP in UDP came from elsewhere
    StateId id{};
    model::Endpoint from{};
};

}  // namespace cygnet::dataplane::xfrm
