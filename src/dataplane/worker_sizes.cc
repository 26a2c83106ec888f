// What paths take: asked, probed, and learned from the packets of the peer (docs/decisions/0016).
#include <algorithm>
#include <cstring>

#include "dataplane/worker.h"

namespace cygnet::dataplane {
namespace {

using esp::Drop;

constexpr std::uint32_t unproven_mtu = model::limits::path_mtu_min_v6;  // takes every path of our days
constexpr std::uint32_t probe_octets_max = 9000;                 // longer than that are loopback and the like

std::uint32_t smallest_path_mtu(const esp::Child& child) {
    return static_cast<std::uint32_t>(smallest_mtu(child.path.remote.address.family()));
}

}  // namespace

std::size_t smallest_mtu(model::Family family) {
    return family == model::Family::v4 ? model::limits::path_mtu_min_v4 : model::limits::path_mtu_min_v6;
}

// The longest packet that reaches the peer in one piece, for all we know: what a packet of the peer has proven, where the
// peer would prove it; else the kernel's word.
std::uint32_t Worker::path_mtu_of(const esp::Child& child) {
    if (child.path.tcp()) return super_packet_octets_max;
    esp::PathMtu& path = child.sa->out.path_mtu;
    if (const std::uint32_t known = path.at(now_)) return known;
    std::uint32_t octets = kernel_path_mtu_.ask(child.path.remote.address);
    if (octets == 0) octets = super_packet_octets_max;  // no way there: sizes are not what is wrong
    if (const std::uint32_t capped = path.capped(now_)) octets = std::min(octets, capped);
    if (path.peer_probes())
        octets = std::min(octets, std::max(path.proven(now_), unproven_mtu));
    path.set(octets, now_ + model::limits::path_mtu_ask);
    return octets;
}

// Two dummy packets (RFC 4303 §2.6). One says that we probe; the other is as long as our first link takes: whether it
// arrives, and in how many pieces, shows the peer what the path takes. It likewise shows us.
void Worker::probe_path(const esp::Child& child) {
    if (child.path.tcp() || child.sa->ah || !child.sa->out.path_mtu.probe_is_due(now_, model::limits::path_mtu_memory)) return;
    const std::uint32_t link = kernel_path_mtu_.ask(child.path.remote.address);
    if (link <= unproven_mtu || link > probe_octets_max) return;
    for (const std::uint32_t octets : {unproven_mtu, link}) {
        flush_outbound();
        const std::size_t size = esp::payload_mtu(child, octets);
        std::memset(batch_.add(child, {}, size, esp::protocol::none), 0, size);
    }
    flush_outbound();
}

// What the peer's packets show of the path, in both directions most likely. In fragments: longer ones do not get through
// in one piece, which is found without DF, and without the ICMP messages that firewalls swallow.
void Worker::learn_path_mtu(const Group& group) {
    const esp::Child& child = *group.child;
    esp::PathMtu& path = child.sa->out.path_mtu;
    const Instant until = now_ + model::limits::path_mtu_memory;
    bool news = false;
    if (group.fragment_octets != 0) {
        const std::uint32_t octets = std::max(group.fragment_octets, smallest_path_mtu(child));
        news |= path.cap(octets, now_, until);
        news |= path.prove(octets, now_, until);
    }
    const auto whole = static_cast<std::uint32_t>(esp::outer_size(child, group.esp_octets));
    if (whole > unproven_mtu) news |= path.prove(whole, now_, until);
    const auto is_dummy = [](const esp::InboundPacket& packet) { return packet.drop == Drop::dummy; };
    if (!path.peer_probes() && std::ranges::any_of(std::span(group.packets).first(group.count), is_dummy)) {
        path.set_peer_probes();
        news = true;
    }
    if (news) path.forget();
}

void Worker::refuse_too_big(const esp::Child& child, const std::uint8_t* packet, const esp::InnerPacket& inner,
                            std::size_t mtu, std::size_t packets) {
    drop(child, Drop::too_big_for_path, packets);
    if (!icmp_budget_.take(now_)) return;
    TooBigMessage message;
    const std::size_t size = write_too_big(packet, inner, mtu, message);
    VnetHeader plain{};
    const iovec pieces[] = {{&plain, sizeof plain}, {message.data(), size}};
    if (size != 0) write(pieces, 0);
}

}  // namespace cygnet::dataplane
