// A stranger's ESP packet: whatever the octets, it is dropped, counted, and moves no replay window.
#include "esp/decapsulate.h"
#include "esp/test_packets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cygnet;
    static const esp::ChildPointer child = esp::testing::child_of(esp::testing::test_spec());
    Bytes octets(data, data + size);
    if (!esp::spi_of(octets.data(), octets.size())) return 0;
    esp::InboundPacket packet{.esp = octets.data(), .size = static_cast<std::uint32_t>(size)};
    esp::decapsulate(*child, {&packet, 1}, Instant());
    ASSERT(packet.drop != esp::Drop::none && child->sa->in.window.top() == 0);
    return 0;
}
