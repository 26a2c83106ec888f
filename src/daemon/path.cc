#include "daemon/path.h"

#include <algorithm>

#include <fmt/format.h>

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

Result<model::IpAddress> peer_of(const model::Connection& connection) {
    for (const auto& host : connection.remote_addrs) {
        if (is_single(host)) return host.range->first;
        if (!is_name(host)) continue;
        const auto addresses = TRY(os::resolve(host.text));
        // An address that no route leads to (IPv6 on an IPv4 host) is not worth a try.
        for (const auto& address : addresses)
            if (os::local_address_towards(address)) return address;
        return fail(Errc::system, "remote_addrs", fmt::format("no route to any address of \"{}\"", host.text));
    }
    return fail(Errc::not_found, "remote_addrs",
                fmt::format("connection {} cannot be initiated from here: give remote_addrs the address or name of the peer",
                            connection.name));
}

Result<model::IpAddress> own_address(const model::Connection& connection, model::IpAddress remote) {
    for (const auto& host : connection.local_addrs) {
        if (is_single(host) && host.range->family() == remote.family()) return host.range->first;
        if (!is_name(host)) continue;
        for (const auto& address : TRY(os::resolve(host.text)))
            if (address.family() == remote.family()) return address;
    }
    return os::local_address_towards(remote);
}

Result<model::Path> path_of(const model::Connection& connection, const NetworkSettings& settings) {
    model::Path path;
    path.remote = {TRY(peer_of(connection)), connection.remote_port};
    path.local.address = TRY(own_address(connection, path.remote.address));
    // A peer on another port than 500 expects the non-ESP marker, which our NAT-T port adds.
    const bool plain = connection.remote_port == ike_port && connection.local_port != settings.nat_port;
    path.local.port = plain ? settings.port : settings.nat_port;
    return path;
}

}  // namespace

void find_path(os::JobPool& jobs, std::shared_ptr<const model::Connection> connection, const NetworkSettings& settings,
               std::move_only_function<void(Result<model::Path>)> found) {
    if (!needs_lookup(*connection)) return found(path_of(*connection, settings));
    jobs.submit([connection = std::move(connection), settings,
                 found = std::move(found)]() mutable -> os::JobPool::Finish {
        return [path = path_of(*connection, settings), found = std::move(found)]() mutable { found(std::move(path)); };
    });
}

}  // namespace cygnet::daemon
