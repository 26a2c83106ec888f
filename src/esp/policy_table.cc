#include "esp/policy_table.h"

#include <algorithm>

namespace cygnet::esp {
namespace {

std::size_t index_of(model::Family family) { return family == model::Family::v4 ? 0 : 1; }

// 1s where the host part is, for a prefix of `bits` of an address of `width` bits.
AddressKey host_mask(unsigned bits, unsigned width) {
    const unsigned host = width - bits;
    if (host == 0) return {0, 0};
    if (host < 64) return {0, (1ULL << host) - 1};
    if (host == 64) return {0, ~0ULL};
    return {host == 128 ? ~0ULL : (1ULL << (host - 64)) - 1, ~0ULL};
}

AddressKey cut(const AddressKey& address, const AddressKey& hosts) {
    return {address.high & ~hosts.high, address.low & ~hosts.low};
}

unsigned width_of(model::Family family) { return model::address_bits(family); }

// The longest prefix that contains both ends of a range.
unsigned common_bits(const PacketSelector& selector) {
    const unsigned width = width_of(selector.family);
    for (unsigned bits = width; bits > 0; --bits) {
        const AddressKey hosts = host_mask(bits, width);
        if (cut(selector.first, hosts) == cut(selector.last, hosts)) return bits;
    }
    return 0;
}

}  // namespace

std::vector<PrefixKey> prefixes_of(const PacketSelector& selector) {
    const unsigned width = width_of(selector.family);
    std::vector<PrefixKey> prefixes;
    AddressKey at = selector.first;
    while (at <= selector.last) {
        // The largest block that starts here and does not reach beyond the range.
        unsigned bits = width;
        while (bits > 0) {
            const AddressKey hosts = host_mask(bits - 1, width);
            const AddressKey end{at.high | hosts.high, at.low | hosts.low};
            if (cut(at, hosts) != at || end > selector.last) break;
            --bits;
        }
        prefixes.push_back({at, selector.family, static_cast<std::uint8_t>(bits)});
        const AddressKey hosts = host_mask(bits, width);
        const AddressKey end{at.high | hosts.high, at.low | hosts.low};
        if (end == selector.last) break;
        at = {end.high + (end.low == ~0ULL ? 1 : 0), end.low + 1};
    }
    return prefixes;
}

const Child* PolicyTable::find(const InnerPacket& packet, model::Resource worker) const {
    const unsigned width = width_of(packet.family);
    for (const std::uint8_t bits : lengths_[index_of(packet.family)]) {
        const AddressKey prefix = cut(packet.destination, host_mask(bits, width));
        const auto* bucket = buckets_.find({prefix, packet.family, bits});
        if (bucket == nullptr) continue;
        if (const Child* child = find_in(*bucket, packet, worker)) return child;
    }
    return nullptr;
}

PolicyTable PolicyTable::with(const ChildPointer& child, std::uint64_t order) const {
    PolicyTable copy = *this;
    unsigned local_bits = 0;
    for (std::size_t i = 0; i < child->local->size(); ++i) local_bits = std::max(local_bits, common_bits((*child->local)[i]));
    for (std::uint32_t i = 0; i < child->remote.size(); ++i) {
        const PacketSelector& remote = child->remote[i];
        const std::uint8_t rank = !remote.all_ports() ? 0 : remote.protocol != 0 ? 1 : 2;
        const Policy policy{child, order, i, rank, static_cast<std::uint8_t>(local_bits)};
        for (const PrefixKey& prefix : prefixes_of(remote)) copy.add(prefix, policy);
    }
    return copy;
}

PolicyTable PolicyTable::without(const Child& child) const {
    PolicyTable copy = *this;
    for (std::size_t i = 0; i < child.remote.size(); ++i)
        for (const PrefixKey& prefix : prefixes_of(child.remote[i])) copy.drop(prefix, child);
    return copy;
}

bool PolicyTable::comes_before(const Policy& a, const Policy& b) {
    if (a.port_rank != b.port_rank) return a.port_rank < b.port_rank;
    if (a.local_bits != b.local_bits) return a.local_bits > b.local_bits;
    const bool a_shared = a.child->resource == model::every_resource, b_shared = b.child->resource == model::every_resource;
    if (a_shared != b_shared) return b_shared;
    return a.order > b.order;
}

void PolicyTable::add(const PrefixKey& prefix, const Policy& policy) {
    const Bucket* old = buckets_.find(prefix);
    std::vector<Policy> policies = old != nullptr ? policies_of(*old) : std::vector<Policy>();
    policies.insert(std::ranges::upper_bound(policies, policy, comes_before), policy);
    if (old == nullptr) count_prefix(prefix, true);
    buckets_ = buckets_.with(prefix, bucket_of(std::move(policies)));
}

void PolicyTable::drop(const PrefixKey& prefix, const Child& child) {
    const Bucket* old = buckets_.find(prefix);
    if (old == nullptr) return;
    std::vector<Policy> policies = policies_of(*old);
    std::erase_if(policies, [&](const Policy& policy) { return policy.child->id == child.id && policy.child->policy == child.policy; });
    if (!policies.empty()) {
        buckets_ = buckets_.with(prefix, bucket_of(std::move(policies)));
        return;
    }
    buckets_ = buckets_.without(prefix);
    count_prefix(prefix, false);
}

const Child* PolicyTable::find_in(const Bucket& bucket, const InnerPacket& packet, model::Resource worker) const {
    const PacketEnd destination = PacketEnd::destination_of(packet);
    const PacketEnd source = PacketEnd::source_of(packet);
    const auto suits = [&](const Policy& policy) {
        return policy.child->remote[policy.remote].matches(destination) && policy.child->local->any_matches(source);
    };
    const Child* foreign = nullptr;  // the first of another worker
    const auto take = [&](const Policy& policy) -> const Child* {
        if (!suits(policy)) return nullptr;
        const Child* child = policy.child.get();
        if (child->resource == model::every_resource || child->resource == worker) return child;
        if (foreign == nullptr) foreign = child;
        return nullptr;
    };
    const Child* found = take(bucket.first);
    if (found != nullptr || !bucket.others) return found != nullptr ? found : foreign;
    for (const Policy& policy : *bucket.others)
        if ((found = take(policy)) != nullptr) break;
    return foreign != nullptr && (found == nullptr || found->policy != model::PolicyId{}) ? foreign : found;
}

std::vector<PolicyTable::Policy> PolicyTable::policies_of(const Bucket& bucket) {
    std::vector<Policy> policies{bucket.first};
    if (bucket.others) policies.insert(policies.end(), bucket.others->begin(), bucket.others->end());
    return policies;
}

PolicyTable::Bucket PolicyTable::bucket_of(std::vector<Policy> policies) {
    Bucket bucket{.first = std::move(policies.front())};
    policies.erase(policies.begin());
    if (!policies.empty()) bucket.others = std::make_shared<const std::vector<Policy>>(std::move(policies));
    return bucket;
}

void PolicyTable::count_prefix(const PrefixKey& prefix, bool added) {
    auto& counts = buckets_of_length_[index_of(prefix.family)];
    added ? ++counts[prefix.bits] : --counts[prefix.bits];
    auto& lengths = lengths_[index_of(prefix.family)];
    lengths.clear();
    for (std::size_t bits = counts.size(); bits-- > 0;)
        if (counts[bits] != 0) lengths.push_back(static_cast<std::uint8_t>(bits));
}

}  // namespace cygnet::esp
