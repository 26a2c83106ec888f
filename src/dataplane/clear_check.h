// Packets that arrive in the clear although a policy protects or discards them (RFC 4301 §5.2 step 3): a table of our own in the
// kernel's packet filter drops and counts them. What the tunnel device brings, what our own sockets get, ESP and what a
// policy passes goes on.
//
// A policy is pairs of prefixes, with or without a protocol and ports. Pairs of the same lengths have the same shape: one
// set in the kernel, and one look-up for each packet, whatever their number.
//
//   input, forward ─► from the tunnel: accept ─► each shape: in its set? ─► passed by a policy, or ours: accept ─► count, drop
#pragma once

#include <map>
#include <vector>

#include "dataplane/icmp_types.h"
#include "dataplane/packet_filter.h"
#include "dataplane/xfrm/values.h"
#include "model/selector.h"

namespace cygnet::dataplane {

struct ClearCheckSettings {
    std::string table = "cygnet";
    unsigned device = 0;          // whose packets were protected
    std::uint32_t mark = 0;       // of our own sockets
    std::vector<std::uint16_t> ports{};  // of IKE and ESP in UDP here
    // RFC 4301 §6.1.1: of unauthenticated messages about our ESP, AH and IKE packets, those that nobody here shall believe.
    std::vector<IcmpError> refused{};
};

class ClearCheck {
public:
    enum class Verdict : std::uint8_t { refuse, pass };

    struct Counts {
        std::uint64_t unprotected = 0, icmp_refused = 0;
    };

    // Errors: unsupported, where the kernel or the container has no packet filter for us.
    static Result<ClearCheck> open(ClearCheckSettings settings);

    // Policies for packets from `remote` to `local`. Counted: the same may be asked for twice. `pass` goes before `refuse`, as
    // on the way out. Ports that are OPAQUE, and ICMP types that the kernel cannot compare, are left out. Errors: limit,
    // system; then nothing has changed.
    Result<> add(Verdict verdict, const model::TrafficSelectors& local, const model::TrafficSelectors& remote);
    void remove(Verdict verdict, const model::TrafficSelectors& local, const model::TrafficSelectors& remote);

    Counts counts() const;

private:
    struct Shape {
        Verdict verdict{};
        model::Family family{};
        std::uint8_t remote_bits = 0, local_bits = 0;
        std::uint8_t protocol = 0;  // 0: any; icmp and ipv6-icmp have types instead of ports; else the least, for all others
        std::uint16_t remote_port_mask = 0, local_port_mask = 0;
        auto operator<=>(const Shape&) const = default;
    };
    struct Entry {
        Shape shape{};
        Bytes key{};
    };
    struct Set {
        std::string name;
        std::map<Bytes, unsigned> users{};  // of each key
    };

    ClearCheck(ClearCheckSettings settings, filter::PacketFilter kernel);
    static std::vector<Entry> entries_of(Verdict verdict, const std::vector<xfrm::Selector>& selectors);
    filter::Batch whole_table() const;
    void add_chains(filter::Batch& batch) const;
    void add_icmp_rules(filter::Batch& batch) const;
    static void add_shape(filter::Batch& batch, const Shape& shape, const Set& set);
    Result<> commit(const filter::Batch& batch);
    Result<> rebuild();
    void forget_unused_shapes();

    ClearCheckSettings settings_;
    mutable filter::PacketFilter kernel_;
    bool owned_ = true;
    std::map<Shape, Set> sets_;
    unsigned names_ = 0;
    Counts lost_{};  // counted by tables before this one
};

}  // namespace cygnet::dataplane
