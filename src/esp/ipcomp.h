// IPComp with DEFLATE (RFC 3173, RFC 2394): what ESP carries is made smaller, and whole again.
//
//   ESP's text, next header 108:   ├ next header │ flags │ CPI ┼ DEFLATE of the text that would be there without ┤
//
// In a tunnel that is the inner packet, in transport mode what follows the IP header. Nothing is remembered of one packet for
// the next but whether its flow was worth the attempt. What does not become smaller goes as it is, and so it may come.
#pragma once

#include <zlib.h>

#include <array>
#include <cstdint>
#include <optional>

#include "esp/decapsulate.h"
#include "model/limits.h"

namespace cygnet::esp {

inline constexpr std::size_t ipcomp_header_size = 4;

// RFC 3173 §2.2: packets that do not become smaller cost time for nothing, and one follows the other. Flows with the same hash
// share their luck.
class CompressionLuck {
public:
    // Whether the next packet of the flow is tried. One that is spared counts as passed.
    bool worth_an_attempt(std::uint64_t flow);
    void attempted(std::uint64_t flow, bool became_smaller);

private:
    struct Flow {
        std::uint16_t pause = 0, left = 0;  // packets that were spared last time, and that still are
    };
    static_assert(model::limits::ipcomp_packets_spared_max <= 0xffff);
    Flow& of(std::uint64_t flow);
    std::array<Flow, model::limits::ipcomp_flows> flows_{};
};

// The memory for both directions, of one thread; taken once.
class Compression {
public:
    Compression();
    ~Compression();
    Compression(const Compression&) = delete;
    Compression& operator=(const Compression&) = delete;

    // Whether an attempt is made with a packet of the child: `text` octets of a flow. Asked once for each packet.
    bool worth_an_attempt(const Child& child, const InnerPacket& flow, std::size_t text);
    // What ESP carries in place of the text, whose protocol is `next_header`, into `to`: as much room as the text has. Returns
    // its size; 0 if it would not be smaller, then the text goes as it is (§2.2).
    std::size_t compress(const Child& child, const InnerPacket& flow, ByteView text, std::uint8_t next_header,
                         std::uint8_t* to);

    // Takes the place of what decapsulate() has left compressed: the packet lies in `room` now, decompressed_octets_max
    // octets. In a tunnel it has passed examine_inner() then; in transport mode it awaits rebuild(), as others do.
    Drop decompress(const Child& child, InboundPacket& packet, std::uint8_t* room);

private:
    z_stream deflate_{}, inflate_{};
    CompressionLuck luck_;
};

}  // namespace cygnet::esp
