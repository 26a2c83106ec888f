// The network of this host: IKE sockets of both families, TCP streams, and the data plane beside them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/log.h"
#include "daemon/network.h"
#include "daemon/tcp_carrier.h"
#include "dataplane/backend.h"
#include "dataplane/host_watch.h"
#include "dataplane/icmp_types.h"
#include "os/event_loop.h"
#include "os/udp_socket.h"

namespace cygnet::daemon {

// Who does ESP: Cygnet, the kernel, or the kernel where it can and else Cygnet.
enum class Esp : std::uint8_t { userspace, kernel, automatic };

struct NetworkSettings {
    std::uint16_t port = 500;
    std::uint16_t nat_port = 4500;
    std::uint16_t tcp_port = 0;  // 0: nobody can come over TCP
    Esp esp = Esp::userspace;
    std::string tun = "cygnet0";
    std::vector<dataplane::IcmpError> refused_icmp{};  // of unauthenticated messages about our packets (RFC 4301 §6.1.1)
    std::size_t workers = 0;    // of Cygnet's own ESP; 0: one for each core
    // SO_MARK of packets that must not enter the tunnel; the routing table and the rules that lead the others into it have this
    // number, too.
    std::uint32_t mark = 4500;
};

// What arrives; called on the control thread.
struct NetworkEvents {
    std::function<void(const model::Path&, ByteView)> ike_datagram;
    std::function<void(model::ChildId)> inbound_seen;
    std::function<void(model::ChildId)> limit_reached;
    std::function<void(model::ChildId, const model::Path&)> peer_moved;
    std::function<void(model::PolicyId, const model::PacketEnds&)> acquire;
    std::function<void(model::ChildId, model::Resource)> resource_wanted;
    std::function<void(model::ChildId, ByteView)> selectors_violated;
    std::function<void(const model::Path&)> stream_opened;
    std::function<void(model::StreamId, const std::string&)> stream_closed;
    std::function<void(ike::HostAddresses)> addresses_changed;
};

class HostNetwork final : public Network {
public:
    // Opens the ports and the TUN device. Each error is one sentence that says what to do.
    static Result<std::unique_ptr<HostNetwork>> open(os::EventLoop& loop, Log& log, const NetworkSettings& settings,
                                                     NetworkEvents events);

    Result<> send(const model::Path& path, ByteView message) override;
    Result<> send_keepalive(const model::Path& path) override;
    void open_stream(const model::Path& path) override { tcp_->open(path); }
    void close_stream(model::StreamId stream) override { tcp_->close(stream); }
    void prove_stream(model::StreamId stream) override { tcp_->prove(stream); }
    std::vector<ike::AddressPair> paths_to(const std::vector<model::IpAddress>& remotes) override;
    // Tells NetworkEvents::addresses_changed what addresses there are; later by itself, whenever they change.
    void look_at_addresses();
    dataplane::ChildBackend& children() override { return *backend_; }
    Result<> add_address(const model::IpAddress& address) override { return backend_->add_address(address); }
    Result<> remove_address(const model::IpAddress& address) override { return backend_->remove_address(address); }

    const dataplane::HostBackend& data_plane() const { return *backend_; }

private:
    HostNetwork(os::EventLoop& loop, const NetworkSettings& settings, NetworkEvents events);
    Result<> open_sockets(Log& log);
    Result<> open_backend(Log& log);
    Result<> open_kernel_backend();
    dataplane::BackendEvents backend_events();
    Result<> open_tcp(Log& log);
    Result<> open_watch();
    void receive(os::UdpSocket& socket);
    void receive_nat(os::UdpSocket& socket);

    os::EventLoop& loop_;
    NetworkSettings settings_;
    NetworkEvents events_;
    Bytes buffer_;
    std::vector<os::UdpSocket> sockets_;  // at most one of each family
    std::unique_ptr<dataplane::HostBackend> backend_;
    std::unique_ptr<TcpCarrier> tcp_;
    std::optional<dataplane::HostWatch> host_;
    os::Timer look_timer_;
    bool look_due_ = false;
    Instant looked_at_{};
    std::vector<os::ReadWatch> watches_;  // last: gone before what they watch
};

}  // namespace cygnet::daemon
