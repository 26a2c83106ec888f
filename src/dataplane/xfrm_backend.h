// The kernel's ESP (XFRM) behind the port of the data plane: states and policies over netlink, its events as ours.
//
//   install ► two states, policies in and forward, and out when it is active      acquire ► a trap's packet
//   activate ► policies out                                                       soft expire ► limit_reached, inbound_seen
//   remove ► policies out, the state out; after the grace those in                mapping ► peer_moved
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "dataplane/clear_check.h"
#include "dataplane/backend.h"
#include "dataplane/routes.h"
#include "dataplane/xfrm/claims.h"
#include "dataplane/ike_port.h"
#include "dataplane/xfrm/kernel.h"

namespace cygnet::dataplane {

struct XfrmConfig {
    std::uint16_t port = 4500;
    // Routes to remote selectors, in a table of our own that packets with the mark do not look into: as UserspaceConfig.
    // ESP packets bear the mark, unless the child's set_mark_out says another, and so do the daemon's own.
    std::uint32_t routing_table = 4500, rule_priority = 4500, mark = 4500;
    std::uint16_t ike_port = 500;  // of the daemon's other sockets
    std::vector<IcmpError> refused_icmp{};         // of unauthenticated messages about our packets (RFC 4301 §6.1.1)
    std::function<Instant()> now{};               // the daemon's monotonic clock
    std::function<std::int64_t()> unix_seconds{};  // of now, by which the kernel tells when a state was used
};

// Owned and called by the control thread.
class XfrmBackend final : public HostBackend {
public:
    // The kernel's own, with the NAT-T port. Errors: unsupported, when it has no ESP; system, with what to do.
    static Result<std::unique_ptr<XfrmBackend>> open(const XfrmConfig& config, BackendEvents events);
    // Over another kernel, without the port: for tests.
    XfrmBackend(std::unique_ptr<xfrm::Kernel> kernel, const XfrmConfig& config, BackendEvents events);
    ~XfrmBackend() override;

    Result<> install(model::ChildSaSpec spec) override;
    void activate(model::ChildId child, model::Resource) override;
    void remove(model::ChildId child, Duration grace) override;
    void move(model::ChildId child, const model::Path& path, bool udp_encapsulation) override;
    Result<> install_policy(const model::PolicySpec& spec) override;
    void remove_policy(model::PolicyId policy) override;
    void skip_sequence_numbers(model::ChildId child, std::uint64_t count) override;
    std::optional<model::ChildUsage> usage(model::ChildId child) const override;
    model::PacketDrops packet_drops() const override;
    model::PacketDrops packet_drops(model::ChildId) const override { return {}; }  // the kernel counts them together
    model::Resource resources() const override { return 1; }
    bool can(const model::Transform& transform) const override;
    bool can_compress() const override;
    std::string description() const override;

    int event_fd() const override { return epoll_.number(); }
    void dispatch_events() override;
    IkePort& ike_port() override { return *port_; }
    void take_packet(const model::Path&, ByteView) override {}  // the kernel takes its own
    Result<> add_address(const model::IpAddress& address) override;
    Result<> remove_address(const model::IpAddress& address) override;
    Result<> exempt_from_tunnel(int socket) const override;
    unsigned device() const override { return 0; }
    std::uint32_t mark() const override { return config_.mark; }

private:
    // What a state had counted when the kernel ended it.
    struct Counted {
        std::uint64_t bytes = 0, packets = 0;
    };
    // Children of the same selectors are one to the kernel's policies: they share a number, the reqid.
    struct Group {
        model::TrafficSelectors local, remote;
        model::ChildMode mode;
        auto operator<=>(const Group&) const = default;
    };
    struct Reqid {
        std::uint32_t number = 0;
        unsigned users = 0;
    };
    struct Child {
        model::Path path{};
        bool udp_encapsulation = false;
        model::ChildMode mode = model::ChildMode::tunnel;
        std::uint32_t reqid = 0;
        std::optional<Group> group{};  // whose reqid it is, unless it was given
        std::vector<xfrm::Selector> selectors{};  // of what goes out
        model::TrafficSelectors local{}, remote{};
        bool routed = false;
        model::KernelOptions options{};
        unsigned device = 0;  // that does ESP, if one is asked to
        xfrm::StateId in{}, out{};
        std::optional<xfrm::StateId> compressed_in{}, compressed_out{};  // of IPComp (RFC 3173): both or none
        bool has_in = false, has_out = false;  // they are in the kernel, by us
        std::optional<Counted> ended_in{}, ended_out{};
        Counted carried_in{}, carried_out{};  // of the states that they had before they moved
        std::uint64_t order = 0;  // of its activation; 0: not active
        bool draining = false;    // removed, in its grace
    };
    struct Policy {
        model::PolicyKind kind = model::PolicyKind::trap;
        std::uint32_t reqid = 0;
        std::vector<xfrm::Selector> selectors{};
        model::TrafficSelectors remote{};
        bool routed = false;
        model::KernelOptions options{};
    };

