// Which child an outbound packet takes: an ordered SPD (RFC 4301 §4.4.1) made of the children's selectors.
//
// The order, from first to last:
//   1. the longest prefix of the remote address, as a routing table does;
//   2. a selector with ports, then one with a protocol, then any;
//   3. the longest prefix of the local address;
//   4. the worker's own child, then one of all workers (RFC 9611); one of another worker only where nothing else but a policy
//      without an SA is;
//   5. the child that was activated last (RFC 7296 §2.8: a rekeyed SA replaces the old one); policies without an SA,
//      whose order is 0, come after all children.
//
// Remote ranges are cut into prefixes; prefixes lie in one hash map. A look-up probes the prefix lengths
// that are in use, longest first: one or two probes in practice, whatever the number of children.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "esp/child.h"
#include "esp/snapshot_map.h"

namespace cygnet::esp {

struct PrefixKey {
    AddressKey address;
    model::Family family = model::Family::v4;
    std::uint8_t bits = 0;
    bool operator==(const PrefixKey&) const = default;
};
inline std::uint64_t hash_of(const PrefixKey& key) {
    const auto kind = static_cast<std::uint64_t>(key.bits) * 2 + static_cast<unsigned>(key.family);
    return mix(key.address.low + key.address.high * 0x9e3779b97f4a7c15ULL +
               kind * 0xd1342543de82ef95ULL);
}

// The fewest prefixes that cover a range: at most two per bit of the address.
std::vector<PrefixKey> prefixes_of(const PacketSelector& selector);

class PolicyTable {
public:
    // The child for a packet that a worker has, or nullptr.
    const Child* find(const InnerPacket& packet, model::Resource worker = model::every_resource) const;

    // Copies with or without one child; `order` grows with each activation.
    PolicyTable with(const ChildPointer& child, std::uint64_t order) const;
    PolicyTable without(const Child& child) const;

private:
    struct Policy {
        ChildPointer child{};
        std::uint64_t order = 0;
        std::uint32_t remote = 0;     // which of the child's remote selectors
        std::uint8_t port_rank = 0;   // 0: ports, 1: protocol, 2: any
        std::uint8_t local_bits = 0;  // the longest local prefix of the child
    };
    // The policies of one prefix, in their order. Nearly all have one.
    struct Bucket {
        Policy first{};
        std::shared_ptr<const std::vector<Policy>> others{};
        explicit operator bool() const { return first.child != nullptr; }
    };
    static std::vector<Policy> policies_of(const Bucket& bucket);
    static Bucket bucket_of(std::vector<Policy> policies);
    static bool comes_before(const Policy& a, const Policy& b);

    void add(const PrefixKey& prefix, const Policy& policy);
    void drop(const PrefixKey& prefix, const Child& child);
    const Child* find_in(const Bucket& bucket, const InnerPacket& packet, model::Resource worker) const;
    void count_prefix(const PrefixKey& prefix, bool added);

    SnapshotMap<PrefixKey, Bucket> buckets_;
    // How many buckets each prefix length has, and the lengths in use, longest first.
    std::array<std::vector<std::uint32_t>, 2> buckets_of_length_{std::vector<std::uint32_t>(33),
                                                                 std::vector<std::uint32_t>(129)};
    std::array<std::vector<std::uint8_t>, 2> lengths_{};
};

}  // namespace cygnet::esp
