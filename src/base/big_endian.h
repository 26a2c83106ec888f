// Integers in network order at any alignment: the fast path's counterpart of reader.h, for
// callers that have checked the size already.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace cygnet::inline base {

static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);

template <std::unsigned_integral T>
constexpr T in_network_order(T value) {
    if constexpr (sizeof(T) == 1 || std::endian::native == std::endian::big) return value;
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

template <std::unsigned_integral T>
T load_be(const std::uint8_t* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return in_network_order(value);
}

template <std::unsigned_integral T>
void store_be(std::uint8_t* to, T value) {
    value = in_network_order(value);
    std::memcpy(to, &value, sizeof value);
}

}  // namespace cygnet::inline base
