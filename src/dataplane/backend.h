// The port through which child SAs reach a data plane. The protocol core cannot tell which one it is:
// Cygnet's own ESP in userspace, the kernel's XFRM, or the simulator's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/instant.h"
#include "base/result.h"
#include "dataplane/ike_port.h"
#include "model/packet_drops.h"
#include "model/proposal.h"
#include "model/sa_spec.h"

namespace cygnet::dataplane {

// What a backend tells its owner; called on the control thread.
struct BackendEvents {
    // The first authentic packet on a child whose outbound half is inactive.
    std::function<void(model::ChildId)> inbound_seen;
    // An authentic ESP-in-UDP packet came from another address or port than the child's path, or one in another TCP stream.
    std::function<void(model::ChildId, const model::Path&)> peer_moved;
    // A packet met a trap and waits.
    std::function<void(model::PolicyId, const model::PacketEnds&)> acquire;
    // A worker sends through a child that others use as well, and may have one of its own (RFC 9611).
    std::function<void(model::ChildId, model::Resource)> resource_wanted;
    // An authentic packet was dropped because it is outside the child's selectors; its first octets.
    std::function<void(model::ChildId, ByteView)> selectors_violated;
    // A child has used up one of its limits: its usage() says how much.
    std::function<void(model::ChildId)> limit_reached;
    // An IKE message that came among ESP packets of its sender's and not to the IkePort (non-ESP marker already removed).
    std::function<void(const model::Path&, ByteView)> ike_datagram;
    // An ESP packet of a child whose path is a TCP stream (RFC 9329). False: the stream takes no more now.
    std::function<bool(model::StreamId, ByteView)> stream_packet;
    // A stream brought too many packets in a row that belong to no child or are not authentic.
    std::function<void(model::StreamId)> stream_corrupt;
};

class ChildBackend {
public:
    virtual ~ChildBackend() = default;
    virtual Result<> install(model::ChildSaSpec spec) = 0;
    // Outbound packets of `resource` use it from now on.
    virtual void activate(model::ChildId child, model::Resource resource) = 0;
    virtual void remove(model::ChildId child, Duration grace) = 0;
    virtual void move(model::ChildId child, const model::Path& path, bool udp_encapsulation) = 0;
    virtual Result<> install_policy(const model::PolicySpec& spec) = 0;
    virtual void remove_policy(model::PolicyId policy) = 0;
    // So many sequence numbers of outbound packets are never used.
    virtual void skip_sequence_numbers(model::ChildId child, std::uint64_t count) = 0;
    virtual std::optional<model::ChildUsage> usage(model::ChildId child) const = 0;
    virtual model::PacketDrops packet_drops() const = 0;  // of all children together, and of strangers' packets
    // Of one child; none where the data plane does not tell them apart.
    virtual model::PacketDrops packet_drops(model::ChildId child) const = 0;
    // Workers that can have child SAs of their own; 1: all share them.
    virtual model::Resource resources() const = 0;
    // Whether it has a cipher or an integrity algorithm, by its transform.
    virtual bool can(const model::Transform& transform) const = 0;
    virtual bool can_compress() const = 0;  // with DEFLATE (RFC 3173)
    virtual std::string description() const = 0;  // for the log and for operators
};

// A data plane of this host, with the NAT-T port that IKE and ESP share.
class HostBackend : public ChildBackend {
public:
    // Readable when dispatch_events() has something to do; poll it, never read it.
    virtual int event_fd() const = 0;
    // Calls BackendEvents for a bounded number of what happened. Never blocks.
    virtual void dispatch_events() = 0;

    virtual IkePort& ike_port() = 0;
    // An ESP packet that came in a TCP stream, or to the IkePort.
    virtual void take_packet(const model::Path& path, ByteView packet) = 0;

    // Virtual addresses of our own (CP, RFC 7296 §2.19).
    virtual Result<> add_address(const model::IpAddress& address) = 0;
    virtual Result<> remove_address(const model::IpAddress& address) = 0;

    // The packets of a socket of the daemon never enter the tunnels.
    virtual Result<> exempt_from_tunnel(int socket) const = 0;

    virtual unsigned device() const = 0;      // index of a device whose addresses and routes are ours alone; 0: none
    virtual std::uint32_t mark() const = 0;   // of packets that must not enter the tunnels
};

}  // namespace cygnet::dataplane
