#include "dataplane/segmenter.h"

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "dataplane/checksum.h"

namespace cygnet::dataplane {
namespace {


constexpr std::size_t tcp_header_min = 20, udp_header = 8;
constexpr std::size_t tcp_sequence = 4, tcp_offset = 12, tcp_flags = 13, tcp_checksum = 16;
constexpr std::size_t udp_length = 4, udp_checksum = 6;
constexpr std::uint8_t flag_fin = 0x01, flag_psh = 0x08, flag_cwr = 0x80;

}  // namespace

std::optional<Segmenter> Segmenter::of(const VnetHeader& header, const std::uint8_t* packet,
                                       const esp::InnerPacket& inner) {
    Segmenter cut;
    cut.packet_ = packet;
    cut.family_ = inner.family;
    cut.size_ = inner.size;
    cut.transport_ = inner.transport_offset;
    const auto type = static_cast<std::uint8_t>(header.gso_type & ~vnet::gso_ecn);
    if (type == vnet::gso_none) {
        if (!(header.flags & vnet::needs_checksum)) return cut;
        cut.kind_ = Kind::unfinished;
        cut.checksum_start_ = header.checksum_start;
        cut.checksum_field_ = std::size_t{header.checksum_start} + header.checksum_offset;
        if (cut.checksum_field_ + 2 > cut.size_) return std::nullopt;
        return cut;
    }
    if (header.gso_size == 0 || inner.fragment) return std::nullopt;
    const std::size_t left = cut.size_ - cut.transport_;
    if (type == vnet::gso_udp && inner.protocol == esp::protocol::udp) {
        if (left <= udp_header) return std::nullopt;
        cut.kind_ = Kind::udp;
        cut.headers_ = cut.transport_ + udp_header;
    } else if ((type == vnet::gso_tcp4 || type == vnet::gso_tcp6) && inner.protocol == esp::protocol::tcp) {
        if (left < tcp_header_min) return std::nullopt;
        const std::size_t tcp_header = (packet[cut.transport_ + tcp_offset] >> 4) * std::size_t{4};
        if (tcp_header < tcp_header_min || tcp_header >= left) return std::nullopt;
        cut.kind_ = Kind::tcp;
        cut.headers_ = cut.transport_ + tcp_header;
    } else {
        return std::nullopt;
    }
    cut.segment_payload_ = header.gso_size;
    cut.count_ = (cut.size_ - cut.headers_ + header.gso_size - 1) / header.gso_size;
    return cut;
}

std::size_t Segmenter::size_of(std::size_t segment) const {
    if (kind_ == Kind::whole || kind_ == Kind::unfinished) return size_;
    return headers_ + payload_of(segment);
}

void Segmenter::write(std::size_t segment, std::uint8_t* to) const {
    switch (kind_) {
        case Kind::whole: std::memcpy(to, packet_, size_); return;
        case Kind::unfinished: {
            std::memcpy(to, packet_, size_);
            // The field holds the pseudo-header's sum already.
            ChecksumSum sum;
            sum.add(to + checksum_start_, size_ - checksum_start_);
            std::uint16_t checksum = sum.checksum();
            // RFC 768: a sum of zero is sent as its other form; for TCP both forms verify.
            if (checksum == 0) checksum = 0xffff;
            store_be(to + checksum_field_, checksum);
            return;
        }
        case Kind::tcp:
        case Kind::udp: write_segment(segment, to); return;
    }
}

void Segmenter::write_segment(std::size_t segment, std::uint8_t* to) const {
    const std::size_t payload = payload_of(segment), size = headers_ + payload;
    std::memcpy(to, packet_, headers_);
    std::memcpy(to + headers_, packet_ + headers_ + segment * segment_payload_, payload);
    if (family_ == model::Family::v4) {
        store_be(to + 2, static_cast<std::uint16_t>(size));
        store_be(to + 4, static_cast<std::uint16_t>(load_be<std::uint16_t>(to + 4) + segment));
        finish_ipv4_header(to, (to[0] & 0x0fU) * std::size_t{4});
    } else {
        store_be(to + 4, static_cast<std::uint16_t>(size - 40));
    }
    std::uint8_t* const transport = to + transport_;
    if (kind_ == Kind::udp) {
        store_be(transport + udp_length, static_cast<std::uint16_t>(size - transport_));
        finish_checksum(to, size, transport_, transport_ + udp_checksum);
        return;
    }
    store_be(transport + tcp_sequence,
             load_be<std::uint32_t>(transport + tcp_sequence) + static_cast<std::uint32_t>(segment * segment_payload_));
    // RFC 793 and RFC 3168 §6.1.2: the end of the data ends the last piece, CWR speaks once.
    if (segment + 1 != count_) transport[tcp_flags] &= static_cast<std::uint8_t>(~(flag_fin | flag_psh));
    if (segment != 0) transport[tcp_flags] &= static_cast<std::uint8_t>(~flag_cwr);
    finish_checksum(to, size, transport_, transport_ + tcp_checksum);
}

void Segmenter::finish_checksum(std::uint8_t* packet, std::size_t size, std::size_t start, std::size_t field) const {
    const std::uint8_t protocol = kind_ == Kind::udp ? esp::protocol::udp : esp::protocol::tcp;
    store_be<std::uint16_t>(packet + field, 0);
    ChecksumSum sum = pseudo_header(packet, family_, protocol, size - start);
    sum.add(packet + start, size - start);
    const std::uint16_t checksum = sum.checksum();
    store_be(packet + field, checksum == 0 ? std::uint16_t{0xffff} : checksum);
}

std::size_t Segmenter::payload_of(std::size_t segment) const {
    return std::min(segment_payload_, size_ - headers_ - segment * segment_payload_);
}

}  // namespace cygnet::dataplane
