// TCP connections under one roof: those that come in at a listening port, and those that we make. Octets go in and out;
// what they mean, and whom to let in, is the owner's business.
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "model/address.h"
#include "os/event_loop.h"

namespace cygnet::os {

struct TcpTimes {
    Duration connect;         // until a connection that we make stands
    Duration unacknowledged;  // what was sent and not acknowledged for so long ends the connection
    Duration keepalive_idle;  // silence after which the other end's host is asked whether it is there
    Duration close_grace;     // for what is under way when we close
};

// Called on the loop's thread. A connection's last event is `closed`.
struct TcpEvents {
    // Before anything else about a connection that came in; false: it is closed at once, without an event.
    std::function<bool(const model::Endpoint& remote)> admits;
    // path.stream is its name: one that connect() was given, or an odd number for one that came in.
    std::function<void(const model::Path&, bool came_in)> opened;
    std::function<void(model::StreamId, ByteView)> received;
    std::function<void(model::StreamId, const std::string& reason)> closed;
};

class TcpStreams {
public:
    // `prepare` sees every socket before it is used; its failure fails the connection.
    TcpStreams(EventLoop& loop, const TcpTimes& times, TcpEvents events, std::function<Result<>(int)> prepare);
    ~TcpStreams();

    // Takes connections to all addresses of the family. Errors: unsupported when the host has no such family, system with
    // a sentence that names the port. Port 0 lets the system choose; returns the port.
    Result<std::uint16_t> listen(model::Family family, std::uint16_t port);

    // From path.local.address (unless that is unspecified) to path.remote. `opened` or `closed` follows, never at once.
    void connect(const model::Path& path);

    // Unknown names are ignored: the stream may have ended.
    void send(model::StreamId stream, ByteView octets);
    std::size_t queued(model::StreamId stream) const;  // not yet taken by the system
    // After what is queued; what still arrives within the grace is received.
    void close(model::StreamId stream);
    // At once.
    void abort(model::StreamId stream, const std::string& reason);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace cygnet::os
