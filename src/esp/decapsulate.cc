#include "esp/decapsulate.h"

#include <array>

#include "base/big_endian.h"
#include "esp/congestion.h"
#include "model/limits.h"

namespace cygnet::esp {
namespace {

constexpr std::uint8_t next_header_dummy = protocol::none;

// The SA's shape, as this file needs it.
struct Sizes {
    std::uint32_t text_at, around_text, alignment;

    explicit Sizes(const crypto::PacketShape& shape)
        : text_at(static_cast<std::uint32_t>(shape.text_at())),
          around_text(text_at + shape.icv_size),
          alignment(shape.alignment) {}
    // RFC 4303 §3.4: what can be said of a packet before anything of it may be believed.
    Drop check(std::uint32_t packet_size) const {
        if (packet_size < around_text + alignment) return Drop::too_short;
        return ((packet_size - around_text) & (alignment - 1)) == 0 ? Drop::none : Drop::misaligned;
    }
};

// RFC 4303 §2.4: the default padding is 1, 2, 3 …, and a receiver should look.
bool padding_is_right(const std::uint8_t* padding, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
        if (padding[i] != i + 1) return false;
    return true;
}

// What an authentic packet holds: trailer, inner header, selectors, congestion mark.
Drop examine_plaintext(const Child& child, const Sizes& sizes, InboundPacket& packet, SelectorCheck& selectors) {
    const std::size_t size = packet.size - sizes.around_text;
    std::uint8_t* const text = packet.data();
    const std::size_t padding = text[size - 2];
    const std::uint8_t next_header = text[size - 1];
    if (padding > size - esp_trailer_size) return Drop::bad_padding;
    if (next_header == next_header_dummy) return Drop::dummy;
    const std::size_t payload = size - esp_trailer_size - padding;
    if (!padding_is_right(text + payload, padding)) return Drop::bad_padding;

    packet.payload_size = static_cast<std::uint32_t>(payload);
    packet.next_header = next_header;
    if (child.transport || (next_header == protocol::ipcomp && child.ipcomp.agreed())) return Drop::none;
    return examine_inner(child, packet, selectors);
}

// Size and replay check; the packets that remain are listed for opening.
std::size_t admit(InboundSa& sa, const Sizes& sizes, std::span<InboundPacket> packets,
                  std::span<crypto::EspPacket> openings, std::span<InboundPacket*> opened) {
    const SpinLock::Guard lock(sa.lock);
    std::size_t count = 0;
    for (InboundPacket& packet : packets) {
        packet.newest = false;
        packet.text_at = sizes.text_at;
        packet.drop = sizes.check(packet.size);
        if (packet.drop != Drop::none) continue;
        const auto examined = sa.window.examine(load_be<std::uint32_t>(packet.esp + 4));
        packet.drop = examined.drop;
        if (examined.drop != Drop::none) continue;
        openings[count] = {.data = packet.esp, .sequence = examined.sequence, .size = packet.size, .authentic = false};
        opened[count++] = &packet;
    }
    return count;
}

// Of the packets that were opened, those that the window takes; the others get their drop. Returns how many were authentic.
std::size_t accept(InboundSa& sa, std::span<const crypto::EspPacket> openings, std::span<InboundPacket*> opened) {
    const SpinLock::Guard lock(sa.lock);
    std::size_t authentic = 0;
    for (std::size_t i = 0; i < openings.size(); ++i) {
        InboundPacket& packet = *opened[i];
        if (!openings[i].authentic) {
            packet.drop = Drop::integrity_failed;
            continue;
        }
        const std::uint64_t top = sa.window.top();
        packet.drop = sa.window.accept(openings[i].sequence);
        packet.newest = sa.window.top() != top;
        authentic += packet.drop == Drop::none;
    }
    return authentic;
}

}  // namespace

Drop examine_inner(const Child& child, InboundPacket& packet, SelectorCheck& selectors) {
    if (packet.next_header != protocol::ipv4 && packet.next_header != protocol::ipv6) return Drop::bad_next_header;
    const auto family = packet.next_header == protocol::ipv4 ? model::Family::v4 : model::Family::v6;
    std::uint8_t* const text = packet.data();
    const bool let_in = selectors.lets_in(text, packet.payload_size, packet.inner);
    if (!let_in && !parse_inner(text, packet.payload_size, packet.inner)) return Drop::bad_inner_packet;
    if (packet.inner.family != family) return Drop::bad_inner_packet;
    // RFC 4301 §5.2 step 4.
    if (const Drop drop = let_in ? Drop::none : selectors.check(text, packet.inner); drop != Drop::none) return drop;
    if (!decapsulate_traffic_class(child.headers, text, packet.inner, packet.outer_traffic_class))
        return Drop::ecn_not_capable;
    return Drop::none;
}

// Packets are opened without the lock, so that an SA may be at work in several threads; the window is asked before and after.
std::size_t decapsulate(const Child& child, std::span<InboundPacket> packets, Instant now) {
    ASSERT(packets.size() <= model::limits::batch_packets);
    InboundSa& sa = child.sa->in;
    prefetch(&child, sizeof child);
    prefetch(&sa, sizeof sa);
    prefetch(&*child.local);
    sa.cipher.prefetch();
    std::array<crypto::EspPacket, model::limits::batch_packets> batch;
    std::array<InboundPacket*, model::limits::batch_packets> opened;
    const Sizes sizes(sa.shape);
    const std::size_t count = admit(sa, sizes, packets, batch, opened);
    if (count != 0) sa.window.prefetch(batch[0].sequence);
    if (count != 0) sa.cipher.prepared().open(std::span(batch).first(count));
    const std::size_t authentic = accept(sa, std::span(batch).first(count), opened);

    SelectorCheck selectors(child);
    std::size_t dummies = 0;
    std::uint64_t octets = 0;
    for (InboundPacket* packet : std::span(opened).first(count)) {
        if (packet->drop != Drop::none) continue;
        packet->drop = examine_plaintext(child, sizes, *packet, selectors);
        if (packet->drop == Drop::dummy) ++dummies;
        if (packet->drop == Drop::none) octets += child.transport || is_compressed(child, *packet) ? packet->payload_size : packet->inner.size;
    }
    if (authentic != dummies) sa.received.add(authentic - dummies, octets, now);
    for (const InboundPacket& packet : packets)
        if (packet.drop != Drop::none) child.sa->drops.add(packet.drop);
    return authentic;
}

}  // namespace cygnet::esp
