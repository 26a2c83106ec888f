// Fragments in any order: each is number, total, first payload, size (6 octets) and its text.
#include "wire/reassembly.h"

using namespace cygnet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    wire::Reassembly reassembly;
    for (Reader in({data, size}); in.left() >= 6;) {
        const wire::FragmentPlace place{in.u16("").value(), in.u16("").value()};
        const auto first = static_cast<wire::PayloadType>(in.u8("").value());
        const std::size_t wanted = in.u8("").value();
        const ByteView text = in.take(std::min(wanted, in.left()), "").value();
        if (place.number == 0 || place.number > place.total) continue;  // as locate_protected
        const bool fresh = reassembly.classify(place) == wire::Reassembly::Verdict::fresh;
        const auto whole = reassembly.add(place, first, {data, 1}, text);
        ASSERT(fresh || !whole);
    }
    return 0;
}
