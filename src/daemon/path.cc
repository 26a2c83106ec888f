#include "daemon/path.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/explanation.h"
#include "model/limits.h"
#include "os/host.h"
#include "os/udp_socket.h"

namespace cygnet::daemon {

namespace {

constexpr std::uint16_t ike_port = 500;

bool is_name(const model::HostPattern& host) { return !host.any && !host.range; }
bool is_single(const model::HostPattern& host) { return host.range && host.range->first == host.range->last && !host.any; }

bool needs_lookup(const model::Connection& connection) {
    return std::ranges::any_of(connection.local_addrs, is_name) || std::ranges::any_of(connection.remote_addrs, is_name);
}

Explanation unresolved(const std::string& name, const Error& error) {
    return {.kind = "name",
            .what = error.detail,
            .advice = fmt::format("check the spelling of \"{}\" in remote_addrs and this host's resolver, or write the address", name)};
}

Explanation unroutable(const std::string& host) {
    return {.kind = "route",
            .what = fmt::format("no route to \"{}\"", host),
            .advice = "check this host's addresses and routes, or name an address of another family"};
}

// Every address that remote_addrs stands for, in its order; a name may stand for several.
Result<std::vector<model::IpAddress>> peers_of(const model::Connection& connection, const NetworkSettings& settings) {
    std::vector<model::IpAddress> found;
    std::optional<Explanation> trouble;
    const auto add = [&](model::IpAddress address) {
        if (found.size() < model::limits::remote_addresses && std::ranges::find(found, address) == found.end())
            found.push_back(address);
    };
    for (const auto& host : connection.remote_addrs) {
        if (is_single(host)) add(host.range->first);
        if (!is_name(host)) continue;
        const auto addresses = os::resolve(host.text);
        if (!addresses) {
            trouble = unresolved(host.text, addresses.error());
            continue;
        }
        // An address that no route leads to (IPv6 on an IPv4 host) is not worth a try.
        const std::size_t before = found.size();
        for (const auto& address : *addresses)
            if (os::local_address_towards(address, settings.mark)) add(address);
        if (found.size() == before) trouble = unroutable(host.text);
    }
    if (!found.empty()) return found;
    if (!trouble)
        trouble = {.kind = "configuration",
                   .what = fmt::format("connection {} cannot be initiated from here", connection.name),
                   .advice = "give remote_addrs the address or name of the peer"};
    return fail(explained({.code = Errc::not_found, .where = "remote_addrs"}, std::move(*trouble)));
}

// A tunnel for 0.0.0.0/0 that is up must not have a say: the mark leads past it.
Result<model::IpAddress> own_address(const model::Connection& connection, model::IpAddress remote, const NetworkSettings& settings) {
    for (const auto& host : connection.local_addrs) {
        if (is_single(host) && host.range->family() == remote.family()) return host.range->first;
        if (!is_name(host)) continue;
        for (const auto& address : TRY(os::resolve(host.text)))
            if (address.family() == remote.family()) return address;
    }
    return os::local_address_towards(remote, settings.mark);
}

Result<Paths> paths_of(const model::Connection& connection, const NetworkSettings& settings) {
    Paths paths;
    std::optional<Error> trouble;
    for (const model::IpAddress& peer : TRY(peers_of(connection, settings))) {
        const auto own = own_address(connection, peer, settings);
        if (!own) {
            if (!trouble) trouble = explained(own.error(), unroutable(peer.text()));
            continue;
        }
        model::Path path;
        path.remote = {peer, connection.remote_port};
        path.local.address = *own;
        // A peer on another port than 500 expects the non-ESP marker, which our NAT-T port adds.
        const bool plain = connection.remote_port == ike_port && connection.local_port != settings.nat_port;
        path.local.port = plain ? settings.port : settings.nat_port;
        paths.push_back(path);
    }
    if (paths.empty()) return fail(std::move(*trouble));
    return paths;
}

}  // namespace

void find_paths(os::JobPool& jobs, std::shared_ptr<const model::Connection> connection, const NetworkSettings& settings,
                std::move_only_function<void(Result<Paths>)> found) {
    if (!needs_lookup(*connection)) return found(paths_of(*connection, settings));
    jobs.submit([connection = std::move(connection), settings,
                 found = std::move(found)]() mutable -> os::JobPool::Finish {
        return [paths = paths_of(*connection, settings), found = std::move(found)]() mutable { found(std::move(paths)); };
    });
}

void find_path_to(os::JobPool& jobs, const model::Connection& connection, const std::string& gateway,
                  const NetworkSettings& settings, std::move_only_function<void(Result<model::Path>)> found) {
    auto elsewhere = std::make_shared<model::Connection>(connection);
    elsewhere->remote_addrs = {{.text = gateway, .range = model::AddressRange::parse(gateway)}};
    find_paths(jobs, std::move(elsewhere), settings, [found = std::move(found)](Result<Paths> paths) mutable {
        if (paths) found(paths->front());
        else found(fail(paths.error()));
    });
}

}  // namespace cygnet::daemon
