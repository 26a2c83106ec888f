// Cuts a super-packet from the TUN device into the packets that it stands for, finishing the checksums
// that the kernel left to the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/tun_device.h"
#include "esp/inner_packet.h"

namespace cygnet::dataplane {

class Segmenter {
public:
    // `packet` must stay as it is while the segmenter is used. Nothing if header and packet contradict
    // each other: kernels do not do that, so the packet is not worth more than a counter.
    static std::optional<Segmenter> of(const VnetHeader& header, const std::uint8_t* packet,
                                       const esp::InnerPacket& inner);

    std::size_t count() const { return count_; }
    std::size_t size_of(std::size_t segment) const;
    // Writes one segment, size_of(segment) octets.
    void write(std::size_t segment, std::uint8_t* to) const;

private:
    enum class Kind : std::uint8_t { whole, unfinished, tcp, udp };

    void write_segment(std::size_t segment, std::uint8_t* to) const;
    void finish_checksum(std::uint8_t* packet, std::size_t size, std::size_t start, std::size_t field) const;
    std::size_t payload_of(std::size_t segment) const;

    const std::uint8_t* packet_ = nullptr;
    Kind kind_ = Kind::whole;
    model::Family family_ = model::Family::v4;
    std::size_t size_ = 0;
    std::size_t transport_ = 0;  // offset of the TCP or UDP header
    std::size_t headers_ = 0;    // octets before the payload
    std::size_t segment_payload_ = 0;
    std::size_t count_ = 1;
    std::size_t checksum_start_ = 0, checksum_field_ = 0;
};

}  // namespace cygnet::dataplane
