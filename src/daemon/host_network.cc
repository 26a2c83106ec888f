#include "daemon/host_network.h"

#include <algorithm>

#include <fmt/format.h>

#include "dataplane/userspace_backend.h"
#include "dataplane/xfrm_backend.h"
#include "model/limits.h"
#include "os/host.h"

namespace cygnet::daemon {

namespace {

// How many datagrams are read before timers and the other descriptors get their turn.
constexpr int datagrams_per_turn = 64;

// Changes of addresses and routes come in flocks.
constexpr Duration pause_before_look = milliseconds(20);
constexpr Duration pause_between_looks = milliseconds(200);

}  // namespace

HostNetwork::HostNetwork(os::EventLoop& loop, const NetworkSettings& settings, NetworkEvents events)
    : loop_(loop),
      settings_(settings),
      events_(std::move(events)),
      buffer_(model::limits::datagram_octets),
      look_timer_(loop, [this] { look_at_addresses(); }) {}

Result<std::unique_ptr<HostNetwork>> HostNetwork::open(os::EventLoop& loop, Log& log, const NetworkSettings& settings,
                                                       NetworkEvents events) {
    std::unique_ptr<HostNetwork> network(new HostNetwork(loop, settings, std::move(events)));
    TRY(network->open_sockets(log));
    TRY(network->open_backend(log));
    TRY(network->open_tcp(log));
    TRY(network->open_watch());
    for (const auto& socket : network->sockets_) {
        // Else an IKE message to a peer inside 0.0.0.0/0 would be led into the tunnel that it maintains.
        TRY(network->backend_->exempt_from_tunnel(socket.fd()));
    }
    for (auto& socket : network->sockets_)
        network->watches_.emplace_back(loop, socket.fd(), [raw = network.get(), &socket] { raw->receive(socket); });
    for (auto& socket : network->backend_->ike_port().sockets())
        network->watches_.emplace_back(loop, socket.fd(), [raw = network.get(), &socket] { raw->receive_nat(socket); });
    network->watches_.emplace_back(loop, network->backend_->event_fd(),
                                   [backend = network->backend_.get()] { backend->dispatch_events(); });
    network->watches_.emplace_back(loop, network->host_->fd(), [raw = network.get()] {
        if (!raw->host_->drain() || raw->look_due_) return;
        raw->look_due_ = true;
        raw->look_timer_.set(std::max(os::now() + pause_before_look, raw->looked_at_ + pause_between_looks));
    });
    return network;
}

Result<> HostNetwork::open_sockets(Log& log) {
    for (const auto family : {model::Family::v4, model::Family::v6}) {
        auto socket = os::UdpSocket::bind(family, settings_.port);
        if (socket) {
            sockets_.push_back(std::move(*socket));
        } else if (socket.error().code == Errc::unsupported) {
            log.write(model::LogGroup::net, 1,
                      fmt::format("this host has no {}: going without", family == model::Family::v4 ? "IPv4" : "IPv6"));
        } else {
            return fail(socket.error());
        }
    }
    if (sockets_.empty()) return fail(Errc::system, "network", "this host has neither IPv4 nor IPv6");
    return {};
}

dataplane::BackendEvents HostNetwork::backend_events() {
    return {.inbound_seen = events_.inbound_seen,
            .peer_moved = events_.peer_moved,
            .acquire = events_.acquire,
            .resource_wanted = events_.resource_wanted,
            .selectors_violated = events_.selectors_violated,
            .limit_reached = events_.limit_reached,
            .ike_datagram = events_.ike_datagram,
            .stream_packet = [this](model::StreamId stream, ByteView packet) { return tcp_->send_esp(stream, packet); },
            .stream_corrupt = [this](model::StreamId stream) { tcp_->close(stream); }};
}

Result<> HostNetwork::open_backend(Log& log) {
    if (settings_.esp != Esp::userspace) {
        auto opened = open_kernel_backend();
        if (opened || settings_.esp == Esp::kernel || opened.error().code != Errc::unsupported) return opened;
        log.write(model::LogGroup::knl, 1, fmt::format("using Cygnet's own ESP: {}", opened.error().detail));
    }
    TRY(os::check_tun_rights());
    dataplane::UserspaceConfig config;
    config.device = settings_.tun;
    config.ike_port = settings_.port;
    config.refused_icmp = settings_.refused_icmp;
    config.workers = settings_.workers;
    config.port = settings_.nat_port;
    config.routing_table = config.rule_priority = config.mark = settings_.mark;
    config.now = os::now;
    backend_ = TRY(dataplane::UserspaceBackend::open(std::move(config), backend_events()));
    return {};
}

Result<> HostNetwork::open_kernel_backend() {
    dataplane::XfrmConfig config;
    config.port = settings_.nat_port;
    config.routing_table = config.rule_priority = config.mark = settings_.mark;
    config.now = os::now;
    config.unix_seconds = os::unix_seconds;
    config.ike_port = settings_.port;
    config.refused_icmp = settings_.refused_icmp;
    backend_ = TRY(dataplane::XfrmBackend::open(config, backend_events()));
    return {};
}

Result<> HostNetwork::open_tcp(Log& log) {
    tcp_ = std::make_unique<TcpCarrier>(
        loop_, log,
        TcpCarrierEvents{.ike_message = events_.ike_datagram,
                         .esp_packet = [this](const model::Path& path,
                                              ByteView packet) { backend_->take_packet(path, packet); },
                         .opened = events_.stream_opened,
                         .closed = events_.stream_closed},
        // Else a peer inside 0.0.0.0/0 could not be reached but through the tunnel that the stream carries.
        [this](int socket) { return backend_->exempt_from_tunnel(socket); });
    if (settings_.tcp_port != 0) TRY(tcp_->listen(settings_.tcp_port));
    return {};
}

Result<> HostNetwork::open_watch() {
    host_.emplace(TRY(dataplane::HostWatch::open({.tunnel_device = backend_->device(), .mark = backend_->mark()})));
    return {};
}

void HostNetwork::look_at_addresses() {
    look_due_ = false;
    looked_at_ = os::now();
    auto addresses = host_->addresses();
    if (!addresses) return;
    events_.addresses_changed({.usable = std::move(addresses->usable), .others = std::move(addresses->others)});
}

std::vector<ike::AddressPair> HostNetwork::paths_to(const std::vector<model::IpAddress>& remotes) {
    std::vector<ike::AddressPair> pairs;
    for (const model::IpAddress& remote : remotes)
        for (const model::IpAddress& local : host_->sources_towards(remote)) pairs.push_back({local, remote});
    return pairs;
}

void HostNetwork::receive(os::UdpSocket& socket) {
    for (int i = 0; i < datagrams_per_turn; ++i) {
        const auto received = socket.receive(buffer_);
        if (!received) return;
        events_.ike_datagram(received->path, ByteView{buffer_}.first(std::min(received->octets, buffer_.size())));
    }
}

void HostNetwork::receive_nat(os::UdpSocket& socket) {
    backend_->ike_port().receive(socket, events_.ike_datagram,
                                 [this](const model::Path& path, ByteView packet) { backend_->take_packet(path, packet); });
}

Result<> HostNetwork::send(const model::Path& path, ByteView message) {
    if (path.tcp()) return tcp_->send_ike(path.stream, message);
    if (path.local.port == settings_.nat_port) return backend_->ike_port().send_ike(path, message);
    for (auto& socket : sockets_) {
        if (socket.family() == path.remote.address.family()) return socket.send(path, message);
    }
    return fail(Errc::unsupported, "network", fmt::format("no socket for {}", path.text()));
}

Result<> HostNetwork::send_keepalive(const model::Path& path) { return backend_->ike_port().send_keepalive(path); }

}  // namespace cygnet::daemon
