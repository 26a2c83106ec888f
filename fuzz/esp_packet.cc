// A stranger's ESP packet: whatever the octets, it is dropped, counted, and moves no replay window. The sum of its
// octets says which suite it meets.
#include <numeric>

#include "esp/decapsulate.h"
#include "esp/test_packets.h"

namespace {

using namespace cygnet;

std::vector<esp::ChildPointer> children_of_every_suite() {
    std::vector<esp::ChildPointer> children;
    for (const bool esn : {false, true})
        for (const auto& suite : esp::testing::suites)
            children.push_back(esp::testing::child_of(esp::testing::test_spec(suite, esn)));
    return children;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto children = children_of_every_suite();
    Bytes octets(data, data + size);
    if (!esp::spi_of(octets.data(), octets.size())) return 0;
    const esp::ChildPointer& child = children[std::accumulate(octets.begin(), octets.end(), 0U) % children.size()];
    const auto before = child->sa->drops.read();
    esp::InboundPacket packet{.esp = octets.data(), .size = static_cast<std::uint32_t>(size)};
    esp::decapsulate(*child, {&packet, 1}, Instant());
    ASSERT(packet.drop != esp::Drop::none && child->sa->in.window.top() == 0);
    ASSERT(child->sa->drops[packet.drop] == before[static_cast<std::size_t>(packet.drop)] + 1);
    return 0;
}
