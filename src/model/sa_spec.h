// What the data plane needs to know of one child SA pair: the only thing that ike and esp share.
#pragma once

#include <cstdint>
#include <optional>

#include "base/secret.h"
#include "model/address.h"
#include "model/config.h"
#include "model/iana.h"
#include "model/selector.h"

namespace cygnet::model {

// Names one installed child SA pair for its whole life; never reused within a process.
enum class ChildId : std::uint64_t {};

// Who sends through a child SA, RFC 9611: one worker of the data plane, by its number; or all of them, each until it has an SA of
// its own; or none, so that it only receives.
using Resource = std::uint32_t;
inline constexpr Resource every_resource = 0xffffffff, no_resource = 0xfffffffe;

// Keys of one direction, in octets as taken from KEYMAT (RFC 7296 §2.17): encryption with its salt, then integrity.
struct DirectionKeys {
    SecretBytes encr{};
    SecretBytes integ{};
};

// Names one policy without an SA of its own: a trap or a shunt.
enum class PolicyId : std::uint64_t {};

enum class PolicyKind : std::uint8_t {
    trap,  // the first packet brings a child up, and waits for it
    pass,  // in the clear
    drop,
};

struct PolicySpec {
    PolicyId id{};
    PolicyKind kind = PolicyKind::trap;
    TrafficSelectors local{}, remote{};
    std::uint32_t reqid = 0;  // of a trap, and of the children that it brings up
    KernelOptions kernel{};
};

// The two ends of one packet, as selectors of one address, protocol and port.
struct PacketEnds {
    TrafficSelector local{}, remote{};
    bool operator==(const PacketEnds&) const = default;
};

// Transport mode behind a NAT: the addresses that the peer's packets had when it made their checksums (RFC 7296
// §2.23.1, RFC 3948 §3.1.2).
struct OriginalAddresses {
    IpAddress local, remote;
};

// When a data plane that counts by itself tells of it (soft), and when it stops (hard), in each direction; 0: never.
struct SaLimits {
    std::uint64_t soft_bytes = 0, hard_bytes = 0, soft_packets = 0, hard_packets = 0;
    std::uint64_t hard_seconds = 0;
    bool operator==(const SaLimits&) const = default;
};

// Compression of a child's packets with DEFLATE (RFC 3173): each side's own index. It has none, or both.
struct Ipcomp {
    std::uint16_t cpi_in = 0;   // chosen by us
    std::uint16_t cpi_out = 0;  // chosen by the peer
    bool agreed() const { return cpi_out != 0; }
    bool operator==(const Ipcomp&) const = default;
};
// RFC 3173 §3.3: indices that nodes negotiate. Those below 64 are the numbers of transforms, which may stand for themselves.
inline constexpr std::uint16_t cpi_first = 256, cpi_last = 61439;

struct ChildSaSpec {
    ChildId id{};
    Protocol protocol = Protocol::esp;  // or ah (RFC 4302), which has no encr
    std::uint32_t spi_in = 0;   // chosen by us; names the SA in received packets
    std::uint32_t spi_out = 0;  // chosen by the peer
    Encr encr = Encr::none;
    std::uint16_t key_bits = 0;
    Integ integ = Integ::none;
    DirectionKeys in{}, out{};
    bool esn = false;
    std::uint32_t replay_window = 128;  // packets
    ChildMode mode = ChildMode::tunnel;
    TrafficSelectors local{}, remote{};  // inner addresses: ours, the peer's
    Path path{};                        // outer addresses and ports
    bool udp_encapsulation = false;     // RFC 3948; otherwise IP protocol 50
    // Outbound packets of the selectors use the active SA that was activated last. A responder of a rekey
    // installs inactive and activates when the peer shows that it has the keys (RFC 7296 §2.8).
    bool outbound_active = true;
    std::optional<OriginalAddresses> original{};
    bool non_first_fragments = false;  // go through a child with selectors of ports (RFC 4301 §7.2)
    std::uint32_t reqid = 0;           // as configured, or of the trap; 0: the data plane may choose
    Resource resource = every_resource;
    bool per_resource = false;         // both ends allow SAs of single workers: those without one may ask for it
    SaLimits limits{};
    KernelOptions kernel{};
    std::uint32_t tfc_padding = 0;     // octets up to which inner packets are padded (RFC 4303 §2.7); tfc_to_mtu
    TunnelHeaders headers{};
    IcmpErrors icmp_errors = IcmpErrors::yes;
    Ipcomp ipcomp{};
};

// Counters of one pair, read by list-sas and by lifetimes.
struct ChildUsage {
    std::uint64_t bytes_in = 0, packets_in = 0;    // inner octets, authenticated packets
    std::uint64_t bytes_out = 0, packets_out = 0;
    Instant last_in{}, last_out{};                 // valid when the packet count is not zero
    std::uint32_t path_mtu = 0;                    // octets of an outer packet; 0: not known
};

}  // namespace cygnet::model
