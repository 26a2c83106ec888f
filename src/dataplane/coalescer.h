// Joins neighbouring packets of one TCP or UDP flow into super-packets for the TUN device, without copying:
// a super-packet is a list of pieces. What cannot be joined passes through; a flow's order is kept. PSH ends no super-packet:
// it marks no boundary (RFC 9293 §3.9.1), and what is here waits no longer than for what came with it.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/tun_device.h"
#include "esp/inner_packet.h"

namespace cygnet::dataplane {

// Where packets go: the TUN device, or a test. The first piece is the virtio header.
class PacketSink {
public:
    virtual ~PacketSink() = default;
    virtual void write(std::span<const iovec> pieces, std::size_t packets) = 0;
};

class Coalescer {
public:
    Coalescer(PacketSink& sink, TunOffload offload) : sink_(&sink), offload_(offload) {}

    // The packet's memory must stay until the next flush(). Its headers may be changed.
    void add(std::uint8_t* packet, const esp::InnerPacket& inner);
    // Writes everything that waits.
    void flush();

private:
    static constexpr std::size_t flows = 8;
    static constexpr std::size_t packets_per_flow = 64;

    // What two packets must share to lie in one super-packet, and what tells how they follow each other.
    struct Candidate {
        esp::InnerPacket inner;
        std::uint8_t* packet;
        std::size_t headers;  // octets before the payload
        std::size_t payload;
        std::uint32_t sequence;  // TCP only
        bool pushes;             // PSH, which the super-packet takes over
    };
    struct Flow {
        Candidate first;
        std::uint32_t next_sequence;
        std::size_t size;                                // of the super-packet
        std::size_t count = 0;                           // 0: not in use
        std::array<iovec, packets_per_flow + 1> pieces;  // the first is the virtio header
    };

    bool examine(std::uint8_t* packet, const esp::InnerPacket& inner, Candidate& candidate) const;
    Flow* flow_of(const esp::InnerPacket& inner);
    bool join(Flow& flow, const Candidate& candidate);
    void start(const Candidate& candidate);
    void write(Flow& flow);
    void write_alone(std::uint8_t* packet, std::size_t size);

    PacketSink* sink_;
    TunOffload offload_;
    std::array<Flow, flows> flows_{};
    std::size_t oldest_ = 0;
};

}  // namespace cygnet::dataplane
