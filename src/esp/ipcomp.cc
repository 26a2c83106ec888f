#include "esp/ipcomp.h"

#include <algorithm>
#include <bit>

#include "base/big_endian.h"

namespace cygnet::esp {
namespace {

// Fast, and with the window that Linux opens packets with: 2 KiB, no less than most packets. The memory level is the least
// that makes one block of a packet of 1500 octets.
constexpr int level = 1, window_bits_out = 11, memory_level = 6;
constexpr int window_bits_in = 15;  // all that DEFLATE has

std::uint64_t hash_of(const Child& child, const InnerPacket& packet) {
    constexpr std::uint64_t odd = 0x9e37'79b9'7f4a'7c15;
    std::uint64_t hash = static_cast<std::uint64_t>(child.id);
    for (const std::uint64_t part :
         {packet.source.high, packet.source.low, packet.destination.high, packet.destination.low,
          std::uint64_t{packet.source_port} << 32 | std::uint64_t{packet.destination_port} << 16 | packet.protocol})
        hash = (hash ^ part) * odd ^ std::rotl(hash, 29);
    return hash ^ hash >> 32;
}

}  // namespace

CompressionLuck::Flow& CompressionLuck::of(std::uint64_t flow) {
    static_assert(std::has_single_bit(model::limits::ipcomp_flows));
    return flows_[flow & (flows_.size() - 1)];
}

bool CompressionLuck::worth_an_attempt(std::uint64_t flow) {
    Flow& known = of(flow);
    if (known.left == 0) return true;
    --known.left;
    return false;
}

void CompressionLuck::attempted(std::uint64_t flow, bool became_smaller) {
    Flow& known = of(flow);
    const unsigned next = std::clamp(known.pause * 2U, 1U, model::limits::ipcomp_packets_spared_max);
    known.pause = known.left = became_smaller ? std::uint16_t{0} : static_cast<std::uint16_t>(next);
}

Compression::Compression() {
    ASSERT(deflateInit2(&deflate_, level, Z_DEFLATED, -window_bits_out, memory_level, Z_DEFAULT_STRATEGY) == Z_OK);
    ASSERT(inflateInit2(&inflate_, -window_bits_in) == Z_OK);
}

Compression::~Compression() {
    deflateEnd(&deflate_);
    inflateEnd(&inflate_);
}

// Octets that hide how long a packet is would not hide it any more.
bool Compression::worth_an_attempt(const Child& child, const InnerPacket& flow, std::size_t text) {
    if (!child.ipcomp.agreed() || child.tfc_padding != 0) return false;
    if (text < model::limits::ipcomp_octets_min || flow.protocol == protocol::ipcomp) return false;
    return luck_.worth_an_attempt(hash_of(child, flow));
}

std::size_t Compression::compress(const Child& child, const InnerPacket& flow, ByteView text, std::uint8_t next_header,
                                  std::uint8_t* to) {
    ASSERT(text.size() > ipcomp_header_size + 1);
    deflateReset(&deflate_);  // RFC 2394 §2: no history
    deflate_.next_in = const_cast<std::uint8_t*>(text.data());
    deflate_.avail_in = static_cast<uInt>(text.size());
    deflate_.next_out = to + ipcomp_header_size;
    deflate_.avail_out = static_cast<uInt>(text.size() - ipcomp_header_size - 1);
    const bool smaller = deflate(&deflate_, Z_FINISH) == Z_STREAM_END;
    luck_.attempted(hash_of(child, flow), smaller);
    if (!smaller) return 0;
    to[0] = next_header;
    to[1] = 0;
    store_be(to + 2, child.ipcomp.cpi_out);
    return ipcomp_header_size + deflate_.total_out;
}

Drop Compression::decompress(const Child& child, InboundPacket& packet, std::uint8_t* room) {
    const std::uint8_t* const header = packet.data();
    if (packet.payload_size < ipcomp_header_size) return Drop::ipcomp_malformed;
    // RFC 3173 §3.3: the flags mean nothing.
    if (load_be<std::uint16_t>(header + 2) != child.ipcomp.cpi_in) return Drop::ipcomp_wrong_index;
    inflateReset(&inflate_);
    inflate_.next_in = packet.data() + ipcomp_header_size;
    inflate_.avail_in = static_cast<uInt>(packet.payload_size - ipcomp_header_size);
    inflate_.next_out = room;
    inflate_.avail_out = model::limits::decompressed_octets_max;
    const int result = inflate(&inflate_, Z_FINISH);
    if (result != Z_STREAM_END)
        return result == Z_BUF_ERROR && inflate_.avail_out == 0 ? Drop::ipcomp_too_long : Drop::ipcomp_malformed;
    if (inflate_.avail_in != 0) return Drop::ipcomp_trailing;

    packet.next_header = header[0];
    packet.esp = room;
    packet.text_at = 0;
    packet.payload_size = static_cast<std::uint32_t>(inflate_.total_out);
    // Once is enough; and a dummy packet has nothing to be compressed.
    if (packet.next_header == protocol::ipcomp || packet.next_header == protocol::none) return Drop::bad_next_header;
    SelectorCheck selectors(child);
    return child.transport ? Drop::none : examine_inner(child, packet, selectors);
}

}  // namespace cygnet::esp
