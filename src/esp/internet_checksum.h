// RFC 1624: an Internet checksum after one word of what it covers has changed.
#pragma once

#include <cstdint>

namespace cygnet::esp {

inline std::uint16_t checksum_after_change(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) {
    std::uint32_t sum = static_cast<std::uint16_t>(~checksum);
    sum += static_cast<std::uint16_t>(~before);
    sum += after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace cygnet::esp
