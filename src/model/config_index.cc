#include "model/config_index.h"

#include <algorithm>

#include "model/limits.h"

namespace cygnet::model {
namespace {

bool is_single(const HostPattern& host) { return !host.any && host.range && host.range->first == host.range->last; }

std::uint8_t in_lower_case(std::uint8_t c) { return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c - 'A' + 'a') : c; }

// What IKE_SA_INIT chooses by beside the addresses: of connections that are alike in both, it takes the first.
bool same_offer(const Connection& a, const Connection& b) {
    return a.proposals == b.proposals && a.post_quantum == b.post_quantum && a.tcp == b.tcp;
}

// What it asks for with CERTREQ, announces and agrees to.
bool same_requests(const Connection& a, const Connection& b) {
    return a.send_certreq == b.send_certreq && a.ocsp == b.ocsp && a.hash_and_url == b.hash_and_url && a.ppk == b.ppk &&
           a.announce_auth == b.announce_auth && a.downgrade_protection == b.downgrade_protection &&
           std::ranges::equal(a.remote, b.remote, [](const AuthConfig& one, const AuthConfig& other) {
               return one.auth == other.auth && one.ca_certificates == other.ca_certificates &&
                      one.key_kinds == other.key_kinds && one.rsa_pss == other.rsa_pss && one.hashes == other.hashes &&
                      one.certificates.empty() == other.certificates.empty() &&
                      one.public_keys.empty() == other.public_keys.empty();
           });
}

std::string addresses_text(const Connection& connection) {
    std::string text;
    for (const HostPattern& host : connection.local_addrs) text += host.text + ",";
    text += " ";
    for (const HostPattern& host : connection.remote_addrs) text += host.text + ",";
    return text;
}

template <class Value>
std::vector<Value> at(const std::vector<Value>& all, std::vector<std::uint32_t> positions) {
    std::ranges::sort(positions);
    const auto repeated = std::ranges::unique(positions);
    positions.erase(repeated.begin(), repeated.end());
    std::vector<Value> found;
    found.reserve(positions.size());
    for (const std::uint32_t position : positions) found.push_back(all[position]);
    return found;
}

}  // namespace

bool ConfigIndex::NameOrder::operator()(const Identity& a, const Identity& b) const {
    if (a.type != b.type) return a.type < b.type;
    if (a.type != IdType::fqdn && a.type != IdType::rfc822_addr) return a.data < b.data;
    return std::ranges::lexicographical_compare(a.data, b.data, {}, in_lower_case, in_lower_case);
}

void ConfigIndex::ByKey::add(const Identity& id, Position position) {
    const bool plain = id.type == IdType::fqdn || id.type == IdType::rfc822_addr || id.type == IdType::key_id ||
                       id.type == IdType::ipv4_addr || id.type == IdType::ipv6_addr;
    const bool takes_a_rule = !plain || id.has_wildcards();
    if (takes_a_rule) patterns.push_back(position);
    else exact[id].push_back(position);
}

void ConfigIndex::ByKey::collect(const Identity& id, std::vector<Position>& found) const {
    const auto same = exact.find(id);
    if (same != exact.end()) found.insert(found.end(), same->second.begin(), same->second.end());
}

ConfigIndex::ConfigIndex(const Config& config) {
    Alike alike;
    for (const auto& [name, connection] : config.connections) add(connection, alike);
    for (const auto& [name, secret] : config.secrets) {
        const auto position = static_cast<Position>(secrets_.size());
        secrets_.push_back(secret);
        if (secret->owners.empty()) secrets_by_owner_.patterns.push_back(position);
        for (const Identity& owner : secret->owners) secrets_by_owner_.add(owner, position);
    }
}

void ConfigIndex::add(const std::shared_ptr<const Connection>& connection, Alike& alike) {
    const auto position = static_cast<Position>(connections_.size());
    connections_.push_back(connection);
    for (const HostPattern& host : connection->remote_addrs)
        if (is_single(host)) by_address_[host.range->first].push_back(position);
    if (!connection->remote_addrs.empty() && std::ranges::all_of(connection->remote_addrs, is_single)) return;
    if (connection->remote.empty()) anywhere_by_id_.patterns.push_back(position);
    else anywhere_by_id_.add(connection->remote.front().id, position);
    anywhere_.push_back(position);
    std::vector<Position>& like = alike[addresses_text(*connection)];
    const bool asks_enough = like.size() >= limits::certreq_connections;
    if (std::ranges::any_of(like, [&](Position other) {
            const Connection& before = *connections_[other];
            return same_offer(before, *connection) && (asks_enough || same_requests(before, *connection));
        }))
        return;
    like.push_back(position);
    anywhere_first_.push_back(position);
}

ConfigIndex::Connections ConfigIndex::with_address(std::vector<Position> found, IpAddress peer) const {
    if (const auto here = by_address_.find(peer); here != by_address_.end())
        found.insert(found.end(), here->second.begin(), here->second.end());
    return at(connections_, std::move(found));
}

ConfigIndex::Connections ConfigIndex::first_for(IpAddress peer) const { return with_address(anywhere_first_, peer); }

ConfigIndex::Connections ConfigIndex::all_for(IpAddress peer) const { return with_address(anywhere_, peer); }

ConfigIndex::Connections ConfigIndex::for_peer(IpAddress peer, const Identity& id) const {
    std::vector<Position> found = anywhere_by_id_.patterns;
    anywhere_by_id_.collect(id, found);
    return with_address(std::move(found), peer);
}

ConfigIndex::Secrets ConfigIndex::secrets_for(const Identity& own, const Identity* peer) const {
    std::vector<Position> found;
    found.reserve(secrets_by_owner_.patterns.size() + 4);  // one allocation, nearly always
    found = secrets_by_owner_.patterns;
    secrets_by_owner_.collect(own, found);
    if (peer != nullptr) secrets_by_owner_.collect(*peer, found);
    return at(secrets_, std::move(found));
}

std::shared_ptr<const Config> with_index(Config config) {
    config.index = std::make_shared<const ConfigIndex>(config);
    return std::make_shared<const Config>(std::move(config));
}

}  // namespace cygnet::model
