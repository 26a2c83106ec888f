// What a KE payload holds of a key exchange whose public value is larger than a payload:
// docs/protocol/large-key-exchange.md §4.
#pragma once

#include "wire/fields.h"

namespace cygnet::wire {

// One piece of the value, which has `total` octets; this one begins after `offset` of them.
struct KeyPiece {
    std::uint32_t total = 0;
    std::uint32_t offset = 0;
    ByteView data;
    static constexpr auto fields =
        std::tuple{Be<&KeyPiece::total>{"total"}, Be<&KeyPiece::offset>{"offset"}, Rest<&KeyPiece::data, 1>{"data"}};

    bool last() const { return std::uint64_t{offset} + data.size() == total; }
};

}  // namespace cygnet::wire
