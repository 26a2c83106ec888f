// A mistaken or hostile peer: any octets as authentic plaintext, in a suite that their sum chooses. What is accepted
// is a whole inner packet of the SA's selectors; its parser stays inside.
#include <numeric>

#include "esp/decapsulate.h"
#include "esp/test_packets.h"

namespace {

using namespace cygnet;

struct Ends {
    model::ChildSaSpec peer;
    esp::ChildPointer child;
    std::uint64_t sequence = 0;
};

std::vector<Ends> ends_of_every_suite() {
    std::vector<Ends> ends;
    for (const auto& suite : esp::testing::suites) {
        auto spec = esp::testing::test_spec(suite, true);
        auto child = esp::testing::child_of(esp::testing::mirrored(spec));
        ends.push_back({std::move(spec), std::move(child)});
    }
    return ends;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static auto every = ends_of_every_suite();
    Ends& ends = every[std::accumulate(data, data + size, 0U) % every.size()];
    const std::size_t alignment = ends.child->sa->in.shape.alignment;
    const ByteView text(data, size - size % alignment);
    Bytes packet = esp::testing::seal_text(ends.peer, ++ends.sequence, text);
    esp::InboundPacket inbound{.esp = packet.data(), .size = static_cast<std::uint32_t>(packet.size())};
    const std::size_t authentic = esp::decapsulate(*ends.child, {&inbound, 1}, Instant());
    ASSERT(authentic == (text.empty() ? 0U : 1U));
    if (inbound.drop != esp::Drop::none) return 0;
    ASSERT(inbound.inner.size + 2 <= text.size() && inbound.inner.transport_offset <= inbound.inner.size);
    ASSERT(ends.child->accepts_inbound(inbound.inner));
    return 0;
}
