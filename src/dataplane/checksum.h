// The Internet checksum (RFC 1071), for packets that the kernel leaves unfinished and for those we join.
#pragma once

#include <cstddef>
#include <cstdint>

#include "esp/inner_packet.h"

namespace cygnet::dataplane {

// A one's complement sum in progress, in network order of its 16-bit words.
// Every part but the last must have an even size.
class ChecksumSum {
public:
    void add(const std::uint8_t* data, std::size_t size);
    void add_word(std::uint16_t value) { sum_ += value; }
    std::uint16_t folded() const;  // not complemented
    std::uint16_t checksum() const { return static_cast<std::uint16_t>(~folded()); }

private:
    std::uint64_t sum_ = 0;
};

// The pseudo-header of TCP and UDP: addresses from the IP header in `packet`, RFC 8200 §8.1 for IPv6.
ChecksumSum pseudo_header(const std::uint8_t* packet, model::Family family, std::uint8_t protocol,
                          std::size_t transport_size);

// Writes the IPv4 header's own checksum.
void finish_ipv4_header(std::uint8_t* packet, std::size_t header_size);

}  // namespace cygnet::dataplane
