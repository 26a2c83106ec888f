// Fragments in any order: each is number, total, first payload, size (6 octets) and that many octets.
#include "wire/reassembly.h"

using namespace cygnet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    wire::Reassembly reassembly;
    for (Reader input({data, size}); input.left() >= 6;) {
        const wire::FragmentPlace place{input.u16("").value(), input.u16("").value()};
        const auto first = static_cast<wire::PayloadType>(input.u8("").value());
        const std::size_t wanted = input.u8("").value();
        const ByteView text = input.take(std::min(wanted, input.left()), "").value();
        if (place.number == 0 || place.number > place.total) continue;  // locate_protected refuses it
        const bool fresh = reassembly.classify(place) == wire::Reassembly::Verdict::fresh;
        const auto whole = reassembly.add(place, first, {data, 1}, text);
        ASSERT(fresh || !whole);
        if (whole && *whole) static_cast<void>(wire::parse_payloads((*whole)->chain.first, (*whole)->chain.octets));
    }
    return 0;
}
