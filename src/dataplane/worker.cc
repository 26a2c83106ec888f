#include "dataplane/worker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "dataplane/mss_clamp.h"
#include "esp/congestion.h"
#include "esp/icmp_error.h"

namespace cygnet::dataplane {
namespace {

using esp::Drop;

constexpr std::size_t ah_octets_max = 2 * 65536;  // a packet, and its headers apart
constexpr std::uint64_t tag_tun = ~0ULL, tag_stop = ~0ULL - 1, tag_wake = ~0ULL - 2,
                        tag_control = ~0ULL - 3, tag_ah = 1ULL << 32;  // and a port's index; else the index of a carrier
constexpr int held_review_ms = 1000;                            // while packets wait for a child
constexpr std::uint8_t nat_keepalive = 0xff;                    // RFC 3948 §2.3
constexpr std::size_t non_esp_marker_size = 4;                  // RFC 3948 §2.2

// RFC 4301 §5.1.2 and §8.1. In transport mode the header outside is the packet's own.
OuterHeader outer_header(const esp::Child& child, const esp::InnerPacket& inner, bool fits) {
    const auto df = child.headers.dont_fragment;
    const bool wanted = df == model::DontFragment::set || (df == model::DontFragment::copy && inner.dont_fragment);
    return {.traffic_class = child.transport ? inner.traffic_class
                                             : esp::outer_traffic_class(child.headers, inner.traffic_class),
            .dont_fragment = wanted && fits};
}

// Of ESP's trailer: what its text is.
std::uint8_t carried_protocol(const esp::Child& child, const esp::InnerPacket& inner) {
    if (child.transport) return inner.protocol;
    return inner.family == model::Family::v4 ? esp::protocol::ipv4 : esp::protocol::ipv6;
}

void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace

Worker::Worker(WorkerParts parts)
    : parts_(std::move(parts)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      stop_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      tun_buffer_(sizeof(VnetHeader) + super_packet_octets_max),
      segment_(super_packet_octets_max + esp::transport_header_max),
      ah_buffer_(parts_.ah.empty() ? 0 : ah_octets_max),
      kernel_path_mtu_(parts_.mark),
      coalescer_(*this, parts_.offload),
      stream_buffer_(stream_octets_per_turn) {
    ASSERT(epoll_.open() && stop_.open() && wake_.open());
    watch(wake_.number(), tag_wake);
    watch(stop_.number(), tag_stop);
    watch(parts_.tun, tag_tun);
    watch(from_control_.fd(), tag_control);
    for (std::size_t i = 0; i < parts_.carriers.size(); ++i) watch(parts_.carriers[i].fd(), i);
    for (std::size_t i = 0; parts_.number == 0 && i < parts_.ah.size(); ++i) watch(parts_.ah[i].fd(), tag_ah + i);
}

Worker::~Worker() = default;

void Worker::run() {
    std::array<epoll_event, 8> ready;
    for (;;) {
        const int events = ::epoll_wait(epoll_.number(), ready.data(), ready.size(), held_.empty() ? -1 : held_review_ms);
        count(statistics_.waits);
        enter_table();
        now_ = parts_.now();
        bool stopping = false;
        if (events <= 0) review_held();
        for (int i = 0; i < events; ++i) {
            const std::uint64_t tag = ready[static_cast<std::size_t>(i)].data.u64;
            if (tag == tag_stop)
                stopping = true;
            else if (tag == tag_wake)
                review_held();
            else if (tag == tag_tun)
                outbound_turn();
            else if (tag == tag_control)
                control_turn();
            else if (tag >= tag_ah)
                ah_turn(parts_.ah[tag - tag_ah]);
            else
                inbound_turn(parts_.carriers[tag]);
        }
        leave_table();
        if (stopping) return;
    }
}

void Worker::enter_table() {
    table_.emplace(parts_.table->enter(parts_.number), static_cast<model::Resource>(parts_.number));
}

void Worker::leave_table() {
    table_.reset();
    parts_.table->leave(parts_.number);
}

// A turn can be long, or held up: what it finds in its sockets may be newer than the table that it began with, as the first packets
// of a child are that was installed meanwhile. False if there is no newer one. No child of the old one is held afterwards.
bool Worker::renew_table() {
    if (parts_.table->is_newest(table_->table())) return false;
    finish_group();
    flush_outbound();
    leave_table();
    enter_table();
    return true;
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
void Worker::forward(const VnetHeader& header, std::uint8_t* packet, std::size_t size) {
    esp::InnerPacket inner;
    const auto way = table_->outbound(packet, size, inner);
    const auto segments = way ? Segmenter::of(header, packet, inner) : std::nullopt;
    if (!segments) return drops_.add(Drop::bad_packet);
    const esp::Child* child = *way != nullptr ? *way : child_of_quoted(packet, inner);
    if (child == nullptr && renew_table()) {
        child = table_->outbound(inner);
        if (child == nullptr) child = child_of_quoted(packet, inner);
    }
    if (child == nullptr) return drops_.add(Drop::no_policy, segments->count());
    if (!child->sa) return meet_policy(*child, header, {packet, size}, inner, segments->count());
    if (child->per_resource && child->resource != parts_.number && parts_.of > 1) wish_for_own(*child);
    protect(header, packet, *child, inner, *segments);
}

// RFC 4301 §6.2: an ICMP error that no policy is for goes the way of the packet that it is about.
const esp::Child* Worker::child_of_quoted(const std::uint8_t* packet, const esp::InnerPacket& inner) const {
    const auto about = esp::quoted_packet(packet, inner);
    const esp::Child* child = about ? table_->outbound(*about) : nullptr;
    // The header of another source does not travel without a tunnel.
    const bool carries = child != nullptr && child->sa && !child->transport;
    return carries && child->icmp_errors != model::IcmpErrors::no ? child : nullptr;
}

// RFC 9611 §4: the packet that wants an SA says whose it is. Seldom: what is refused stays refused for a while.
void Worker::wish_for_own(const esp::Child& child) {
    if (wishes_.size() >= model::limits::resource_wishes) wishes_.clear();
    const auto [wish, fresh] = wishes_.try_emplace(child.id, now_);
    if (!fresh && now_ - wish->second < model::limits::resource_wish_interval) return;
    wish->second = now_;
    tell({.kind = EventKind::resource_wanted, .child = child.id, .resource = static_cast<model::Resource>(parts_.number)}, {},
         Drop::event_queue_full);
}

void Worker::protect(const VnetHeader& header, std::uint8_t* packet, const esp::Child& child,
                     const esp::InnerPacket& inner, const Segmenter& segments) {
    probe_path(child);
    const std::size_t mtu = esp::inner_mtu(child, path_mtu_of(child)), longest = segments.size_of(0);
    const std::size_t promised = std::max(mtu, smallest_mtu(inner.family));
    if (longest > promised && inner.dont_fragment)
        return refuse_too_big(child, packet, inner, promised, segments.count());
    if (opens_tcp(packet, inner))
        clamp_mss(packet, inner, mtu,
                  header.flags & vnet::needs_checksum ? TcpChecksum::left_to_us : TcpChecksum::complete);
    const Outbound outbound{.child = &child, .inner = inner, .outer = outer_header(child, inner, longest <= mtu), .mtu = mtu};
    for (std::size_t i = 0; i < segments.count(); ++i) {
        if (child.sa->ah) {
            send_ah(outbound, segments, i);
            continue;
        }
        if (child.ipcomp.agreed() && send_compressed(outbound, segments, i)) continue;
        if (child.transport) send_payload(outbound, segments, i);
        else send_segment(outbound, segments, i);
    }
}

void Worker::send_segment(const Outbound& packet, const Segmenter& segments, std::size_t number) {
    const esp::Child& child = *packet.child;
    const std::size_t size = segments.size_of(number);
    // RFC 4303 §2.7: octets behind the inner packet, which its header does not count.
    const std::size_t wanted = std::min<std::size_t>(child.tfc_padding, model::limits::tfc_padding_max);
    const std::size_t padded = std::max(size, std::min(wanted, packet.mtu));
    std::uint8_t* const to = room_in_batch(packet, padded, carried_protocol(child, packet.inner));
    if (to == nullptr) return drop(child, Drop::too_large);
    segments.write(number, to);
    std::memset(to + size, 0, padded - size);
}

Worker::IpcompParts& Worker::ipcomp() {
    if (!ipcomp_) ipcomp_ = std::make_unique<IpcompParts>();
    return *ipcomp_;
}

// RFC 3173: each packet for itself. False if it is to go as it is.
bool Worker::send_compressed(const Outbound& packet, const Segmenter& segments, std::size_t number) {
    const esp::Child& child = *packet.child;
    const std::size_t size = segments.size_of(number);
    const auto at = child.transport ? esp::transport_payload(packet.inner) : 0;
    auto& [compression, compressed, opened, used] = ipcomp();
    if (!at || !compression.worth_an_attempt(child, packet.inner, size - *at)) return false;
    segments.write(number, segment_.data());
    const std::size_t smaller = compression.compress(child, packet.inner, ByteView(segment_).subspan(*at, size - *at),
                                                     carried_protocol(child, packet.inner), compressed.data());
    if (smaller == 0) return false;
    std::uint8_t* const to = room_in_batch(packet, smaller, esp::protocol::ipcomp);
    if (to == nullptr) return false;
    std::memcpy(to, compressed.data(), smaller);
    return true;
}

void Worker::send_payload(const Outbound& packet, const Segmenter& segments, std::size_t number) {
    const esp::Child& child = *packet.child;
    const auto at = esp::transport_payload(packet.inner);
    if (!at) return drop(child, Drop::not_transportable);
    const std::size_t size = segments.size_of(number) - *at;
    std::uint8_t* const to = room_in_batch(packet, size, carried_protocol(child, packet.inner));
    if (to == nullptr) return drop(child, Drop::too_large);
    segments.write(number, segment_.data());
    std::memcpy(to, segment_.data() + *at, size);
}

// What is in the batch goes out if the packet cannot join it. Nothing if no batch takes it.
std::uint8_t* Worker::room_in_batch(const Outbound& packet, std::size_t size, std::uint8_t next_header) {
    if (std::uint8_t* const room = batch_.add(*packet.child, packet.outer, size, next_header)) return room;
    flush_outbound();
    return batch_.add(*packet.child, packet.outer, size, next_header);
}

void Worker::drop(const esp::Child& child, Drop why, std::size_t packets) {
    drops_.add(why, packets);
    child.sa->drops.add(why, packets);
}

// ---- policies without an SA ---------------------------------------------------------------------

void Worker::meet_policy(const esp::Child& policy, const VnetHeader& header, ByteView packet,
                         const esp::InnerPacket& inner, std::size_t packets) {
    if (policy.kind != model::PolicyKind::trap) return drops_.add(Drop::policy_drop, packets);
    HeldPackets::Held held{.header = header,
                           .packet = {packet.begin(), packet.end()},
                           .packets = packets,
                           .ends = esp::ends_of(inner),
                           .until = now_ + model::limits::held_packet_life};
    const model::PacketEnds ends = held.ends;
    if (!held_.hold(policy.policy, std::move(held))) drops_.add(Drop::trap_queue_full, packets);
    if (held_.due(policy.policy, now_))
        tell({.kind = EventKind::acquire, .policy = policy.policy, .ends = ends}, {}, Drop::event_queue_full);
}

// Sends what has a child now, ends what has waited for too long or has lost its policy, and asks again for the rest.
void Worker::review_held() {
    std::uint64_t times;
    [[maybe_unused]] const auto cleared = ::read(wake_.number(), &times, sizeof times);
    held_.review([this](HeldPackets::Held& held) {
        const auto inner = esp::parse_inner(held.packet.data(), held.packet.size());
        const esp::Child* child = inner ? table_->outbound(*inner) : nullptr;
        if (child == nullptr || child->sa) {
            forward(held.header, held.packet.data(), held.packet.size());
            return false;
        }
        if (held.until > now_) return true;
        drops_.add(Drop::trap_timeout, held.packets);
        return false;
    });
    flush_outbound();
    held_.each([this](model::PolicyId policy, const HeldPackets::Held& held) {
        if (held_.due(policy, now_))
            tell({.kind = EventKind::acquire, .policy = policy, .ends = held.ends}, {}, Drop::event_queue_full);
    });
}

void Worker::look_again() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.number(), &one, sizeof one);
}

// ---- to the carrier ---------------------------------------------------------------------------------

void Worker::flush_outbound() {
    if (batch_.empty()) return;
    const esp::Child& child = batch_.child();
    std::size_t packets = 0;
    const std::size_t wanted = batch_.count();
    const auto octets = batch_.seal(now_, packets);
    drops_.add(Drop::sequence_exhausted, wanted - packets);
    Carrier* carrier = child.path.tcp() ? nullptr : carrier_for(child);
    std::size_t sent = child.path.tcp() ? send_into_stream(child, octets) : 0;
    if (carrier != nullptr && packets != 0) {
        const std::uint64_t calls = carrier->send_calls();
        const OuterHeader& outer = batch_.outer();
        const Carrier::Sent done = carrier->send(
            {&child.path, outer.traffic_class, outer.dont_fragment, octets, batch_.segment_size()});
        sent = done.packets;
        if (done.too_long) child.sa->out.path_mtu.forget();
        count(statistics_.carrier_sends, carrier->send_calls() - calls);
    }
    if (sent < packets) drop(child, Drop::carrier_refused, packets - sent);
    count(statistics_.packets_out, sent);
    batch_.clear();
}

// In their order; what the queue has no room for is dropped.
std::size_t Worker::send_into_stream(const esp::Child& child, std::span<const std::uint8_t> octets) {
    const Event event{.kind = EventKind::esp_packet, .child = child.id, .path = child.path};
    std::size_t sent = 0;
    for (std::size_t at = 0; at < octets.size(); at += batch_.segment_size())
        sent += to_streams_.push(event, octets.subspan(at, std::min(batch_.segment_size(), octets.size() - at)));
    return sent;
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
    expect(datagrams);
    for (const ReceivedDatagram& datagram : datagrams) take_datagram(carrier, datagram);
    finish_group();
    flush_inbound();
}

void Worker::expect(std::span<const ReceivedDatagram> datagrams) const {
    static_assert(ReceiveBuffers::datagrams <= esp::TableView::expected_max);
    std::array<std::uint32_t, ReceiveBuffers::datagrams> spis;
    std::size_t count = 0;
    for (const ReceivedDatagram& datagram : datagrams) {
        if (const auto spi = esp::spi_of(datagram.data, datagram.size)) spis[count++] = *spi;
    }
    table_->expect(std::span(spis).first(count));
}

// What the control thread has cut out of TCP streams, or found on its port. It lies in a buffer of our own, because it is opened in place and the
// coalescer looks at it until the end of the turn.
void Worker::control_turn() {
    from_control_.clear_signal();
    std::array<ReceivedDatagram, stream_packets_per_turn> datagrams;
    std::size_t used = 0;
    for (ReceivedDatagram& datagram : datagrams) {
        if (stream_buffer_.size() - used < model::limits::datagram_octets) break;
        const auto popped = from_control_.pop();
        if (!popped) break;
        const ByteView packet = popped->datagram;
        std::memcpy(&stream_buffer_[used], packet.data(), packet.size());
        datagram = {&stream_buffer_[used], packet.size(), packet.size(), popped->event.path, 0, 0};
        used += packet.size();
        const bool streamed = datagram.path.tcp();
        if (!streamed && take_other_than_esp(datagram, datagram.data, datagram.size)) continue;
        take_esp(streamed ? CarrierKind::stream : CarrierKind::udp, datagram, datagram.data, datagram.size);
    }
    finish_group();
    flush_inbound();
    if (!from_control_.empty()) from_control_.signal();
}

// RFC 9329 §6.1: a few packets of unknown children are no sign of corruption, many in a row are.
void Worker::note_bad(const model::Path& path, std::size_t packets) {
    std::size_t& bad = bad_packets_[path.stream];
    const bool corrupt = bad < model::limits::tcp_bad_messages && bad + packets >= model::limits::tcp_bad_messages;
    bad += packets;
    if (corrupt) tell({.kind = EventKind::stream_corrupt, .path = path}, {}, Drop::event_queue_full);
    // Streams that are gone leave their numbers behind.
    if (bad_packets_.size() > 2 * model::limits::tcp_streams) bad_packets_.clear();
}

void Worker::take_datagram(const Carrier& carrier, const ReceivedDatagram& datagram) {
    for (std::size_t at = 0; at < datagram.size; at += datagram.segment_size) {
        std::uint8_t* const segment = datagram.data + at;
        const std::size_t size = std::min(datagram.segment_size, datagram.size - at);
        if (carrier.kind() == CarrierKind::udp && take_other_than_esp(datagram, segment, size)) continue;
        take_esp(carrier.kind(), datagram, segment, size);
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

const esp::Child* Worker::inbound_child(std::uint32_t spi) {
    const esp::Child* child = table_->inbound(spi);
    return child == nullptr && renew_table() ? table_->inbound(spi) : child;
}

void Worker::take_esp(CarrierKind carrier, const ReceivedDatagram& datagram, std::uint8_t* esp, std::size_t size) {
    const auto refuse = [&](Drop why) {
        drops_.add(why);
        if (carrier == CarrierKind::stream) note_bad(datagram.path, 1);
    };
    const auto spi = esp::spi_of(esp, size);
    if (!spi) return refuse(Drop::too_short);
    if (*spi < 256) return refuse(Drop::reserved_spi);
    const esp::Child* child = inbound_child(*spi);
    if (child == nullptr || child->sa->ah) return refuse(Drop::unknown_spi);
    const bool joins = group_.child == child && group_.carrier == carrier && group_.path->stream == datagram.path.stream &&
                       group_.path->remote == datagram.path.remote && group_.count < group_packets_max;
    if (group_.count != 0 && !joins) finish_group();
    group_.child = child;
    group_.path = &datagram.path;
    group_.carrier = carrier;
    group_.fragment_octets = std::max(group_.fragment_octets, datagram.fragment_octets);
    if (datagram.fragment_octets == 0) group_.esp_octets = std::max(group_.esp_octets, size);
    group_.packets[group_.count++].replace(esp, size, datagram.traffic_class);
}

void Worker::finish_group() {
    if (group_.count == 0) return;
    const auto packets = std::span(group_.packets).first(group_.count);
    const std::size_t authentic = esp::decapsulate(*group_.child, packets, now_);
    for (const esp::InboundPacket& packet : packets) deliver(*group_.child, packet);
    if (authentic != 0) tell_about(group_);
    if (group_.carrier == CarrierKind::stream && authentic == 0) note_bad(*group_.path, group_.count);
    if (group_.carrier == CarrierKind::stream && authentic != 0) bad_packets_.erase(group_.path->stream);
    group_.count = 0;
    group_.fragment_octets = 0;
    group_.esp_octets = 0;
}

void Worker::deliver(const esp::Child& child, const esp::InboundPacket& packet) {
    if (packet.drop != Drop::none) {
        drops_.add(packet.drop);
        if (packet.drop == Drop::selector_mismatch) report_violation(child, {packet.data(), packet.inner.size});
    } else if (esp::is_compressed(child, packet)) {
        deliver_compressed(child, packet);
    } else if (child.transport) {
        deliver_transport(child, packet);
    } else {
        hand_over(child, packet.data(), packet.inner);
    }
}

void Worker::hand_over(const esp::Child& child, std::uint8_t* packet, const esp::InnerPacket& inner) {
    if (opens_tcp(packet, inner)) clamp_mss(packet, inner, esp::inner_mtu(child, path_mtu_of(child)), TcpChecksum::complete);
    coalescer_.add(packet, inner);
}

void Worker::deliver_compressed(const esp::Child& child, esp::InboundPacket packet) {
    auto& [compression, compressed, opened, used] = ipcomp();
    if (opened.size() - used < model::limits::decompressed_octets_max) flush_inbound();
    packet.drop = compression.decompress(child, packet, &opened[used]);
    if (packet.drop != Drop::none) child.sa->drops.add(packet.drop);
    else used += packet.payload_size;
    deliver(child, packet);
}

void Worker::flush_inbound() {
    coalescer_.flush();
    if (ipcomp_) ipcomp_->opened_octets = 0;
}

// A packet with a new header lies elsewhere, for itself: what came before it goes first.
void Worker::deliver_transport(const esp::Child& child, const esp::InboundPacket& packet) {
    esp::InnerPacket inner;
    const Drop why = esp::rebuild(child, packet, segment_.data(), inner);
    if (why != Drop::none) {
        drop(child, why);
        if (why == Drop::selector_mismatch) report_violation(child, {segment_.data(), inner.size});
        return;
    }
    flush_inbound();
    hand_over(child, segment_.data(), inner);
    flush_inbound();
}

// RFC 7296 §3.10.1: the peer may be told. Seldom: one look at the packet is enough.
void Worker::report_violation(const esp::Child& child, ByteView packet) {
    esp::SaRuntime& sa = *child.sa;
    {
        const esp::SpinLock::Guard lock(sa.in.lock);
        if (sa.told_violation != Instant{} && now_ - sa.told_violation < model::limits::invalid_selectors_pause) return;
        sa.told_violation = now_;
    }
    tell({.kind = EventKind::selectors_violated, .child = child.id},
         packet.first(std::min(packet.size(), model::limits::invalid_selectors_octets)), Drop::event_queue_full);
}

void Worker::tell_about(const Group& group) {
    const esp::Child& child = *group.child;
    esp::SaRuntime& sa = *child.sa;
    if (group.carrier != CarrierKind::stream) learn_path_mtu(group);
    if (!sa.told_inbound_seen.load(std::memory_order_relaxed))
        sa.told_inbound_seen = tell({.kind = EventKind::inbound_seen, .child = child.id}, {}, Drop::event_queue_full);
    const bool in_stream = group.carrier == CarrierKind::stream && child.path.tcp();
    const bool in_udp = group.carrier == CarrierKind::udp && child.udp_encapsulation;
    const bool elsewhere = in_stream ? group.path->stream != child.path.stream : group.path->remote != child.path.remote;
    if (!(in_stream || in_udp) || !elsewhere) return;
    // RFC 7296 §2.23: a peer behind a NAT is followed to where its newest authentic packet came from.
    bool newest = false;
    for (const auto& packet : std::span(group.packets).first(group.count)) newest |= packet.newest;
    {
        const esp::SpinLock::Guard lock(sa.in.lock);
        if (!newest || group.path->remote == sa.told_remote) return;
        sa.told_remote = group.path->remote;
    }
    if (tell({.kind = EventKind::peer_moved, .child = child.id, .path = *group.path}, {}, Drop::event_queue_full)) return;
    const esp::SpinLock::Guard lock(sa.in.lock);
    sa.told_remote = {};  // the next packet says it again
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
