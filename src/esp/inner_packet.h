// What the data plane reads from an IP packet: enough for selectors, sizes and congestion marks.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/address.h"

namespace cygnet::esp {

namespace protocol {
inline constexpr std::uint8_t icmp = 1, ipv4 = 4, tcp = 6, udp = 17, ipv6 = 41, esp = 50, ah = 51, icmpv6 = 58, none = 59,
                              dccp = 33, sctp = 132, ipcomp = 108, udp_lite = 136;
}

// An address as integers, for comparisons on the fast path; IPv4 lies in the low 32 bits.
struct AddressKey {
    std::uint64_t high = 0, low = 0;
    auto operator<=>(const AddressKey&) const = default;
};
AddressKey key_of(const model::IpAddress& address);

struct InnerPacket {
    model::Family family = model::Family::v4;
    std::uint8_t protocol = 0;       // behind the IPv6 extension headers
    std::uint8_t traffic_class = 0;  // DSCP and ECN
    bool fragment = false;           // any fragment, the first one included
    bool dont_fragment = true;       // routers may not cut it: IPv4's DF, and IPv6
    bool ports_known = false;        // not in later fragments, nor in protocols without ports
    AddressKey source, destination;
    std::uint16_t source_port = 0;  // ICMP: type * 256 + code, in both
    std::uint16_t destination_port = 0;
    std::uint32_t transport_offset = 0;  // from the start of the packet
    std::uint32_t size = 0;              // by its IP header
};

// Nothing if it is not IP, or its header claims more than `available` octets. Trailing octets are fine
// (RFC 4303 §2.7: traffic flow confidentiality padding).
std::optional<InnerPacket> parse_inner(const std::uint8_t* data, std::size_t available);
// The same into `packet`, which is rubbish if it returns false.
bool parse_inner(const std::uint8_t* data, std::size_t available, InnerPacket& packet);
// The same of a packet of which only so much is there, as ICMP errors quote it; `size` is then what is there.
std::optional<InnerPacket> parse_beginning(const std::uint8_t* data, std::size_t available);

}  // namespace cygnet::esp
