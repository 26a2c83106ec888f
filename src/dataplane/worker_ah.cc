// AH, packet by packet: it carries little, and ESP beside it shall not pay for it.
#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "dataplane/worker.h"
#include "esp/ah.h"

namespace cygnet::dataplane {
namespace {

using esp::Drop;

constexpr std::size_t ip_octets_max = 65535;
constexpr std::size_t packets_per_turn = 64;
constexpr std::size_t ipv4_header = 20, ipv6_header = 40;
constexpr std::uint8_t hop_limit = 64;

// A tunnel's outer header; the kernel adds IPv4's checksum.
void write_header(std::uint8_t* to, const model::Path& path, const OuterHeader& outer) {
    const bool v4 = path.remote.address.family() == model::Family::v4;
    std::memset(to, 0, v4 ? ipv4_header : ipv6_header);
    if (v4) {
        to[0] = 0x45;
        to[1] = outer.traffic_class;
        store_be(to + 6, std::uint16_t{outer.dont_fragment ? std::uint16_t{0x4000} : std::uint16_t{0}});
        to[8] = hop_limit;
    } else {
        store_be(to, 6U << 28 | std::uint32_t{outer.traffic_class} << 20);
        to[7] = hop_limit;
    }
    std::ranges::copy(path.local.address.bytes(), to + (v4 ? 12 : 8));
    std::ranges::copy(path.remote.address.bytes(), to + (v4 ? 16 : 24));
}

}  // namespace

const AhPort* Worker::ah_port(model::Family family) const {
    const auto port = std::ranges::find(parts_.ah, family, &AhPort::family);
    return port != parts_.ah.end() ? &*port : nullptr;
}

void Worker::send_ah(const Outbound& packet, const Segmenter& segments, std::size_t number) {
    const esp::Child& child = *packet.child;
    const model::Family family = child.path.remote.address.family();
    const bool v4 = family == model::Family::v4;
    const auto refuse = [&](Drop why) {
        drops_.add(why);
        child.sa->drops.add(why);
    };
    const AhPort* const port = ah_port(family);
    if (port == nullptr || child.path.local.address.is_any()) return refuse(Drop::carrier_refused);
    if (child.transport && !esp::transport_payload(packet.inner)) return refuse(Drop::not_transportable);
    const std::size_t header = v4 ? ipv4_header : ipv6_header, ah = esp::ah_size(child.sa->ah->shape, family);
    const std::size_t inner = segments.size_of(number) - (child.transport ? header : 0), size = header + ah + inner;
    if (size > ip_octets_max) return refuse(Drop::too_large);
    std::uint8_t* const ip = ah_buffer_.data();
    if (child.transport) {
        segments.write(number, ip + ah);
        std::memmove(ip, ip + ah, header);
    } else {
        segments.write(number, ip + header + ah);
        write_header(ip, child.path, packet.outer);
    }
    const std::uint8_t tunneled = packet.inner.family == model::Family::v4 ? esp::protocol::ipv4 : esp::protocol::ipv6;
    const esp::AhPlace place{.at = header, .next_at = v4 ? 9U : 6U, .size = ah, .spi = child.sa->out.spi, .family = family};
    ip[place.next_at] = esp::protocol::ah;
    store_be(ip + (v4 ? 2 : 4), static_cast<std::uint16_t>(v4 ? size : size - header));
    // The ICV covers the identification, and the kernel would replace a zero.
    if (v4 && load_be<std::uint16_t>(ip + 4) == 0) {
        if (++ah_identification_ == 0) ah_identification_ = 1;
        store_be(ip + 4, ah_identification_);
    }
    const MutableByteView whole(ip, size);
    if (!esp::seal_ah(*child.sa, whole, place, child.transport ? packet.inner.protocol : tunneled, inner, now_))
        return drops_.add(Drop::sequence_exhausted);
    if (!port->send(whole, path_mtu_of(child))) return refuse(Drop::carrier_refused);
    statistics_.packets_out.fetch_add(1, std::memory_order_relaxed);
}

void Worker::ah_turn(const AhPort& port) {
    for (std::size_t i = 0; i < packets_per_turn; ++i) {
        const auto packet = port.receive(ah_buffer_);
        if (!packet) return;
        take_ah(*packet);
    }
}

void Worker::take_ah(MutableByteView packet) {
    const auto place = esp::find_ah(packet);
    if (!place) return drops_.add(Drop::bad_ah_header);
    if (place->spi < 256) return drops_.add(Drop::reserved_spi);
    const esp::Child* const child = inbound_child(place->spi);
    if (child == nullptr || child->sa->ah == nullptr) return drops_.add(Drop::unknown_spi);
    const esp::OpenedAh opened = esp::open_ah(*child, packet, *place, now_);
    esp::SaRuntime& sa = *child->sa;
    if (opened.authentic && !sa.told_inbound_seen.load(std::memory_order_relaxed))
        sa.told_inbound_seen = tell({.kind = EventKind::inbound_seen, .child = child->id}, {}, Drop::event_queue_full);
    if (opened.drop == Drop::none) {
        hand_over(*child, packet.data() + opened.inner_at, opened.inner);
        return coalescer_.flush();  // it looks at the buffer
    }
    drops_.add(opened.drop);
    if (opened.drop == Drop::selector_mismatch) report_violation(*child, packet.subspan(opened.inner_at, opened.inner.size));
}

}  // namespace cygnet::dataplane
