// What the codec of any struct must do with any octets: refuse them, or keep them up to reserved
// bits.
#pragma once

#include "wire/print.h"

namespace cygnet::fuzz {

template <class T>
int check_codec(ByteView octets) {
    const auto value = wire::parse<T>(octets);
    if (!value) return 0;
    const Bytes canonical = wire::written(*value);
    ASSERT(canonical.size() == octets.size());
    ASSERT(wire::parse<T>(canonical).value() == *value);
    ASSERT(wire::print(*value).find('\n') == std::string::npos);
    return 0;
}

}  // namespace cygnet::fuzz
