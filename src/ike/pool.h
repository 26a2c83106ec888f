// Virtual addresses for peers: who holds which address of which pool (RFC 7296 §2.19, §3.15).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ike/engine.h"
#include "model/config.h"

namespace cygnet::ike {

// Leases of all pools. A peer that comes back gets the address that it had, as long as nobody else needs it.
class AddressPools {
public:
    // An address of `pool` for `peer`, the requested one if it is the peer's own or free. Fails with not_found when the
    // pool is exhausted (the caller answers INTERNAL_ADDRESS_FAILURE).
    Result<model::IpAddress> acquire(const model::Pool& pool, const model::Identity& peer,
                                     std::optional<model::IpAddress> requested);
    // The lease goes offline; unknown addresses are ignored.
    void release(std::string_view pool, model::IpAddress address);

    Engine::PoolStatus status(const model::Pool& pool) const;
    bool any_online(std::string_view pool) const;

private:
    struct Lease {
        model::Identity peer;
        unsigned online = 0;  // IKE SAs of the peer that hold it (more than one while reauthenticating)
    };
    struct Leases {
        std::map<model::IpAddress, Lease> by_address;
        std::map<model::Identity, model::IpAddress> by_peer;
    };
    static std::optional<model::IpAddress> free_address(const model::Pool& pool, Leases& leases);

    std::map<std::string, Leases, std::less<>> pools_;
};

}  // namespace cygnet::ike
