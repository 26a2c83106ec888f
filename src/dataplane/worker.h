// One thread that moves packets: waits for the device and the carriers, and works on what is there.
// Never waits for more packets to come: an idle link has no batching delay.
//
//   TUN ─► read ─► Segmenter ─► policy ─► OutboundBatch ─► seal ─► Carrier::send
//                                  └─► a trap: HeldPackets, until the table has a child for them
//   TUN ◄─ Coalescer ◄─ selectors ◄─ open ◄─ by SPI ◄─ Carrier::receive
//                                                    └─► IKE, moved peers ─► EventQueue
//
// TCP streams (RFC 9329) and the IkePort belong to the control thread: ESP packets there come and go through two more queues.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "dataplane/ah_port.h"
#include "dataplane/carrier.h"
#include "dataplane/coalescer.h"
#include "dataplane/event_queue.h"
#include "dataplane/held_packets.h"
#include "dataplane/kernel_path_mtu.h"
#include "dataplane/outbound_batch.h"
#include "dataplane/segmenter.h"
#include "dataplane/too_big.h"
#include "dataplane/userspace_backend.h"
#include "esp/decapsulate.h"
#include "esp/ipcomp.h"
#include "esp/published.h"
#include "esp/table_view.h"
#include "esp/transport_mode.h"

namespace cygnet::dataplane {

struct WorkerParts {
    std::size_t number;  // as a reader of the table
    std::size_t of;      // so many workers
    int tun;
    TunOffload offload;
    std::uint32_t mark;  // of the carriers
    std::vector<Carrier> carriers;
    std::span<const AhPort> ah;  // shared by all workers; the first receives
    esp::Published<esp::ForwardingTable>* table;
    std::function<Instant()> now;
};

// RFC 8200 §5: IPv6 takes this much everywhere, be it in fragments of what carries it. RFC 791 has less, in practice nobody.
std::size_t smallest_mtu(model::Family family);

class Worker final : private PacketSink {
public:
    explicit Worker(WorkerParts parts);
    ~Worker() override;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Runs until stop(), which another thread calls.
    void run();
    void stop();
    // The table has changed: packets that were held may have a child now. Another thread calls it.
    void look_again();

    EventQueue& events() { return events_; }
    EventQueue& to_streams() { return to_streams_; }      // read by the control thread
    EventQueue& from_control() { return from_control_; }  // written by it
    const esp::DropCounters& drops() const { return drops_; }
    WorkerStatistics statistics() const;

private:
    static constexpr std::size_t super_packet_octets_max = 65535;
    static constexpr std::size_t event_octets = 1 << 20;
    static constexpr std::size_t tun_reads_per_turn = 8;
    static constexpr std::size_t stream_packets_per_turn = 64;
    static constexpr std::size_t stream_octets_per_turn = 256 * 1024;
    // Groups of one SA, as long as decapsulation takes at once.
    static constexpr std::size_t group_packets_max = model::limits::batch_packets;

    struct Group {
        const esp::Child* child = nullptr;
        const model::Path* path = nullptr;
        CarrierKind carrier = CarrierKind::udp;
        std::uint32_t fragment_octets = 0;  // of the longest IP fragment, if packets came in fragments
        std::size_t esp_octets = 0;         // of the longest that came in one piece
        std::size_t count = 0;
        std::array<esp::InboundPacket, group_packets_max> packets;
    };
    // Read by anyone, written by this thread alone.
    struct Statistics {
        std::atomic<std::uint64_t> tun_reads{0}, tun_writes{0}, carrier_receives{0}, carrier_sends{0}, waits{0},
            packets_in{0}, packets_out{0};
    };

