// A segment of the control socket; what decodes must encode to what decodes to the same.
#include "base/result.h"
#include "vici/packet.h"

using namespace cygnet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto packet = vici::decode_packet({data, size});
    if (!packet) return 0;
    const auto bytes = vici::encode(*packet);
    if (!bytes) return 0;
    const auto again = vici::decode_packet(ByteView(*bytes).subspan(4));
    ASSERT(again.has_value());
    ASSERT(*again == *packet);
    return 0;
}
