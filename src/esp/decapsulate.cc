#include "esp/decapsulate.h"

#include <array>
#include <cstring>

#include "esp/big_endian.h"
#include "esp/congestion.h"
#include "model/limits.h"

namespace cygnet::esp {
namespace {

constexpr std::size_t esp_size_min = encapsulation_headroom + esp_alignment + esp_icv_size;
constexpr std::uint8_t next_header_dummy = protocol::none;

// One packet between the replay check and its verdict.
struct Opening {
    InboundPacket* packet;
    std::uint64_t sequence;
    std::array<std::uint8_t, 12> aad;
};

std::uint32_t text_size(const InboundPacket& packet) {
    return packet.size - static_cast<std::uint32_t>(encapsulation_headroom + esp_icv_size);
}

void prepare(const InboundSa& sa, Opening& opening, crypto::AeadPacket& aead) {
    InboundPacket& packet = *opening.packet;
    std::memcpy(aead.nonce.data(), sa.salt.data(), sa.salt.size());
    std::memcpy(aead.nonce.data() + sa.salt.size(), packet.esp + esp_header_size, esp_iv_size);
    store_be(opening.aad.data(), sa.spi);
    if (sa.esn)
        store_be(opening.aad.data() + 4, opening.sequence);
    else
        store_be(opening.aad.data() + 4, static_cast<std::uint32_t>(opening.sequence));
    aead.aad = opening.aad.data();
    aead.aad_size = sa.esn ? 12 : 8;
    aead.text = packet.data();
    aead.text_size = text_size(packet);
    aead.icv = packet.esp + packet.size - esp_icv_size;
    aead.authentic = false;
}

// RFC 4303 §2.4: the default padding is 1, 2, 3 …, and a receiver should look.
bool padding_is_right(const std::uint8_t* padding, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
        if (padding[i] != i + 1) return false;
    return true;
}

// What an authentic packet holds: trailer, inner header, selectors, congestion mark.
Drop examine_plaintext(const Child& child, InboundPacket& packet) {
    const std::size_t size = text_size(packet);
    std::uint8_t* const text = packet.data();
    const std::size_t padding = text[size - 2];
    const std::uint8_t next_header = text[size - 1];
    if (padding > size - esp_trailer_size) return Drop::bad_padding;
    if (next_header == next_header_dummy) return Drop::dummy;
    const std::size_t payload = size - esp_trailer_size - padding;
    if (!padding_is_right(text + payload, padding)) return Drop::bad_padding;

    packet.payload_size = static_cast<std::uint32_t>(payload);
    packet.next_header = next_header;
    if (child.transport) return Drop::none;
    if (next_header != protocol::ipv4 && next_header != protocol::ipv6) return Drop::bad_next_header;
    const auto inner = parse_inner(text, payload);
    const auto family = next_header == protocol::ipv4 ? model::Family::v4 : model::Family::v6;
    if (!inner || inner->family != family) return Drop::bad_inner_packet;
    packet.inner = *inner;
    // RFC 4301 §5.2 step 4.
    if (!child.accepts_inbound(packet.inner)) return Drop::selector_mismatch;
    if (!decapsulate_ecn(text, packet.inner, packet.outer_traffic_class)) return Drop::ecn_not_capable;
    return Drop::none;
}

// RFC 4303 §3.4: replay check and size; the packets that remain are listed for opening.
std::size_t admit(const InboundSa& sa, std::span<InboundPacket> packets, std::span<Opening> openings) {
    std::size_t count = 0;
    for (InboundPacket& packet : packets) {
        packet.newest = false;
        if (packet.size < esp_size_min || text_size(packet) % esp_alignment != 0) {
            packet.drop = Drop::too_short;
            continue;
        }
        const auto examined = sa.window.examine(load_be<std::uint32_t>(packet.esp + 4));
        packet.drop = examined.drop;
        if (examined.drop != Drop::none) continue;
        openings[count].packet = &packet;
        openings[count].sequence = examined.sequence;
        ++count;
    }
    return count;
}

}  // namespace

std::size_t decapsulate(const Child& child, std::span<InboundPacket> packets, Instant now) {
    ASSERT(packets.size() <= model::limits::batch_packets);
    InboundSa& sa = child.sa->in;
    std::array<Opening, model::limits::batch_packets> openings;
    std::array<crypto::AeadPacket, model::limits::batch_packets> batch;
    const std::size_t count = admit(sa, packets, openings);
    for (std::size_t i = 0; i < count; ++i) prepare(sa, openings[i], batch[i]);
    if (count != 0) sa.cipher->open(std::span(batch).first(count));

    std::size_t authentic = 0;
    std::uint64_t octets = 0;
    for (std::size_t i = 0; i < count; ++i) {
        InboundPacket& packet = *openings[i].packet;
        if (!batch[i].authentic) {
            packet.drop = Drop::integrity_failed;
            continue;
        }
        const std::uint64_t top = sa.window.top();
        packet.drop = sa.window.accept(openings[i].sequence);
        if (packet.drop != Drop::none) continue;
        packet.newest = sa.window.top() != top;
        ++authentic;
        packet.drop = examine_plaintext(child, packet);
        if (packet.drop == Drop::none) octets += child.transport ? packet.payload_size : packet.inner.size;
    }
    if (authentic != 0) sa.received.add(authentic, octets, now);
    for (const InboundPacket& packet : packets)
        if (packet.drop != Drop::none) child.sa->drops.add(packet.drop);
    return authentic;
}

}  // namespace cygnet::esp
