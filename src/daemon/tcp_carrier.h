// IKE and ESP in TCP streams (RFC 9329) on this host: frames what goes out, cuts what comes in, and keeps strangers from
// holding streams open. What a stream is used for is decided in `ike`.
//
//   accepted ─► "IKETCP" within tcp_prefix_wait ─► an authentic message within tcp_first_message_wait ─► may stay
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "base/result.h"
#include "daemon/log.h"
#include "model/limits.h"
#include "os/tcp_streams.h"
#include "wire/stream.h"

namespace cygnet::daemon {

struct TcpCarrierEvents {
    std::function<void(const model::Path&, ByteView)> ike_message;
    std::function<void(const model::Path&, ByteView)> esp_packet;
    std::function<void(const model::Path&)> opened;  // one that open() asked for
    std::function<void(model::StreamId, const std::string& reason)> closed;
};

// What a stranger may take; tests are less patient.
struct TcpCarrierLimits {
    std::size_t streams = model::limits::tcp_streams;
    std::size_t streams_per_prefix = model::limits::tcp_streams_per_prefix;
    Duration prefix_wait = model::limits::tcp_prefix_wait;
    Duration first_message_wait = model::limits::tcp_first_message_wait;
    Duration frame_wait = model::limits::tcp_frame_wait;
    Duration sweep_interval = seconds(1);
};

class TcpCarrier {
public:
    // `prepare` sees every socket before it is used.
    TcpCarrier(os::EventLoop& loop, Log& log, TcpCarrierEvents events, std::function<Result<>(int)> prepare,
               const TcpCarrierLimits& limits = {});

    // On all addresses of both families that the host has. Port 0 lets the system choose; returns the port.
    Result<std::uint16_t> listen(std::uint16_t port);
    std::size_t accepted() const { return accepted_; }
    void open(const model::Path& path) { streams_.connect(path); }
    void close(model::StreamId stream);
    // An authentic message came through it.
    void prove(model::StreamId stream);

    Result<> send_ike(model::StreamId stream, ByteView message);
    // False: dropped, because too much waits already or the stream is not there.
    bool send_esp(model::StreamId stream, ByteView packet);

private:
    struct Entry {
        model::Path path;
        wire::StreamReader reader;
        bool came_in;
        bool proven;
        bool closing = false;
        Instant began;
        Instant incomplete_since;  // of a message that has begun
    };
    // Addresses of one site: IPv4 /24, IPv6 /64.
    using Prefix = std::pair<model::Family, std::uint64_t>;
    static Prefix prefix_of(const model::IpAddress& address);

    bool admits(const model::Endpoint& remote);
    void begin(const model::Path& path, bool came_in);
    void receive(model::StreamId stream, ByteView octets);
    void end(model::StreamId stream, const std::string& reason);
    // Ends what takes too long.
    void sweep();
    const char* overdue(const Entry& entry, Instant now) const;

    Log& log_;
    TcpCarrierEvents events_;
    TcpCarrierLimits limits_;
    std::map<model::StreamId, Entry> entries_;
    std::map<Prefix, std::size_t> accepted_by_prefix_;
    std::size_t accepted_ = 0;
    os::Timer timer_;
    os::TcpStreams streams_;  // last: gone before what its events change
};

}  // namespace cygnet::daemon
