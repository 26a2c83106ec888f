// The IKE header, RFC 7296 §3.1.
//
//                      1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +---------------------------------------------------------------+
// |                  initiator's SPI (8 octets)                   |
// |                  responder's SPI (8 octets)                   |
// +---------------+-------+-------+---------------+---------------+
// | next payload  | major | minor | exchange type | X X R V I X X |
// +---------------+-------+-------+---------------+---------------+
// |                          message ID                           |
// |                            length                             |
// +---------------------------------------------------------------+
#pragma once

#include "model/iana.h"
#include "wire/fields.h"

namespace cygnet::wire {

using model::ExchangeType;
using model::PayloadType;

inline constexpr std::size_t header_size = 28;
inline constexpr std::size_t generic_header_size = 4;  // of every payload, §3.2
// Where IntAuth and fragments change a header in place.
inline constexpr std::size_t header_next_payload_at = 16;
inline constexpr std::size_t header_length_at = 24;

struct Header {
    std::uint64_t spi_i = 0;
    std::uint64_t spi_r = 0;
    PayloadType next_payload = PayloadType::none;  // set by MessageBuilder and lay_out
    std::uint8_t major_version = 2;
    std::uint8_t minor_version = 0;
    ExchangeType exchange{};
    bool initiator = false;  // sent by the original initiator of the IKE SA
    bool response = false;
    std::uint32_t message_id = 0;
    std::uint32_t length = 0;  // of the whole message; set by MessageBuilder and lay_out

    static constexpr auto fields =
        std::tuple{Be<&Header::spi_i>{"spi_i"}, Be<&Header::spi_r>{"spi_r"}, Be<&Header::next_payload>{"next_payload"},
                   Nibbles<&Header::major_version, &Header::minor_version>{"major_version", "minor_version"},
                   Be<&Header::exchange>{"exchange"},
                   // The Version bit is ignored and sent as zero.
                   Flags<Flag<&Header::initiator, 0x08>, Flag<&Header::response, 0x20>>{{{"initiator"}, {"response"}}},
                   Be<&Header::message_id>{"message_id"}, Be<&Header::length>{"length"}};
};

// Reads the header at the front of a datagram (without the non-ESP marker). Fails with truncated
// when there are fewer than 28 octets, and with bad_length when Length is not the datagram's size.
// Any version is accepted: what to answer to another major version is the caller's business (§2.5).
Result<Header> parse_header(ByteView datagram);

}  // namespace cygnet::wire
