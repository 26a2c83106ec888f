#include "dataplane/mss_clamp.h"

#include <algorithm>

#include "base/big_endian.h"
#include "esp/internet_checksum.h"

namespace cygnet::dataplane {
namespace {

constexpr std::size_t tcp_header_min = 20, tcp_offset_at = 12, tcp_checksum_at = 16;
constexpr std::uint8_t option_end = 0, option_none = 1, option_mss = 2, option_mss_size = 4;

// Where in the TCP header the MSS is; 0: there is none.
std::size_t find_mss(const std::uint8_t* tcp, std::size_t available) {
    const std::size_t header = std::min<std::size_t>((tcp[tcp_offset_at] >> 4) * std::size_t{4}, available);
    for (std::size_t at = tcp_header_min; at < header;) {
        if (tcp[at] == option_end) return 0;
        if (tcp[at] == option_none) {
            ++at;
            continue;
        }
        if (at + 1 >= header || tcp[at + 1] < 2 || at + tcp[at + 1] > header) return 0;
        if (tcp[at] == option_mss) return tcp[at + 1] == option_mss_size ? at + 2 : 0;
        at += tcp[at + 1];
    }
    return 0;
}

}  // namespace

void clamp_mss(std::uint8_t* packet, const esp::InnerPacket& inner, std::size_t mtu, TcpChecksum checksum) {
    const std::size_t available = inner.size - inner.transport_offset;
    if (available < tcp_header_min || mtu < inner.transport_offset + tcp_header_min) return;
    std::uint8_t* const tcp = packet + inner.transport_offset;
    const std::size_t at = find_mss(tcp, available);
    if (at == 0) return;
    const std::size_t most = mtu - inner.transport_offset - tcp_header_min;
    const auto before = load_be<std::uint16_t>(tcp + at);
    if (before <= most) return;
    const auto after = static_cast<std::uint16_t>(most);
    store_be(tcp + at, after);
    if (checksum == TcpChecksum::left_to_us) return;
    // A value at an odd place counts with its octets exchanged.
    const auto as_summed = [at](std::uint16_t value) {
        return at % 2 == 0 ? value : static_cast<std::uint16_t>(value << 8 | value >> 8);
    };
    store_be(tcp + tcp_checksum_at, esp::checksum_after_change(load_be<std::uint16_t>(tcp + tcp_checksum_at),
                                                               as_summed(before), as_summed(after)));
}

}  // namespace cygnet::dataplane
