#include "esp/encapsulate.h"

#include <array>

#include "base/big_endian.h"
#include "esp/inner_packet.h"
#include "model/limits.h"

namespace cygnet::esp {
namespace {

// Writes header and trailer around the packet, and says what is to be sealed.
void prepare(const crypto::PacketShape& shape, std::uint32_t spi, const OutboundPacket& packet, std::uint64_t sequence,
             crypto::EspPacket& sealed) {
    std::uint8_t* const header = packet.inner - shape.text_at();
    store_be(header, spi);
    store_be(header + 4, static_cast<std::uint32_t>(sequence));

    std::uint8_t* trailer = packet.inner + packet.size;
    // RFC 4303 §2.4: up to the alignment, and its octets count from 1.
    const std::size_t padding = (0 - (packet.size + esp_trailer_size)) & (shape.alignment - std::size_t{1});
    for (std::size_t i = 1; i <= padding; ++i) *trailer++ = static_cast<std::uint8_t>(i);
    *trailer++ = static_cast<std::uint8_t>(padding);
    *trailer++ = packet.next_header;

    sealed.data = header;
    sealed.sequence = sequence;
    sealed.size = static_cast<std::uint32_t>(trailer - header) + shape.icv_size;
}

}  // namespace

std::size_t encapsulate(SaRuntime& sa, std::span<const OutboundPacket> packets, Instant now) {
    ASSERT(packets.size() <= model::limits::batch_packets);
    const auto [first, count] = sa.out.sequence.reserve(packets.size());
    if (count < packets.size()) sa.drops.add(Drop::sequence_exhausted, packets.size() - count);
    if (count == 0) return 0;

    std::array<crypto::EspPacket, model::limits::batch_packets> batch;
    const crypto::PacketShape shape = sa.out.shape;  // a copy, which no write to a packet can be thought to change
    const std::uint32_t spi = sa.out.spi;
    std::uint64_t octets = 0, dummies = 0;
    for (std::size_t i = 0; i < count; ++i) {
        prepare(shape, spi, packets[i], first + i, batch[i]);
        const bool dummy = packets[i].next_header == protocol::none;  // RFC 4303 §2.6: no traffic of anybody
        dummies += dummy;
        octets += dummy ? 0 : packets[i].size;
    }
    sa.out.cipher.prepared().seal(std::span(batch).first(count));
    if (count != dummies) sa.out.sent.add(count - dummies, octets, now);
    return count;
}

}  // namespace cygnet::esp
