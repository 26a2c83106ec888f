#include "vici/packet.h"

#include <limits>

#include "base/reader.h"
#include "model/limits.h"

namespace cygnet::vici {
namespace {

constexpr std::size_t length_octets = 4;

}  // namespace

Result<Bytes> encode(const Packet& packet) {
    Bytes out;
    Writer writer(out);
    writer.zeros(length_octets);
    writer.u8(static_cast<std::uint8_t>(packet.type));
    if (is_named(packet.type)) {
        if (packet.name.size() > std::numeric_limits<std::uint8_t>::max())
            return fail(Errc::limit, "VICI packet name", "longer than 255 octets");
        writer.u8(static_cast<std::uint8_t>(packet.name.size()));
        writer.bytes(bytes_of(packet.name));
    }
    if (has_message(packet.type)) writer.bytes(TRY(encode(packet.message)));
    const std::size_t size = out.size() - length_octets;
    if (size > model::limits::vici_segment_octets)
        return fail(Errc::limit, "VICI segment", std::to_string(size) + " octets; at most " +
                                     std::to_string(model::limits::vici_segment_octets));
    writer.patch_u32(0, static_cast<std::uint32_t>(size));
    return out;
}

Result<Packet> decode_packet(ByteView segment) {
    Reader reader(segment);
    Packet packet;
    packet.type = static_cast<PacketType>(TRY(reader.u8("VICI packet type")));
    if (packet.type > PacketType::event) return fail(Errc::unsupported, "VICI packet type");
    if (is_named(packet.type)) {
        const auto size = TRY(reader.u8("VICI packet name length"));
        packet.name = std::string(text_of(TRY(reader.take(size, "VICI packet name"))));
    }
    if (has_message(packet.type))
        packet.message = TRY(decode(reader.rest()));
    else
        TRY(reader.finish("VICI packet"));
    return packet;
}

void SegmentReader::feed(ByteView bytes) {
    if (start_ == buffer_.size()) {
        buffer_.clear();
        start_ = 0;
    }
    append(buffer_, bytes);
}

Result<std::optional<Bytes>> SegmentReader::next() {
    const ByteView waiting = ByteView(buffer_).subspan(start_);
    Reader reader(waiting);
    const auto length = reader.u32("VICI segment length");
    if (!length) return std::optional<Bytes>();
    if (*length > model::limits::vici_segment_octets)
        return fail(Errc::limit, "VICI segment",
                    std::to_string(*length) + " octets announced; at most " +
                        std::to_string(model::limits::vici_segment_octets));
    const auto segment = reader.take(*length, "VICI segment");
    if (!segment) {
        // Keep the buffer from growing by what was read already.
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(start_));
        start_ = 0;
        return std::optional<Bytes>();
    }
    start_ += length_octets + *length;
    return std::optional<Bytes>(keep(*segment));
}

}  // namespace cygnet::vici
