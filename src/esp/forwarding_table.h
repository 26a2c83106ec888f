// The SAD and SPD that workers read: an immutable snapshot. The control thread derives the next one and
// publishes it (published.h); what a worker holds stays valid until it lets go.
#pragma once

#include "esp/policy_table.h"

namespace cygnet::esp {

// An inbound SA's name in a packet.
struct SpiKey {
    std::uint32_t spi = 0;
    bool operator==(const SpiKey&) const = default;
};
inline std::uint64_t hash_of(const SpiKey& key) { return mix(key.spi); }

class ForwardingTable {
public:
    ForwardingTable() = default;

    const Child* inbound(std::uint32_t spi) const {
        const ChildPointer* child = inbound_.find({spi});
        return child != nullptr ? child->get() : nullptr;
    }
    const Child* outbound(const InnerPacket& packet, model::Resource worker = model::every_resource) const {
        return outbound_.find(packet, worker);
    }

    // Copies that differ in one child and one direction.
    ForwardingTable with_inbound(const ChildPointer& child) const {
        return {inbound_.with({child->sa->in.spi}, child), outbound_};
    }
    ForwardingTable without_inbound(const Child& child) const { return {inbound_.without({child.sa->in.spi}), outbound_}; }
    ForwardingTable with_outbound(const ChildPointer& child, std::uint64_t order) const {
        return {inbound_, outbound_.with(child, order)};
    }
    ForwardingTable without_outbound(const Child& child) const { return {inbound_, outbound_.without(child)}; }

private:
    using Inbound = SnapshotMap<SpiKey, ChildPointer>;
    ForwardingTable(Inbound inbound, PolicyTable outbound) : inbound_(std::move(inbound)), outbound_(std::move(outbound)) {}

    Inbound inbound_;
    PolicyTable outbound_;
};

}  // namespace cygnet::esp
