#include "dataplane/worker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

#include "dataplane/segmenter.h"

namespace cygnet::dataplane {
namespace {

using esp::Drop;

constexpr std::size_t super_packet_octets_max = 65535;
constexpr std::uint64_t tag_tun = ~0ULL, tag_stop = ~0ULL - 1;  // else the index of a carrier
constexpr std::uint8_t nat_keepalive = 0xff;                    // RFC 3948 §2.3
constexpr std::size_t non_esp_marker_size = 4;                  // RFC 3948 §2.2

void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace

Worker::Worker(WorkerParts parts)
    : parts_(std::move(parts)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      stop_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      tun_buffer_(sizeof(VnetHeader) + super_packet_octets_max),
      coalescer_(*this, parts_.offload) {
    ASSERT(epoll_.open() && stop_.open());
    watch(stop_.number(), tag_stop);
    watch(parts_.tun, tag_tun);
    for (std::size_t i = 0; i < parts_.carriers.size(); ++i) watch(parts_.carriers[i].fd(), i);
}

Worker::~Worker() = default;

void Worker::run() {
    std::array<epoll_event, 8> ready;
    for (;;) {
        const int events = ::epoll_wait(epoll_.number(), ready.data(), ready.size(), -1);
        count(statistics_.waits);
        now_ = parts_.now();
        table_ = &parts_.table->enter(parts_.number);
        bool stopping = false;
        for (int i = 0; i < events; ++i) {
            const std::uint64_t tag = ready[static_cast<std::size_t>(i)].data.u64;
            if (tag == tag_stop)
                stopping = true;
            else if (tag == tag_tun)
                outbound_turn();
            else
                inbound_turn(parts_.carriers[tag]);
        }
        table_ = nullptr;
        parts_.table->leave(parts_.number);
        if (stopping) return;
    }
}

void Worker::stop() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stop_.number(), &one, sizeof one);
}

WorkerStatistics Worker::statistics() const {
    const auto read = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
    return {.tun_reads = read(statistics_.tun_reads),
            .tun_writes = read(statistics_.tun_writes),
            .carrier_receives = read(statistics_.carrier_receives),
            .carrier_sends = read(statistics_.carrier_sends),
            .waits = read(statistics_.waits),
            .packets_in = read(statistics_.packets_in),
            .packets_out = read(statistics_.packets_out)};
}

void Worker::watch(int fd, std::uint64_t tag) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = tag}};
    ASSERT(::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, fd, &event) == 0);
}

// ---- out ----------------------------------------------------------------------------------------

void Worker::outbound_turn() {
    for (std::size_t i = 0; i < tun_reads_per_turn; ++i) {
        const ssize_t size = ::read(parts_.tun, tun_buffer_.data(), tun_buffer_.size());
        count(statistics_.tun_reads);
        if (size < 0) break;
        if (static_cast<std::size_t>(size) <= sizeof(VnetHeader)) continue;
        VnetHeader header;
        std::memcpy(&header, tun_buffer_.data(), sizeof header);
        forward(header, tun_buffer_.data() + sizeof header, static_cast<std::size_t>(size) - sizeof header);
    }
    flush_outbound();
}

// Cuts one super-packet and adds its segments to the batch, which goes out whenever it is full.
void Worker::forward(const VnetHeader& header, const std::uint8_t* packet, std::size_t size) {
    const auto inner = esp::parse_inner(packet, size);
    const auto segments = inner ? Segmenter::of(header, packet, *inner) : std::nullopt;
    if (!segments) return drops_.add(Drop::bad_packet);
    const esp::Child* child = table_->outbound(*inner);
    if (child == nullptr) return drops_.add(Drop::no_policy, segments->count());
    for (std::size_t i = 0; i < segments->count(); ++i) {
        const std::size_t segment = segments->size_of(i);
        // RFC 6040 §4.1 and RFC 4301 §5.1.2.1: DSCP and ECN are copied outwards.
        if (!batch_.takes(*child, inner->traffic_class, segment)) flush_outbound();
        if (!batch_.takes(*child, inner->traffic_class, segment)) return drops_.add(Drop::too_large);
        segments->write(i, batch_.add(*child, inner->traffic_class, segment));
    }
}

void Worker::flush_outbound() {
    if (batch_.empty()) return;
    const esp::Child& child = batch_.child();
    std::size_t packets = 0;
    const std::size_t wanted = batch_.count();
    const auto octets = batch_.seal(now_, packets);
    drops_.add(Drop::sequence_exhausted, wanted - packets);
    Carrier* carrier = carrier_for(child);
    std::size_t sent = 0;
    if (carrier != nullptr && packets != 0) {
        const std::uint64_t calls = carrier->send_calls();
        sent = carrier->send({&child.path, batch_.traffic_class(), octets, batch_.segment_size()});
        count(statistics_.carrier_sends, carrier->send_calls() - calls);
    }
    if (sent < packets) {
        drops_.add(Drop::carrier_refused, packets - sent);
        child.sa->drops.add(Drop::carrier_refused, packets - sent);
    }
    count(statistics_.packets_out, sent);
    batch_.clear();
}

