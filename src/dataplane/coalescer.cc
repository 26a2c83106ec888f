#include "dataplane/coalescer.h"

#include <cstring>

#include "base/big_endian.h"
#include "dataplane/checksum.h"

namespace cygnet::dataplane {
namespace {


constexpr std::size_t super_packet_octets_max = 65535;
constexpr std::size_t tcp_header_min = 20, udp_header = 8;
constexpr std::uint8_t flag_psh = 0x08, flag_ack = 0x10;

bool same_flow(const esp::InnerPacket& a, const esp::InnerPacket& b) {
    return a.source_port == b.source_port && a.destination_port == b.destination_port && a.source == b.source &&
           a.destination == b.destination && a.protocol == b.protocol && a.family == b.family;
}

// A super-packet vouches for its pieces, so each must be sound by itself.
bool checksums_are_right(const std::uint8_t* packet, const esp::InnerPacket& inner) {
    if (inner.family == model::Family::v4) {
        ChecksumSum header;
        header.add(packet, inner.transport_offset);
        if (header.checksum() != 0) return false;
    }
    const std::size_t transport_size = inner.size - inner.transport_offset;
    ChecksumSum sum = pseudo_header(packet, inner.family, inner.protocol, transport_size);
    sum.add(packet + inner.transport_offset, transport_size);
    return sum.checksum() == 0;
}

// Everything of the IP headers that a super-packet has only once; RFC 791 identification aside.
bool same_ip_header(const std::uint8_t* a, const std::uint8_t* b, model::Family family, std::size_t position) {
    if (family == model::Family::v6)
        return std::memcmp(a, b, 4) == 0 && a[7] == b[7];  // class and flow label; hop limit
    if (a[1] != b[1] || a[8] != b[8] || std::memcmp(a + 6, b + 6, 2) != 0) return false;
    const bool may_not_fragment = a[6] & 0x40;
    return may_not_fragment ||
           load_be<std::uint16_t>(b + 4) == static_cast<std::uint16_t>(load_be<std::uint16_t>(a + 4) + position);
}

// Acknowledgement, offset, flags but PSH, window and options (what the kernel's own GRO compares).
bool same_tcp_header(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) {
    return std::memcmp(a + 8, b + 8, 5) == 0 && ((a[13] ^ b[13]) & ~flag_psh) == 0 &&
           std::memcmp(a + 14, b + 14, 2) == 0 && std::memcmp(a + 18, b + 18, size - 18) == 0;
}

}  // namespace

void Coalescer::add(std::uint8_t* packet, const esp::InnerPacket& inner) {
    Candidate candidate;
    Flow* flow = flow_of(inner);
    if (!examine(packet, inner, candidate)) {
        // It must not overtake what waits of its own flow.
        if (flow != nullptr) write(*flow);
        write_alone(packet, inner.size);
        return;
    }
    if (flow != nullptr && join(*flow, candidate)) return;
    if (flow != nullptr) write(*flow);
    start(candidate);
}

void Coalescer::flush() {
    for (Flow& flow : flows_)
        if (flow.count != 0) write(flow);
}

// Whether the packet may be joined with others at all.
bool Coalescer::examine(std::uint8_t* packet, const esp::InnerPacket& inner, Candidate& candidate) const {
    if (offload_ == TunOffload::none || inner.fragment || !inner.ports_known) return false;
    // IPv4 options and IPv6 extensions would have to be compared; they are rare enough to go alone.
    if (inner.transport_offset != (inner.family == model::Family::v4 ? 20U : 40U)) return false;
    const std::uint8_t* transport = packet + inner.transport_offset;
    const std::size_t left = inner.size - inner.transport_offset;
    std::size_t header;
    if (inner.protocol == esp::protocol::tcp && left >= tcp_header_min) {
        header = (transport[12] >> 4) * std::size_t{4};
        if (header < tcp_header_min || header > left) return false;
        if ((transport[13] & ~flag_psh) != flag_ack) return false;
        candidate.sequence = load_be<std::uint32_t>(transport + 4);
        candidate.pushes = transport[13] & flag_psh;
    } else if (inner.protocol == esp::protocol::udp && left >= udp_header && offload_ == TunOffload::tcp_and_udp) {
        header = udp_header;
        if (load_be<std::uint16_t>(transport + 4) != left) return false;
        if (load_be<std::uint16_t>(transport + 6) == 0) return false;  // without checksum
        candidate.sequence = 0;
        candidate.pushes = false;
    } else {
        return false;
    }
    if (header == left || !checksums_are_right(packet, inner)) return false;
    candidate.inner = inner;
    candidate.packet = packet;
    candidate.headers = inner.transport_offset + header;
    candidate.payload = left - header;
    return true;
}

Coalescer::Flow* Coalescer::flow_of(const esp::InnerPacket& inner) {
    for (Flow& flow : flows_)
        if (flow.count != 0 && same_flow(flow.first.inner, inner)) return &flow;
    return nullptr;
}

bool Coalescer::join(Flow& flow, const Candidate& candidate) {
    const Candidate& first = flow.first;
    if (candidate.headers != first.headers || candidate.payload > first.payload ||
        flow.size + candidate.payload > super_packet_octets_max)
        return false;
    if (!same_ip_header(first.packet, candidate.packet, first.inner.family, flow.count)) return false;
    if (first.inner.protocol == esp::protocol::tcp) {
        const std::size_t transport = first.inner.transport_offset;
        if (candidate.sequence != flow.next_sequence ||
            !same_tcp_header(first.packet + transport, candidate.packet + transport, first.headers - transport))
            return false;
    }
    flow.pieces[flow.count + 1] = {candidate.packet + candidate.headers, candidate.payload};
    ++flow.count;
    flow.size += candidate.payload;
    flow.next_sequence += static_cast<std::uint32_t>(candidate.payload);
    if (candidate.pushes) first.packet[first.inner.transport_offset + 13] |= flag_psh;
    // A shorter piece can only be the last one.
    if (candidate.payload < first.payload || flow.count == packets_per_flow) write(flow);
    return true;
}

void Coalescer::start(const Candidate& candidate) {
    Flow* flow = nullptr;
    for (Flow& other : flows_)
        if (other.count == 0) flow = &other;
    if (flow == nullptr) {
        flow = &flows_[oldest_++ % flows];
        write(*flow);
    }
    flow->first = candidate;
    flow->next_sequence = candidate.sequence + static_cast<std::uint32_t>(candidate.payload);
    flow->size = candidate.inner.size;
    flow->count = 1;
    flow->pieces[1] = {candidate.packet, candidate.inner.size};
}

void Coalescer::write(Flow& flow) {
    const Candidate& first = flow.first;
    if (flow.count == 1) {
        write_alone(first.packet, flow.size);
        flow.count = 0;
        return;
    }
    const bool tcp = first.inner.protocol == esp::protocol::tcp;
    const bool v4 = first.inner.family == model::Family::v4;
    VnetHeader header{};
    header.flags = vnet::needs_checksum;
    header.gso_type = !tcp ? vnet::gso_udp : v4 ? vnet::gso_tcp4 : vnet::gso_tcp6;
    header.header_size = static_cast<std::uint16_t>(first.headers);
    header.gso_size = static_cast<std::uint16_t>(first.payload);
    header.checksum_start = static_cast<std::uint16_t>(first.inner.transport_offset);
    header.checksum_offset = tcp ? 16 : 6;
    if (v4) {
        store_be(first.packet + 2, static_cast<std::uint16_t>(flow.size));
        finish_ipv4_header(first.packet, 20);
    } else {
        store_be(first.packet + 4, static_cast<std::uint16_t>(flow.size - 40));
    }
    std::uint8_t* const transport = first.packet + first.inner.transport_offset;
    const std::size_t transport_size = flow.size - first.inner.transport_offset;
    if (!tcp) store_be(transport + 4, static_cast<std::uint16_t>(transport_size));
    const ChecksumSum sum = pseudo_header(first.packet, first.inner.family, first.inner.protocol, transport_size);
    store_be(transport + header.checksum_offset, sum.folded());
    flow.pieces[0] = {&header, sizeof header};
    sink_->write(std::span(flow.pieces).first(flow.count + 1), flow.count);
    flow.count = 0;
}

void Coalescer::write_alone(std::uint8_t* packet, std::size_t size) {
    VnetHeader header{};
    const iovec pieces[] = {{&header, sizeof header}, {packet, size}};
    sink_->write(pieces, 1);
}

}  // namespace cygnet::dataplane
