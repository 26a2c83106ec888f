// A whole datagram: header and payload chain.
#include "wire/print.h"

using namespace cygnet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = wire::parse_message({data, size});
    if (!message) return 0;
    const Bytes canonical = wire::written(*message);
    ASSERT(canonical.size() == size);
    ASSERT(wire::parse_message(canonical).value() == *message);
    ASSERT(!wire::print(*message).empty() && !wire::summary(*message).empty());
    return 0;
}