Carrier* Worker::carrier_for(const esp::Child& child) {
    const auto kind = child.udp_encapsulation ? CarrierKind::udp : CarrierKind::raw;
    for (Carrier& carrier : parts_.carriers)
        if (carrier.kind() == kind && carrier.family() == child.path.remote.address.family()) return &carrier;
    return nullptr;
}

// ---- in -----------------------------------------------------------------------------------------

void Worker::inbound_turn(Carrier& carrier) {
    const auto [datagrams, full] = carrier.receive(receive_buffers_);
    count(statistics_.carrier_receives);
    for (const ReceivedDatagram& datagram : datagrams) take_datagram(carrier, datagram);
    finish_group();
    coalescer_.flush();
}

void Worker::take_datagram(const Carrier& carrier, const ReceivedDatagram& datagram) {
    for (std::size_t at = 0; at < datagram.size; at += datagram.segment_size) {
        std::uint8_t* const segment = datagram.data + at;
        const std::size_t size = std::min(datagram.segment_size, datagram.size - at);
        if (carrier.kind() == CarrierKind::udp && take_other_than_esp(datagram, segment, size)) continue;
        take_esp(carrier, datagram, segment, size);
    }
}

// RFC 3948 §2: on the NAT-T port a zero marker announces IKE, and one octet 0xff is a keepalive.
bool Worker::take_other_than_esp(const ReceivedDatagram& datagram, std::uint8_t* segment, std::size_t size) {
    if (size == 1 && segment[0] == nat_keepalive) return true;
    const auto spi = esp::spi_of(segment, size);
    if (!spi) {
        drops_.add(Drop::not_esp);
        return true;
    }
    if (*spi != 0) return false;
    tell({.kind = EventKind::ike_datagram, .path = datagram.path}, ByteView(segment, size).subspan(non_esp_marker_size),
         Drop::ike_queue_full);
    return true;
}

void Worker::take_esp(const Carrier& carrier, const ReceivedDatagram& datagram, std::uint8_t* esp, std::size_t size) {
    const auto spi = esp::spi_of(esp, size);
    if (!spi) return drops_.add(Drop::too_short);
    if (*spi < 256) return drops_.add(Drop::reserved_spi);
    const esp::Child* child =
        group_.count != 0 && group_.child->sa->in.spi == *spi ? group_.child : table_->inbound(*spi);
    if (child == nullptr) return drops_.add(Drop::unknown_spi);
    const bool joins = group_.child == child && group_.carrier == carrier.kind() &&
                       group_.path->remote == datagram.path.remote && group_.count < group_packets_max;
    if (group_.count != 0 && !joins) finish_group();
    group_.child = child;
    group_.path = &datagram.path;
    group_.carrier = carrier.kind();
    group_.packets[group_.count++] = {
        .esp = esp, .size = static_cast<std::uint32_t>(size), .outer_traffic_class = datagram.traffic_class};
}

void Worker::finish_group() {
    if (group_.count == 0) return;
    const auto packets = std::span(group_.packets).first(group_.count);
    const std::size_t authentic = esp::decapsulate(*group_.child, packets, now_);
    for (const esp::InboundPacket& packet : packets) {
        if (packet.drop == Drop::none)
            coalescer_.add(packet.data(), packet.inner);
        else
            drops_.add(packet.drop);
    }
    if (authentic != 0) tell_about(group_);
    group_.count = 0;
}

void Worker::tell_about(const Group& group) {
    const esp::Child& child = *group.child;
    esp::SaRuntime& sa = *child.sa;
    if (!sa.told_inbound_seen)
        sa.told_inbound_seen = tell({.kind = EventKind::inbound_seen, .child = child.id}, {}, Drop::event_queue_full);
    if (group.carrier != CarrierKind::udp || !child.udp_encapsulation || group.path->remote == child.path.remote ||
        group.path->remote == sa.told_remote)
        return;
    // RFC 7296 §2.23: a peer behind a NAT is followed to where its newest authentic packet came from.
    bool newest = false;
    for (const auto& packet : std::span(group.packets).first(group.count)) newest |= packet.newest;
    if (newest &&
        tell({.kind = EventKind::peer_moved, .child = child.id, .path = *group.path}, {}, Drop::event_queue_full))
        sa.told_remote = group.path->remote;
}

bool Worker::tell(const Event& event, ByteView datagram, Drop when_full) {
    const bool told = events_.push(event, datagram);
    if (!told) drops_.add(when_full);
    return told;
}

void Worker::write(std::span<const iovec> pieces, std::size_t packets) {
    count(statistics_.tun_writes);
    if (::writev(parts_.tun, pieces.data(), static_cast<int>(pieces.size())) < 0)
        return drops_.add(Drop::device_refused, packets);
    count(statistics_.packets_in, packets);
}

}  // namespace cygnet::dataplane
