// The listening side of a control socket: unix:// or tcp://, many clients, bounded memory for each.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "os/event_loop.h"

namespace cygnet::os {

enum class ClientId : std::uint64_t {};

struct StreamLimits {
    std::size_t clients = 64;
    // A client with more unread octets than this is cut off.
    std::size_t queued_octets = 16 * 1024 * 1024;
    // A client with more unread octets than this is not read from until it has caught up.
    std::size_t pause_octets = 256 * 1024;
};

struct StreamEvents {
    std::function<void(ClientId)> opened;
    std::function<void(ClientId, ByteView)> received;
    // The client left, was cut off or was closed by close().
    std::function<void(ClientId)> closed;
};

class StreamServer {
public:
    // `uri` is "unix://PATH" or "tcp://HOST:PORT" (a numeric host). A left-over socket file that nobody answers on is
    // replaced; a live one is an error.
    static Result<std::unique_ptr<StreamServer>> listen(EventLoop& loop, const std::string& uri, StreamLimits limits,
                                                        StreamEvents events);
    // Closes everything and removes the socket file.
    ~StreamServer();

    // Queues octets for a client; unknown ids are ignored.
    void send(ClientId client, Bytes octets);
    // Closes after what is queued has been written; nothing more is received.
    void close(ClientId client);
    // Unread octets of a client.
    std::size_t queued(ClientId client) const;

private:
    struct Impl;
    explicit StreamServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace cygnet::os
