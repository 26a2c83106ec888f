// Cygnet's own ESP: a TUN device on one side, UDP (RFC 3948) and protocol 50 on the other.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/backend.h"
#include "dataplane/icmp_types.h"
#include "esp/drop.h"

namespace cygnet::dataplane {

inline constexpr std::size_t workers_max = 32;

struct UserspaceConfig {
    std::string device = "cygnet0";  // TUN device, made at start and gone at the end
    std::uint16_t port = 4500;       // UDP port of ESP and IKE (RFC 3948), bound on all addresses
    unsigned mtu = 1500;             // of the device, in octets; what fits each child's path is seen to apart
    bool raw_esp = true;             // also receive and send IP protocol 50
    bool install_routes = true;      // routes to remote selectors, in a table of our own
    std::uint32_t routing_table = 4500;
    std::uint32_t rule_priority = 4500;
    // SO_MARK of every socket whose packets must not enter the tunnel: ours here, and the daemon's IKE
    // sockets (exempt_from_tunnel). The routing rule leads all packets without it into the table above.
    std::uint32_t mark = 4500;
    bool check_clear = true;         // drop what arrives in the clear though a policy protects it, where the kernel lets us
    std::uint16_t ike_port = 500;    // of the daemon's other sockets
    std::vector<IcmpError> refused_icmp{};  // of unauthenticated messages about our packets (RFC 4301 §6.1.1)
    std::size_t workers = 0;  // threads; 0: one for each core, workers_max at most
    bool offload = true;  // super-packets on both sides; off only for tests and comparisons
    // The daemon's monotonic clock, for ChildUsage; called by workers, so it must be thread-safe.
    std::function<Instant()> now;
};

// What the workers did: one system call each in the first group.
struct WorkerStatistics {
    std::uint64_t tun_reads = 0, tun_writes = 0;
    std::uint64_t carrier_receives = 0, carrier_sends = 0;  // recvmmsg, sendmsg and sendmmsg calls
    std::uint64_t waits = 0;                                // epoll_wait calls
    std::uint64_t packets_in = 0, packets_out = 0;          // inner packets

    WorkerStatistics& operator+=(const WorkerStatistics& other) {
        tun_reads += other.tun_reads;
        tun_writes += other.tun_writes;
        carrier_receives += other.carrier_receives;
        carrier_sends += other.carrier_sends;
        waits += other.waits;
        packets_in += other.packets_in;
        packets_out += other.packets_out;
        return *this;
    }
};

// Owned by the control thread, which alone calls it; workers run inside.
class UserspaceBackend final : public HostBackend {
public:
    // Makes the device, the sockets, the routing rule and the workers. Needs CAP_NET_ADMIN (and
    // CAP_NET_RAW for protocol 50). Errors: system, with what to do in `detail`.
    static Result<std::unique_ptr<UserspaceBackend>> open(UserspaceConfig config, BackendEvents events);
    ~UserspaceBackend() override;

    Result<> install(model::ChildSaSpec spec) override;
    void activate(model::ChildId child, model::Resource resource) override;
    void remove(model::ChildId child, Duration grace) override;
    void move(model::ChildId child, const model::Path& path, bool udp_encapsulation) override;
    Result<> install_policy(const model::PolicySpec& spec) override;
    void remove_policy(model::PolicyId policy) override;
    void skip_sequence_numbers(model::ChildId child, std::uint64_t count) override;
    std::optional<model::ChildUsage> usage(model::ChildId child) const override;
    model::PacketDrops packet_drops() const override;
    model::PacketDrops packet_drops(model::ChildId child) const override;
    model::Resource resources() const override;
    // What this build has not is refused when the configuration is read.
    bool can(const model::Transform&) const override { return true; }
    bool can_compress() const override { return true; }

    // Readable when dispatch_events() has something to do; poll it, never read it.
    int event_fd() const override;
    // Calls BackendEvents for what the workers queued (a bounded number per call: the descriptor
    // stays readable when more is left) and ends the grace of removed children. Never blocks.
    void dispatch_events() override;

    IkePort& ike_port() override;
    // Dropped when too many wait.
    void take_packet(const model::Path& path, ByteView packet) override;

    // Virtual addresses of our own, on the TUN device (CP, RFC 7296 §2.19).
    Result<> add_address(const model::IpAddress& address) override;
    Result<> remove_address(const model::IpAddress& address) override;

    // Marks a socket of the daemon (IKE on port 500), so that its packets never enter the tunnel.
    Result<> exempt_from_tunnel(int socket) const override;

    unsigned device() const override;      // index of the TUN device
    std::uint32_t mark() const override;   // of packets that must not enter the tunnel

    esp::DropCounts drops() const;                                     // all workers
    std::optional<esp::DropCounts> drops(model::ChildId child) const;  // one child SA
    WorkerStatistics statistics() const;
    std::string description() const override;  // "TUN cygnet0, TSO and USO, UDP segmentation, …" for the log

    struct Impl;

private:
    explicit UserspaceBackend(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace cygnet::dataplane
