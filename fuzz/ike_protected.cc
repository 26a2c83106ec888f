// The framing of SK and SKF. The first octet chooses the cipher's sizes, the rest is a datagram.
#include "wire/protected.h"

using namespace cygnet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr wire::ProtectionSizes ciphers[] = {{8, 1, 16}, {16, 16, 16}, {8, 1, 12}, {0, 4, 0}};
    if (size == 0) return 0;
    const ByteView datagram(data + 1, size - 1);
    const auto found = wire::locate_protected(datagram, ciphers[data[0] % 4]);
    if (!found) return 0;
    ASSERT(found->layout.message_size() == datagram.size());
    const auto chain = wire::remove_padding(found->layout.text(datagram));
    const std::size_t chain_size = chain ? chain->size() : 0;
    ASSERT(wire::intermediate_aad(found->layout.aad(datagram), chain_size).size() <= found->layout.aad_size);
    if (chain && !found->fragment) static_cast<void>(wire::parse_payloads(found->first, *chain));
    return 0;
}