    void watch(int fd, std::uint64_t tag);
    void enter_table();
    void leave_table();
    bool renew_table();
    void outbound_turn();
    // What the packets of one super-packet have in common on their way out.
    struct Outbound {
        const esp::Child* child;
        esp::InnerPacket inner;
        OuterHeader outer;
        std::size_t mtu;
    };
    void forward(const VnetHeader& header, std::uint8_t* packet, std::size_t size);
    const esp::Child* child_of_quoted(const std::uint8_t* packet, const esp::InnerPacket& inner) const;
    void wish_for_own(const esp::Child& child);
    void protect(const VnetHeader& header, std::uint8_t* packet, const esp::Child& child, const esp::InnerPacket& inner,
                 const Segmenter& segments);
    void send_segment(const Outbound& packet, const Segmenter& segments, std::size_t number);
    bool send_compressed(const Outbound& packet, const Segmenter& segments, std::size_t number);
    void send_payload(const Outbound& packet, const Segmenter& segments, std::size_t number);
    const AhPort* ah_port(model::Family family) const;
    void send_ah(const Outbound& packet, const Segmenter& segments, std::size_t number);
    void ah_turn(const AhPort& port);
    void take_ah(MutableByteView packet);
    // Counts it in total and for the child.
    void drop(const esp::Child& child, esp::Drop why, std::size_t packets = 1);
    std::uint32_t path_mtu_of(const esp::Child& child);
    void probe_path(const esp::Child& child);
    void refuse_too_big(const esp::Child& child, const std::uint8_t* packet, const esp::InnerPacket& inner,
                        std::size_t mtu, std::size_t packets);
    void meet_policy(const esp::Child& policy, const VnetHeader& header, ByteView packet, const esp::InnerPacket& inner,
                     std::size_t packets);
    void review_held();
    std::uint8_t* room_in_batch(const Outbound& packet, std::size_t size, std::uint8_t next_header);
    void flush_outbound();
    Carrier* carrier_for(const esp::Child& child);

    void inbound_turn(Carrier& carrier);
    void control_turn();
    void note_bad(const model::Path& path, std::size_t packets);
    std::size_t send_into_stream(const esp::Child& child, std::span<const std::uint8_t> octets);
    void expect(std::span<const ReceivedDatagram> datagrams) const;
    void take_datagram(const Carrier& carrier, const ReceivedDatagram& datagram);
    bool take_other_than_esp(const ReceivedDatagram& datagram, std::uint8_t* segment, std::size_t size);
    const esp::Child* inbound_child(std::uint32_t spi);
    void take_esp(CarrierKind carrier, const ReceivedDatagram& datagram, std::uint8_t* esp, std::size_t size);
    void finish_group();
    void deliver(const esp::Child& child, const esp::InboundPacket& packet);
    void deliver_compressed(const esp::Child& child, esp::InboundPacket packet);
    void hand_over(const esp::Child& child, std::uint8_t* packet, const esp::InnerPacket& inner);
    void deliver_transport(const esp::Child& child, const esp::InboundPacket& packet);
    void report_violation(const esp::Child& child, ByteView packet);
    void tell_about(const Group& group);
    void learn_path_mtu(const Group& group);
    bool tell(const Event& event, ByteView datagram, esp::Drop when_full);
    void write(std::span<const iovec> pieces, std::size_t packets) override;

    // Of a worker that has met a child with compression. Packets that were opened lie side by side until the coalescer has
    // passed them on.
    struct IpcompParts {
        esp::Compression compression{};
        std::vector<std::uint8_t> compressed = std::vector<std::uint8_t>(super_packet_octets_max);
        std::vector<std::uint8_t> opened = std::vector<std::uint8_t>(4 * model::limits::decompressed_octets_max);
        std::size_t opened_octets = 0;
    };
    IpcompParts& ipcomp();
    void flush_inbound();

    WorkerParts parts_;
    os::Fd epoll_, stop_, wake_;
    std::optional<esp::TableView> table_;  // while in a turn
    Instant now_{};                                // of this turn
    std::vector<std::uint8_t> tun_buffer_;
    std::vector<std::uint8_t> segment_;  // whole, of which transport mode sends a part; or rebuilt from one
    std::vector<std::uint8_t> ah_buffer_;
    std::uint16_t ah_identification_ = 0;
    HeldPackets held_;
    std::map<model::ChildId, Instant> wishes_;  // for an SA of this worker beside a child, and when they were told
    KernelPathMtu kernel_path_mtu_;
    IcmpBudget icmp_budget_;
    OutboundBatch batch_;
    ReceiveBuffers receive_buffers_;
    Group group_;
    Coalescer coalescer_;
    std::unique_ptr<IpcompParts> ipcomp_;
    EventQueue events_{event_octets}, to_streams_{event_octets}, from_control_{event_octets};
    std::vector<std::uint8_t> stream_buffer_;
    std::map<model::StreamId, std::size_t> bad_packets_;  // in a row
    esp::DropCounters drops_;
    Statistics statistics_;
};

}  // namespace cygnet::dataplane