    Result<> probe();
    void remove_leftovers();
    xfrm::PolicyName name_of(xfrm::Direction direction, const xfrm::Selector& outbound, const model::KernelOptions& options) const;
    xfrm::PolicyAction action_of(const Child& child, xfrm::Direction direction, const xfrm::Selector& outbound) const;
    Result<> claim(model::ChildId id, const Child& child, xfrm::Direction direction);
    void withdraw(const xfrm::Owner& owner, xfrm::Direction direction, const std::vector<xfrm::Selector>& selectors,
                  const model::KernelOptions& options);
    // In, and what is forwarded from there.
    Result<> claim_inbound(model::ChildId id, const Child& child);
    void forget(std::map<model::ChildId, Child>::iterator child);
    void end_graces();
    void set_timer();
    void move_inbound(const Child& before, Child& after);
    bool migrate_inbound(const Child& before, const Child& after, Counted& now);
    void move_outbound(const Child& before, Child& after);
    void replace(const xfrm::StateId& old, xfrm::State& state, const Child& child, bool inbound);
    void remember_states(model::ChildId id, const Child& child);
    void forget_states(const Child& child);
    std::expected<xfrm::State, xfrm::Refusal> read(const xfrm::StateId& id) const;
    Result<> open_routes();
    // Through the device that leads to `towards`; false where nothing leads there.
    bool route(const model::TrafficSelectors& local, const model::TrafficSelectors& remote, const model::IpAddress& towards);
    void choose_reqid(const model::ChildSaSpec& spec, Child& child);
    Result<> add(xfrm::State& state, model::HwOffload wish);
    void release_reqid(const Child& child);
    // xfrm_backend_compression.cc: what a child has of IPComp, inside of its ESP.
    Result<> add_compression(const model::ChildSaSpec& spec, xfrm::State& in, xfrm::State& out, Child& child);
    void move_compression(const xfrm::StateId& old, std::optional<xfrm::StateId>& id, const Child& child, bool inbound);
    void remove_compression(const std::optional<xfrm::StateId>& id);
    std::optional<xfrm::Template> compression_of(const Child& child, const xfrm::Template& protect, xfrm::Direction direction) const;
    std::optional<xfrm::State> counted(const xfrm::StateId& id, const std::optional<Counted>& ended) const;

    void take(const xfrm::Acquire& event);
    void take(const xfrm::Expire& event);
    void take(const xfrm::Mapping& event);

    std::unique_ptr<xfrm::Kernel> kernel_;
    XfrmConfig config_;
    BackendEvents events_;
    std::optional<IkePort> port_{};
    std::optional<ClearCheck> icmp_check_{};  // of ICMP alone: what is in the clear the kernel's policies see to
    xfrm::Claims claims_;
    std::optional<Netlink> netlink_{};
    std::optional<Routes> routes_{};
    os::Fd epoll_, timer_;
    std::map<model::ChildId, Child> children_{};
    std::map<std::uint32_t, model::ChildId> by_spi_in_{};
    std::map<xfrm::StateId, model::ChildId> by_state_{};
    std::map<model::PolicyId, Policy> policies_{};
    std::map<Group, Reqid> reqids_{};
    std::uint32_t next_reqid_;
    std::multimap<Instant, model::ChildId> graces_{};
    std::uint64_t activations_ = 1;  // an inactive child's policies come before those of no child
    mutable std::map<std::pair<std::uint32_t, std::uint16_t>, bool> known_{};  // transforms that were tried
    mutable std::optional<bool> compresses_{};
};

}  // namespace cygnet::dataplane
