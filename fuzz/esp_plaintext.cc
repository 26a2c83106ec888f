// A mistaken or hostile peer: any octets as authentic plaintext. What is accepted is a whole inner packet of the
// SA's selectors; its parser stays inside.
#include "esp/decapsulate.h"
#include "esp/test_packets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cygnet;
    static const auto spec = esp::testing::test_spec();
    static const esp::ChildPointer child = esp::testing::child_of(esp::testing::mirrored(spec));
    static std::uint64_t sequence = 0;
    Bytes packet = esp::testing::seal_text(spec, ++sequence, ByteView(data, size - size % 4));
    esp::InboundPacket inbound{.esp = packet.data(), .size = static_cast<std::uint32_t>(packet.size())};
    const std::size_t authentic = esp::decapsulate(*child, {&inbound, 1}, Instant());
    ASSERT(authentic == (size < 4 ? 0U : 1U));
    if (inbound.drop != esp::Drop::none) return 0;
    ASSERT(inbound.inner.size + 2 <= size && inbound.inner.transport_offset <= inbound.inner.size);
    ASSERT(child->accepts_inbound(inbound.inner));
    return 0;
}
