#include "esp/encapsulate.h"

#include <array>
#include <cstring>

#include "esp/big_endian.h"
#include "esp/inner_packet.h"
#include "model/limits.h"

namespace cygnet::esp {
namespace {

// RFC 4303 §2.2.1 and RFC 4106 §5: what is authenticated beside the text.
struct AdditionalData {
    std::array<std::uint8_t, 12> octets;
};

// Writes header, IV and trailer around the packet, and says what is to be sealed.
void prepare(const OutboundSa& sa, const OutboundPacket& packet, std::uint64_t sequence, AdditionalData& aad,
             crypto::AeadPacket& sealed) {
    std::uint8_t* const header = packet.inner - encapsulation_headroom;
    store_be(header, sa.spi);
    store_be(header + 4, static_cast<std::uint32_t>(sequence));
    // RFC 4106 §3.1: the counter itself is an IV that never repeats under one key.
    store_be(header + esp_header_size, sequence);

    std::uint8_t* trailer = packet.inner + packet.size;
    const std::size_t padding = (esp_alignment - (packet.size + esp_trailer_size) % esp_alignment) % esp_alignment;
    for (std::size_t i = 1; i <= padding; ++i) *trailer++ = static_cast<std::uint8_t>(i);
    *trailer++ = static_cast<std::uint8_t>(padding);
    *trailer++ = packet.next_header;

    std::memcpy(sealed.nonce.data(), sa.salt.data(), sa.salt.size());
    std::memcpy(sealed.nonce.data() + sa.salt.size(), header + esp_header_size, esp_iv_size);
    store_be(aad.octets.data(), sa.spi);
    if (sa.esn)
        store_be(aad.octets.data() + 4, sequence);
    else
        store_be(aad.octets.data() + 4, static_cast<std::uint32_t>(sequence));
    sealed.aad = aad.octets.data();
    sealed.aad_size = sa.esn ? 12 : 8;
    sealed.text = packet.inner;
    sealed.text_size = static_cast<std::uint32_t>(trailer - packet.inner);
    sealed.icv = trailer;
}

}  // namespace

std::size_t encapsulate(SaRuntime& sa, std::span<const OutboundPacket> packets, Instant now) {
    ASSERT(packets.size() <= model::limits::batch_packets);
    const auto [first, count] = sa.out.sequence.reserve(packets.size());
    if (count < packets.size()) sa.drops.add(Drop::sequence_exhausted, packets.size() - count);
    if (count == 0) return 0;

    std::array<crypto::AeadPacket, model::limits::batch_packets> batch;
    std::array<AdditionalData, model::limits::batch_packets> aads;
    std::uint64_t octets = 0;
    for (std::size_t i = 0; i < count; ++i) {
        prepare(sa.out, packets[i], first + i, aads[i], batch[i]);
        octets += packets[i].size;
    }
    sa.out.cipher->seal(std::span(batch).first(count));
    sa.out.sent.add(count, octets, now);
    return count;
}

}  // namespace cygnet::esp
