#include "ike/pool.h"

#include <algorithm>
#include <limits>

namespace cygnet::ike {
namespace {

// How many addresses a range has, saturating: IPv6 pools are larger than any counter.
std::uint64_t size_of(const model::AddressRange& range) {
    const ByteView first = range.first.bytes(), last = range.last.bytes();
    std::uint64_t difference = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
        if (difference >> 48 != 0) return std::numeric_limits<std::uint64_t>::max();
        difference = difference * 256 + last[i] - first[i];
    }
    return difference + 1;
}

}  // namespace

std::optional<model::IpAddress> AddressPools::free_address(const model::Pool& pool, Leases& leases) {
    // The first gap in the sorted leases.
    std::optional<model::IpAddress> candidate = pool.addresses.first;
    for (const auto& [address, lease] : leases.by_address) {
        if (address != *candidate) break;
        candidate = address.next();
        if (!candidate || !pool.addresses.contains(*candidate)) {
            candidate.reset();
            break;
        }
    }
    if (candidate) return candidate;
    // None was never used: take one from a peer that is away.
    const auto offline =
        std::ranges::find_if(leases.by_address, [](const auto& entry) { return entry.second.online == 0; });
    if (offline == leases.by_address.end()) return std::nullopt;
    const model::IpAddress address = offline->first;
    leases.by_peer.erase(offline->second.peer);
    leases.by_address.erase(offline);
    return address;
}

Result<model::IpAddress> AddressPools::acquire(const model::Pool& pool, const model::Identity& peer,
                                               std::optional<model::IpAddress> requested) {
    Leases& leases = pools_[pool.name];
    if (const auto held = leases.by_peer.find(peer);
        held != leases.by_peer.end() && pool.addresses.contains(held->second)) {
        Lease& lease = leases.by_address[held->second];
        ++lease.online;
        return held->second;
    }
    std::optional<model::IpAddress> address;
    if (requested && pool.addresses.contains(*requested) && !leases.by_address.contains(*requested))
        address = requested;
    if (!address) address = free_address(pool, leases);
    if (!address) return fail(Errc::not_found, "address pool", "pool '" + pool.name + "' has no free address left");
    leases.by_address[*address] = {.peer = peer, .online = 1};
    leases.by_peer[peer] = *address;
    return *address;
}

void AddressPools::release(std::string_view pool, model::IpAddress address) {
    const auto leases = pools_.find(pool);
    if (leases == pools_.end()) return;
    const auto lease = leases->second.by_address.find(address);
    if (lease != leases->second.by_address.end() && lease->second.online > 0) --lease->second.online;
}

bool AddressPools::any_online(std::string_view pool) const {
    const auto leases = pools_.find(pool);
    if (leases == pools_.end()) return false;
    return std::ranges::any_of(leases->second.by_address, [](const auto& entry) { return entry.second.online > 0; });
}

Engine::PoolStatus AddressPools::status(const model::Pool& pool) const {
    Engine::PoolStatus status{.name = pool.name, .base = pool.addresses.first.text(), .size = size_of(pool.addresses)};
    const auto leases = pools_.find(pool.name);
    if (leases == pools_.end()) return status;
    for (const auto& [address, lease] : leases->second.by_address) {
        const bool online = lease.online > 0;
        status.leases.push_back({.address = address, .identity = lease.peer, .online = online});
        ++(online ? status.online : status.offline);
    }
    return status;
}

}  // namespace cygnet::ike
