// What is known to be needed is asked of memory at once, not when each look needs it: among many SAs nothing of the next one is
// in the cache.
#pragma once

#include <cstddef>

namespace cygnet::esp {

inline constexpr std::size_t cache_line = 64;

inline void prefetch(const void* from, std::size_t octets = 1) {
    const auto* at = static_cast<const char*>(from);
    for (std::size_t i = 0; i < octets; i += cache_line) __builtin_prefetch(at + i);
    if (octets > 1) __builtin_prefetch(at + octets - 1);
}

}  // namespace cygnet::esp
