#include "esp/icmp_error.h"

#include <utility>

namespace cygnet::esp {
namespace {

constexpr std::size_t icmp_header = 8;

}  // namespace

bool is_icmp_error(const InnerPacket& packet) {
    if (!packet.ports_known) return false;
    const unsigned type = packet.source_port >> 8;
    if (packet.family == model::Family::v6) return packet.protocol == protocol::icmpv6 && type < 128;
    constexpr unsigned unreachable = 3, source_quench = 4, redirect = 5, time_exceeded = 11, parameter_problem = 12;
    return packet.protocol == protocol::icmp && (type == unreachable || type == source_quench || type == redirect ||
                                                 type == time_exceeded || type == parameter_problem);
}

std::optional<InnerPacket> quoted_packet(const std::uint8_t* packet, const InnerPacket& error) {
    if (!is_icmp_error(error) || error.size - error.transport_offset <= icmp_header) return std::nullopt;
    const std::size_t at = error.transport_offset + icmp_header;
    auto quoted = parse_beginning(packet + at, error.size - at);
    if (!quoted || quoted->family != error.family) return std::nullopt;
    std::swap(quoted->source, quoted->destination);
    std::swap(quoted->source_port, quoted->destination_port);
    return quoted;
}

}  // namespace cygnet::esp
