// Finds connections and secrets among very many: by the peer's address, by identity. It only narrows down: who uses it still
// checks each candidate by the rules, and without an index checks all.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/config.h"

namespace cygnet::model {

class ConfigIndex {
public:
    explicit ConfigIndex(const Config& config);

    using Connections = std::vector<std::shared_ptr<const Connection>>;
    using Secrets = std::vector<std::shared_ptr<const SharedSecret>>;

    // Those whose remote_addrs may accept the address, in the order of their names. Of connections that IKE_SA_INIT cannot
    // tell apart, the first alone.
    Connections first_for(IpAddress peer) const;
    // All of them.
    Connections all_for(IpAddress peer) const;
    // Those whose remote_addrs may accept the address and whose first remote.id may accept the identity.
    Connections for_peer(IpAddress peer, const Identity& id) const;
    // Those with an owner that may accept one of the two, and those that belong to everybody; in the order of their names.
    Secrets secrets_for(const Identity& own, const Identity* peer) const;

private:
    // A position in the map of the configuration, so that results keep its order.
    using Position = std::uint32_t;
    struct NameOrder {  // names compare without case
        bool operator()(const Identity& a, const Identity& b) const;
    };
    struct ByKey {
        std::map<Identity, std::vector<Position>, NameOrder> exact{};
        std::vector<Position> patterns{};  // wildcards, distinguished names: they take a rule to compare
        void add(const Identity& id, Position position);
        void collect(const Identity& id, std::vector<Position>& found) const;
    };

    using Alike = std::map<std::string, std::vector<Position>>;  // by what is written in local_addrs and remote_addrs
    void add(const std::shared_ptr<const Connection>& connection, Alike& alike);

    Connections with_address(std::vector<Position> found, IpAddress peer) const;

    Connections connections_{};
    Secrets secrets_{};
    std::map<IpAddress, std::vector<Position>> by_address_{};  // a single address in remote_addrs
    std::vector<Position> anywhere_{};                         // those with ranges, names, %any
    std::vector<Position> anywhere_first_{};                   // the first of each kind of them
    ByKey anywhere_by_id_{};
    ByKey secrets_by_owner_{};
};

// The configuration with an index of what it holds.
std::shared_ptr<const Config> with_index(Config config);

}  // namespace cygnet::model
