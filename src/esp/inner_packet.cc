#include "esp/inner_packet.h"

#include <algorithm>
#include <array>

#include "base/big_endian.h"

namespace cygnet::esp {
namespace {

constexpr std::size_t ipv4_header_min = 20, ipv6_header = 40;
constexpr unsigned extension_headers_max = 8;

// What the first octets behind the IP header are.
enum class Ports : std::uint8_t { none, pair, icmp_type };

constexpr auto ports_of_protocol = [] {
    std::array<Ports, 256> ports{};
    for (const auto two : {protocol::tcp, protocol::udp, protocol::dccp, protocol::sctp, protocol::udp_lite}) ports[two] = Ports::pair;
    ports[protocol::icmp] = ports[protocol::icmpv6] = Ports::icmp_type;
    return ports;
}();

void forget_ports(InnerPacket& packet) {
    packet.ports_known = false;
    packet.source_port = packet.destination_port = 0;
}

// Sets the ports, and whether they are known.
void read_ports(const std::uint8_t* data, InnerPacket& packet) {
    const std::uint8_t* transport = data + packet.transport_offset;
    const std::size_t left = packet.size - packet.transport_offset;
    const Ports ports = ports_of_protocol[packet.protocol];
    if (left < 4 && (ports != Ports::icmp_type || left < 2)) return forget_ports(packet);
    if (ports == Ports::none) return forget_ports(packet);
    packet.ports_known = true;
    packet.source_port = load_be<std::uint16_t>(transport);
    packet.destination_port = ports == Ports::pair ? load_be<std::uint16_t>(transport + 2) : packet.source_port;
}

// Whether the packet must be there to its end.
enum class Extent : std::uint8_t { whole, beginning };

// False if it is no IPv4 packet. As parse_v6, it sets each field once: each packet comes this way, and a record that is cleared
// before, or copied, would be seen.
template <Extent extent>
bool parse_v4(const std::uint8_t* data, std::size_t available, InnerPacket& packet) {
    if (available < ipv4_header_min) return false;
    packet.transport_offset = (data[0] & 0x0fU) * 4U;
    packet.size = load_be<std::uint16_t>(data + 2);
    if (extent == Extent::beginning) packet.size = std::min(packet.size, static_cast<std::uint32_t>(available));
    if (packet.transport_offset < ipv4_header_min || packet.size < packet.transport_offset || packet.size > available)
        return false;
    packet.family = model::Family::v4;
    packet.traffic_class = data[1];
    packet.protocol = data[9];
    packet.source = {0, load_be<std::uint32_t>(data + 12)};
    packet.destination = {0, load_be<std::uint32_t>(data + 16)};
    const unsigned fragment = load_be<std::uint16_t>(data + 6);
    const bool more = fragment & 0x2000U, later = fragment & 0x1fffU;
    packet.fragment = more || later;
    packet.dont_fragment = fragment & 0x4000U;
    if (later) forget_ports(packet);
    else read_ports(data, packet);
    return true;
}

// Walks the extension headers up to the transport header. False if a chain does not end in the packet.
bool skip_extensions(const std::uint8_t* data, InnerPacket& packet, bool& later_fragment) {
    constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, authentication = 51, destination_options = 60;
    for (unsigned i = 0; i < extension_headers_max; ++i) {
        const std::uint8_t* header = data + packet.transport_offset;
        const std::size_t left = packet.size - packet.transport_offset;
        std::size_t size = 0;
        switch (packet.protocol) {
            case hop_by_hop:
            case routing:
            case destination_options:
                if (left < 8) return false;
                size = (header[1] + 1U) * 8U;
                break;
            case authentication:
                if (left < 8) return false;
                size = (header[1] + 2U) * 4U;
                break;
            case fragment:
                if (left < 8) return false;
                size = 8;
                packet.fragment = true;
                later_fragment = (load_be<std::uint16_t>(header + 2) & 0xfff8U) != 0;
                break;
            default: return true;
        }
        if (left < size) return false;
        packet.protocol = header[0];
        packet.transport_offset += static_cast<std::uint32_t>(size);
        if (later_fragment) return true;
    }
    return false;
}

template <Extent extent>
bool parse_v6(const std::uint8_t* data, std::size_t available, InnerPacket& packet) {
    if (available < ipv6_header) return false;
    packet.family = model::Family::v6;
    packet.size = static_cast<std::uint32_t>(ipv6_header) + load_be<std::uint16_t>(data + 4);
    if (extent == Extent::beginning) packet.size = std::min(packet.size, static_cast<std::uint32_t>(available));
    if (packet.size > available) return false;
    packet.transport_offset = ipv6_header;
    packet.protocol = data[6];
    packet.traffic_class = static_cast<std::uint8_t>(load_be<std::uint16_t>(data) >> 4);
    packet.source = {load_be<std::uint64_t>(data + 8), load_be<std::uint64_t>(data + 16)};
    packet.destination = {load_be<std::uint64_t>(data + 24), load_be<std::uint64_t>(data + 32)};
    packet.fragment = false;
    packet.dont_fragment = true;
    bool later_fragment = false;
    if (!skip_extensions(data, packet, later_fragment)) return false;
    if (later_fragment) forget_ports(packet);
    else read_ports(data, packet);
    return true;
}

template <Extent extent>
bool parse(const std::uint8_t* data, std::size_t available, InnerPacket& packet) {
    if (available == 0) return false;
    switch (data[0] >> 4) {
        case 4: return parse_v4<extent>(data, available, packet);
        case 6: return parse_v6<extent>(data, available, packet);
        default: return false;
    }
}

}  // namespace

AddressKey key_of(const model::IpAddress& address) {
    const std::uint8_t* octets = address.bytes().data();
    if (address.family() == model::Family::v4) return {0, load_be<std::uint32_t>(octets)};
    return {load_be<std::uint64_t>(octets), load_be<std::uint64_t>(octets + 8)};
}

std::optional<InnerPacket> parse_inner(const std::uint8_t* data, std::size_t available) {
    std::optional<InnerPacket> packet(std::in_place);
    if (!parse<Extent::whole>(data, available, *packet)) packet.reset();
    return packet;
}

bool parse_inner(const std::uint8_t* data, std::size_t available, InnerPacket& packet) {
    return parse<Extent::whole>(data, available, packet);
}

std::optional<InnerPacket> parse_beginning(const std::uint8_t* data, std::size_t available) {
    std::optional<InnerPacket> packet(std::in_place);
    if (!parse<Extent::beginning>(data, available, *packet)) packet.reset();
    return packet;
}

}  // namespace cygnet::esp
