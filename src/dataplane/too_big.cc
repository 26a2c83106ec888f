#include "dataplane/too_big.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "dataplane/checksum.h"
#include "esp/icmp_error.h"
#include "model/limits.h"

namespace cygnet::dataplane {
namespace {

constexpr std::size_t ipv4_header = 20, ipv6_header = 40, icmp_header = 8;
constexpr std::size_t message_octets_max_v4 = 576;
constexpr std::uint8_t hop_limit = 64;

// RFC 1122 §3.2.2, RFC 4443 §2.4 (e): never about an error, a later fragment, or to what is not one host.
bool may_be_answered(const esp::InnerPacket& inner) {
    if (esp::is_icmp_error(inner) || (inner.fragment && !inner.ports_known)) return false;
    if (inner.family == model::Family::v6) {
        const bool multicast = inner.source.high >> 56 == 0xff;
        return !multicast && (inner.source.high | inner.source.low) != 0;
    }
    const auto one_host = [](std::uint64_t address) {
        const auto first = address >> 24;
        return first != 0 && first != 127 && first < 224;
    };
    return one_host(inner.source.low) && one_host(inner.destination.low);
}

}  // namespace

std::size_t write_too_big(const std::uint8_t* packet, const esp::InnerPacket& inner, std::size_t mtu,
                          TooBigMessage& message) {
    if (!may_be_answered(inner)) return 0;
    const bool v4 = inner.family == model::Family::v4;
    const std::size_t header = v4 ? ipv4_header : ipv6_header;
    const std::size_t most = v4 ? message_octets_max_v4 : too_big_octets_max;
    const std::size_t quoted = std::min<std::size_t>(inner.size, most - header - icmp_header);
    const std::size_t size = header + icmp_header + quoted;
    std::uint8_t* const to = message.data();
    std::uint8_t* const icmp = to + header;
    std::memset(to, 0, header + icmp_header);
    std::memcpy(icmp + icmp_header, packet, quoted);
    ChecksumSum sum;
    if (v4) {
        to[0] = 0x45;
        store_be(to + 2, static_cast<std::uint16_t>(size));
        to[8] = hop_limit;
        to[9] = esp::protocol::icmp;
        std::memcpy(to + 12, packet + 16, 4);
        std::memcpy(to + 16, packet + 12, 4);
        finish_ipv4_header(to, ipv4_header);
        icmp[0] = 3;  // destination unreachable: fragmentation needed
        icmp[1] = 4;
        store_be(icmp + 6, static_cast<std::uint16_t>(mtu));
    } else {
        to[0] = 0x60;
        store_be(to + 4, static_cast<std::uint16_t>(icmp_header + quoted));
        to[6] = esp::protocol::icmpv6;
        to[7] = hop_limit;
        std::memcpy(to + 8, packet + 24, 16);
        std::memcpy(to + 24, packet + 8, 16);
        icmp[0] = 2;  // packet too big
        store_be(icmp + 4, static_cast<std::uint32_t>(mtu));
        sum = pseudo_header(to, model::Family::v6, esp::protocol::icmpv6, icmp_header + quoted);
    }
    sum.add(icmp, icmp_header + quoted);
    store_be(icmp + 2, sum.checksum());
    return size;
}

bool IcmpBudget::take(Instant now) {
    if (second_ == Instant{} || now - second_ >= seconds(1)) {
        second_ = now;
        left_ = model::limits::icmp_errors_per_second;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
}

}  // namespace cygnet::dataplane
