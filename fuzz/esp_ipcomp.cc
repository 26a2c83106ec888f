// A mistaken or hostile peer whose compressed text is authentic: any octets behind the index of the SA. What is accepted is a
// whole inner packet of the SA's selectors. The other way round: whatever is compressed is opened to the same octets.
#include "esp/ipcomp.h"
#include "esp/test_packets.h"

namespace {

using namespace cygnet;

constexpr std::uint16_t cpi = 0x1234;

esp::ChildPointer compressing_child() {
    auto spec = esp::testing::test_spec();
    spec.ipcomp = {.cpi_in = cpi, .cpi_out = cpi};
    spec.icmp_errors = model::IcmpErrors::no;
    return esp::testing::child_of(spec);
}

void open_nonsense(const esp::Child& child, esp::Compression& compression, ByteView octets, Bytes& room) {
    Bytes text = keep(octets);
    if (text.size() >= esp::ipcomp_header_size) store_be(text.data() + 2, cpi);
    esp::InboundPacket packet{.esp = text.data(), .payload_size = static_cast<std::uint32_t>(text.size()), .next_header = esp::protocol::ipcomp};
    if (compression.decompress(child, packet, room.data()) != esp::Drop::none) return;
    ASSERT(packet.inner.size <= packet.payload_size && packet.payload_size <= room.size());
    ASSERT(child.accepts_inbound(packet.inner));
}

void there_and_back(const esp::Child& child, esp::Compression& compression, ByteView octets, Bytes& room) {
    if (octets.size() < model::limits::ipcomp_octets_min) return;
    Bytes text(octets.size());
    text.resize(compression.compress(child, {}, octets, esp::protocol::ipv4, text.data()));
    if (text.empty()) return;
    ASSERT(text.size() < octets.size());
    esp::InboundPacket packet{.esp = text.data(), .payload_size = static_cast<std::uint32_t>(text.size()), .next_header = esp::protocol::ipcomp};
    // Octets that are no packet are refused, but whole.
    static_cast<void>(compression.decompress(child, packet, room.data()));
    ASSERT(packet.payload_size == octets.size() && std::equal(octets.begin(), octets.end(), room.begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto child = compressing_child();
    static esp::Compression compression;
    static Bytes room(model::limits::decompressed_octets_max);
    const ByteView octets(data, std::min<std::size_t>(size, 65535));
    open_nonsense(*child, compression, octets, room);
    there_and_back(*child, compression, octets, room);
    return 0;
}
