// The packet layer of VICI (facts-vici 1 and 2): segments with a length of four octets on a stream,
// each with one packet.
#pragma once

#include <optional>
#include <string>

#include "vici/message.h"

namespace cygnet::vici {

enum class PacketType : std::uint8_t {
    command_request = 0,
    command_response = 1,
    command_unknown = 2,
    event_register = 3,
    event_unregister = 4,
    event_confirm = 5,
    event_unknown = 6,
    event = 7,
};

constexpr bool is_named(PacketType type) {
    return type == PacketType::command_request || type == PacketType::event_register ||
           type == PacketType::event_unregister || type == PacketType::event;
}
constexpr bool has_message(PacketType type) {
    return type == PacketType::command_request || type == PacketType::command_response ||
           type == PacketType::event;
}

struct Packet {
    PacketType type{};
    std::string name{};  // of named types
    Section message{};   // of types with a message

    bool operator==(const Packet&) const = default;
};

// The segment, with its length in front. Fails with Errc::limit above 512 KiB.
Result<Bytes> encode(const Packet& packet);
// One segment without its length. Errc::unsupported for unknown packet types, which a receiver ignores.
Result<Packet> decode_packet(ByteView segment);

// Cuts a stream into segments.
class SegmentReader {
public:
    void feed(ByteView bytes);
    // The next whole segment, or nothing yet. An announced length above 512 KiB fails: the connection
    // must be dropped.
    Result<std::optional<Bytes>> next();

private:
    Bytes buffer_;
    std::size_t start_ = 0;
};

}  // namespace cygnet::vici
