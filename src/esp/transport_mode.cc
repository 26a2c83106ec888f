#include "esp/transport_mode.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "esp/internet_checksum.h"
#include "esp/selector_check.h"

namespace cygnet::esp {
namespace {

constexpr std::size_t ipv4_header = 20, ipv6_header = 40;
constexpr std::uint8_t hop_limit = 64;
constexpr std::uint16_t dont_fragment = 0x4000;

void write_ipv4_header(std::uint8_t* to, const InnerEnds& ends, const InboundPacket& packet) {
    std::memset(to, 0, ipv4_header);
    to[0] = 0x45;
    to[1] = packet.outer_traffic_class;
    store_be(to + 2, static_cast<std::uint16_t>(ipv4_header + packet.payload_size));
    store_be(to + 6, dont_fragment);
    to[8] = hop_limit;
    to[9] = packet.next_header;
    std::ranges::copy(ends.remote.bytes(), to + 12);
    std::ranges::copy(ends.local.bytes(), to + 16);
    store_be(to + 10, static_cast<std::uint16_t>(~fold(sum_of({to, ipv4_header}))));
}

void write_ipv6_header(std::uint8_t* to, const InnerEnds& ends, const InboundPacket& packet) {
    store_be(to, 6U << 28 | std::uint32_t{packet.outer_traffic_class} << 20);
    store_be(to + 4, static_cast<std::uint16_t>(packet.payload_size));
    to[6] = packet.next_header;
    to[7] = hop_limit;
    std::ranges::copy(ends.remote.bytes(), to + 8);
    std::ranges::copy(ends.local.bytes(), to + 24);
}

std::optional<std::size_t> checksum_place(std::uint8_t protocol) {
    switch (protocol) {
        case protocol::tcp: return 16;
        case protocol::udp: return 6;
        case protocol::icmpv6: return 2;
        default: return std::nullopt;
    }
}

// RFC 1624 §3: the sum of the original addresses is taken out of the checksum, that of ours put in.
void mend_checksum(std::uint8_t* payload, const Child& child, const InboundPacket& packet) {
    const auto place = checksum_place(packet.next_header);
    if (!child.original || !place || packet.payload_size < *place + 2) return;
    std::uint8_t* const field = payload + *place;
    const auto before = load_be<std::uint16_t>(field);
    if (before == 0 && packet.next_header == protocol::udp) return;  // RFC 768: none
    std::uint32_t sum = static_cast<std::uint16_t>(~before);
    for (const model::IpAddress* old : {&child.original->local, &child.original->remote})
        sum += static_cast<std::uint16_t>(~fold(sum_of(old->bytes())));
    for (const model::IpAddress* now : {&child.path.local.address, &child.path.remote.address})
        sum += fold(sum_of(now->bytes()));
    const auto after = static_cast<std::uint16_t>(~fold(sum));
    store_be(field, after == 0 && packet.next_header == protocol::udp ? std::uint16_t{0xffff} : after);
}

}  // namespace

std::optional<std::size_t> transport_payload(const InnerPacket& packet) {
    const std::size_t header = packet.family == model::Family::v4 ? ipv4_header : ipv6_header;
    if (packet.fragment || packet.transport_offset != header) return std::nullopt;
    return header;
}

Drop rebuild(const Child& child, const InboundPacket& packet, std::uint8_t* room, InnerPacket& inner) {
    const InnerEnds ends = inner_ends_of(child);
    const bool v4 = ends.remote.family() == model::Family::v4;
    const std::size_t header = v4 ? ipv4_header : ipv6_header;
    if (packet.payload_size > 0xffff - ipv4_header) return Drop::bad_inner_packet;
    if (v4) write_ipv4_header(room, ends, packet);
    else write_ipv6_header(room, ends, packet);
    std::memcpy(room + header, packet.data(), packet.payload_size);
    mend_checksum(room + header, child, packet);
    const auto parsed = parse_inner(room, header + packet.payload_size);
    if (!parsed) return Drop::bad_inner_packet;
    inner = *parsed;
    return check_selectors(child, room, inner);
}

}  // namespace cygnet::esp
