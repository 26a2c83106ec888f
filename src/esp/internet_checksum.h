// The Internet checksum (RFC 1071), as far as ESP and AH look into packets.
#pragma once

#include <cstdint>

#include "base/big_endian.h"
#include "base/bytes.h"

namespace cygnet::esp {

// A one's complement sum of 16-bit words; a last single octet is left out.
inline std::uint32_t sum_of(ByteView octets, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i + 1 < octets.size(); i += 2) sum += load_be<std::uint16_t>(octets.data() + i);
    return sum;
}
inline std::uint16_t fold(std::uint32_t sum) {
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

// RFC 1624: a checksum after one word of what it covers has changed.
inline std::uint16_t checksum_after_change(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) {
    std::uint32_t sum = static_cast<std::uint16_t>(~checksum);
    sum += static_cast<std::uint16_t>(~before);
    sum += after;
    return static_cast<std::uint16_t>(~fold(sum));
}

}  // namespace cygnet::esp
