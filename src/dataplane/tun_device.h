// A TUN device whose packets carry a virtio header, so that one call moves up to 64 KiB of one flow.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace cygnet::dataplane {

// What precedes each packet: the virtio network header, in the machine's byte order. The kernel's own
// declaration of it is not C++.
struct VnetHeader {
    std::uint8_t flags = 0;
    std::uint8_t gso_type = 0;
    std::uint16_t header_size = 0;
    std::uint16_t gso_size = 0;         // octets of payload in each segment
    std::uint16_t checksum_start = 0;   // from the packet's start
    std::uint16_t checksum_offset = 0;  // from checksum_start
};
static_assert(sizeof(VnetHeader) == 10);

namespace vnet {
inline constexpr std::uint8_t needs_checksum = 1;  // flags: from checksum_start on; the field holds the
                                                   // pseudo-header's sum
inline constexpr std::uint8_t gso_none = 0, gso_tcp4 = 1, gso_tcp6 = 4, gso_udp = 5;
inline constexpr std::uint8_t gso_ecn = 0x80;  // beside a type: the first segment has CWR
}  // namespace vnet

enum class TunOffload : std::uint8_t { none, tcp, tcp_and_udp };

class TunDevice {
public:
    // Makes the device, down, without addresses; it goes with the descriptors. With several queues the kernel keeps the
    // packets of a flow in one of them. `offload_wanted` false: none.
    // Errors: system, with what to do.
    static Result<TunDevice> open(const std::string& name, std::size_t queues, bool offload_wanted);

    int fd(std::size_t queue) const { return queues_[queue].number(); }
    TunOffload offload() const { return offload_; }
    unsigned index() const { return index_; }  // of the interface

private:
    std::vector<os::Fd> queues_;
    TunOffload offload_ = TunOffload::none;
    unsigned index_ = 0;
};

}  // namespace cygnet::dataplane
