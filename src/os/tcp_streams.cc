#include "os/tcp_streams.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include <asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>

#include "os/asio_loop.h"
#include "os/fd.h"
#include "os/socket_address.h"

namespace cygnet::os {

namespace {

using asio::posix::stream_descriptor;
using model::StreamId;

constexpr int backlog = 128;
constexpr int accepts_per_turn = 32;
constexpr int reads_per_turn = 4;

bool set(int fd, int level, int name, int value) { return ::setsockopt(fd, level, name, &value, sizeof value) == 0; }

model::Endpoint endpoint_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ask(fd, reinterpret_cast<sockaddr*>(&storage), &size);
    return SocketAddress::endpoint_of(storage);
}

Fd tcp_socket(model::Family family) {
    return Fd(::socket(family == model::Family::v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

// One connection. Reads until it ends; writes what the system did not take at once when it can again.
struct Connection {
    Connection(EventLoop& loop, Fd&& fd, StreamId id)
        : descriptor(loop.impl().context, fd.release()), name(id), timer(loop, [this] { overdue(); }) {}

    stream_descriptor descriptor;
    StreamId name;
    bool open = false;
    bool closing = false;
    bool writing = false;
    std::vector<std::uint8_t> queue;
    std::function<void()> overdue = [] {};
    Timer timer;
};
using Shared = std::shared_ptr<Connection>;

struct TcpStreams::Impl : std::enable_shared_from_this<TcpStreams::Impl> {
    Impl(EventLoop& event_loop, const TcpTimes& limits, TcpEvents callbacks, std::function<Result<>(int)> first)
        : loop(event_loop), times(limits), events(std::move(callbacks)), prepare(std::move(first)) {}

    void accept_waiting(int listener);
    Result<Shared> begin(const model::Path& path);
    void await_connection(const Shared& connection, const model::Path& path);
    void run(const Shared& connection, const model::Path& path, bool came_in);
    void configure(int fd) const;
    void read(const Shared& connection);
    bool read_now(const Shared& connection);
    void write(const Shared& connection);
    void flush(const Shared& connection);
    void finish_sending(const Shared& connection);
    void end(Connection& connection, const std::string& reason);
    Shared find(StreamId name) const {
        const auto at = connections.find(name);
        return at == connections.end() ? nullptr : at->second;
    }

    EventLoop& loop;
    TcpTimes times;
    TcpEvents events;
    std::function<Result<>(int)> prepare;
    std::map<StreamId, Shared> connections;
    std::uint64_t last_accepted = 1;
    std::array<std::uint8_t, 64 * 1024> buffer;
    std::vector<Fd> listeners;
    std::vector<ReadWatch> watches;  // last: gone before what they watch
};

// ---- how connections begin ------------------------------------------------------------------------

void TcpStreams::Impl::configure(int fd) const {
    const auto ms = [](Duration time) { return static_cast<int>(std::chrono::duration_cast<milliseconds>(time).count()); };
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, ms(times.unacknowledged));
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, ms(times.keepalive_idle) / 1000);
    // RFC 9329 §6.1: the flow label stays the same when a connection is made anew.
    set(fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0);
}

void TcpStreams::Impl::accept_waiting(int listener) {
    for (int i = 0; i < accepts_per_turn; ++i) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        Fd fd(::accept4(listener, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd.open()) return;
        const model::Endpoint remote = SocketAddress::endpoint_of(from);
        if (!events.admits(remote) || !prepare(fd.number())) continue;
        const auto name = static_cast<StreamId>(last_accepted += 2);
        const model::Path path{.local = endpoint_of(fd.number(), ::getsockname), .remote = remote, .stream = name};
        const auto connection = std::make_shared<Connection>(loop, std::move(fd), name);
        connections.emplace(name, connection);
        run(connection, path, true);
    }
}

Result<Shared> TcpStreams::Impl::begin(const model::Path& path) {
    Fd fd = tcp_socket(path.remote.address.family());
    if (!fd.open()) return fail(Errc::system, "TCP", std::strerror(errno));
    TRY(prepare(fd.number()));
    if (!path.local.address.is_any()) {
        const SocketAddress local = SocketAddress::of({path.local.address, 0});
        if (::bind(fd.number(), local.get(), local.size) != 0) return fail(Errc::system, "TCP", std::strerror(errno));
    }
    const SocketAddress remote = SocketAddress::of(path.remote);
    if (::connect(fd.number(), remote.get(), remote.size) != 0 && errno != EINPROGRESS)
        return fail(Errc::system, "TCP", std::strerror(errno));
    return std::make_shared<Connection>(loop, std::move(fd), path.stream);
}

void TcpStreams::Impl::await_connection(const Shared& connection, const model::Path& path) {
    connection->overdue = [this, raw = connection.get()] { end(*raw, "connecting timed out"); };
    connection->timer.set(now() + times.connect);
    connection->descriptor.async_wait(
        stream_descriptor::wait_write, [weak = weak_from_this(), connection, wanted = path](asio::error_code error) {
            const auto self = weak.lock();
            if (error || !self || !connection->descriptor.is_open()) return;
            const int fd = connection->descriptor.native_handle();
            int number = 0;
            socklen_t size = sizeof number;
            ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
            if (number != 0) return self->end(*connection, std::strerror(number));
            self->run(connection, {.local = endpoint_of(fd, ::getsockname), .remote = wanted.remote, .stream = wanted.stream},
                      false);
        });
}

void TcpStreams::Impl::run(const Shared& connection, const model::Path& path, bool came_in) {
    connection->timer.cancel();
    connection->open = true;
    configure(connection->descriptor.native_handle());
    events.opened(path, came_in);
    if (connection->descriptor.is_open()) read(connection);
}

// ---- octets ---------------------------------------------------------------------------------------

void TcpStreams::Impl::read(const Shared& connection) {
    connection->descriptor.async_wait(stream_descriptor::wait_read,
                                      [weak = weak_from_this(), connection](asio::error_code error) {
                                          const auto self = weak.lock();
                                          if (error || !self) return;
                                          for (int i = 0; i < reads_per_turn; ++i)
                                              if (!self->read_now(connection)) break;
                                          if (connection->descriptor.is_open()) self->read(connection);
                                      });
}

// False: there is nothing more for now.
bool TcpStreams::Impl::read_now(const Shared& connection) {
    if (!connection->descriptor.is_open()) return false;
    const ssize_t size = ::recv(connection->descriptor.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (size <= 0) {
        end(*connection, size == 0 ? "closed by the peer" : std::strerror(errno));
        return false;
    }
    events.received(connection->name, ByteView{buffer.data(), static_cast<std::size_t>(size)});
    return true;
}

void TcpStreams::Impl::write(const Shared& connection) {
    if (connection->writing) return;
    connection->writing = true;
    connection->descriptor.async_wait(stream_descriptor::wait_write,
                                      [weak = weak_from_this(), connection](asio::error_code error) {
                                          connection->writing = false;
                                          const auto self = weak.lock();
                                          if (error || !self || !connection->descriptor.is_open()) return;
                                          self->flush(connection);
                                      });
}

void TcpStreams::Impl::flush(const Shared& connection) {
    auto& queue = connection->queue;
    const ssize_t sent =
        ::send(connection->descriptor.native_handle(), queue.data(), queue.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return end(*connection, std::strerror(errno));
    queue.erase(queue.begin(), queue.begin() + std::max<ssize_t>(sent, 0));
    if (!queue.empty()) return write(connection);
    queue.shrink_to_fit();
    if (connection->closing) finish_sending(connection);
}

void TcpStreams::Impl::finish_sending(const Shared& connection) {
    ::shutdown(connection->descriptor.native_handle(), SHUT_WR);
}

void TcpStreams::Impl::end(Connection& connection, const std::string& reason) {
    auto kept = connections.extract(connection.name);
    if (kept.empty()) return;
    connection.timer.cancel();
    asio::error_code ignored;
    connection.descriptor.close(ignored);
    events.closed(connection.name, reason);
    // Its own timer may have called us.
    loop.post([last = std::move(kept.mapped())] {});
}

// ---- the interface --------------------------------------------------------------------------------

TcpStreams::TcpStreams(EventLoop& loop, const TcpTimes& times, TcpEvents events, std::function<Result<>(int)> prepare)
    : impl_(std::make_shared<Impl>(loop, times, std::move(events), std::move(prepare))) {}

TcpStreams::~TcpStreams() {
    impl_->watches.clear();
    asio::error_code ignored;
    for (const auto& [name, connection] : impl_->connections) {
        connection->timer.cancel();
        connection->descriptor.close(ignored);
    }
}

Result<std::uint16_t> TcpStreams::listen(model::Family family, std::uint16_t port) {
    Fd fd = tcp_socket(family);
    if (!fd.open() && errno == EAFNOSUPPORT) return fail(Errc::unsupported, "TCP", "this host has no such family");
    if (!fd.open()) return fail(Errc::system, "TCP", std::strerror(errno));
    set(fd.number(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (family == model::Family::v6) set(fd.number(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    TRY(impl_->prepare(fd.number()));
    const SocketAddress any = SocketAddress::of({model::IpAddress::any(family), port});
    if (::bind(fd.number(), any.get(), any.size) != 0 || ::listen(fd.number(), backlog) != 0)
        return fail(Errc::system, "TCP",
                    fmt::format("cannot listen on TCP port {}: {}; is another IKE daemon running? --tcp-port chooses another",
                                port, std::strerror(errno)));
    const int number = fd.number();
    impl_->listeners.push_back(std::move(fd));
    impl_->watches.emplace_back(impl_->loop, number, [raw = impl_.get(), number] { raw->accept_waiting(number); });
    return endpoint_of(number, ::getsockname).port;
}

void TcpStreams::connect(const model::Path& path) {
    auto connection = impl_->begin(path);
    if (!connection) {
        impl_->loop.post([weak = std::weak_ptr<Impl>(impl_), name = path.stream, why = connection.error().detail] {
            if (const auto self = weak.lock()) self->events.closed(name, why);
        });
        return;
    }
    impl_->connections.emplace(path.stream, *connection);
    impl_->await_connection(*connection, path);
}

void TcpStreams::send(StreamId name, ByteView octets) {
    const Shared connection = impl_->find(name);
    if (!connection || !connection->open || connection->closing) return;
    if (connection->queue.empty()) {
        const ssize_t sent =
            ::send(connection->descriptor.native_handle(), octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) octets = octets.subspan(static_cast<std::size_t>(sent));
        // An error shows itself to the reader, too; nobody is told within his own call.
    }
    if (octets.empty()) return;
    append(connection->queue, octets);
    impl_->write(connection);
}

std::size_t TcpStreams::queued(StreamId name) const {
    const Shared connection = impl_->find(name);
    return connection ? connection->queue.size() : 0;
}

void TcpStreams::close(StreamId name) {
    const Shared connection = impl_->find(name);
    if (!connection || connection->closing) return;
    connection->closing = true;
    connection->overdue = [raw = impl_.get(), one = connection.get()] { raw->end(*one, "closed"); };
    connection->timer.set(now() + (connection->open ? impl_->times.close_grace : Duration{0}));
    if (connection->open && connection->queue.empty()) impl_->finish_sending(connection);
}

void TcpStreams::abort(StreamId name, const std::string& reason) {
    const Shared connection = impl_->find(name);
    if (!connection) return;
    connection->closing = true;
    connection->overdue = [raw = impl_.get(), one = connection.get(), reason] { raw->end(*one, reason); };
    // Not within the caller's own call.
    connection->timer.set(now());
}

}  // namespace cygnet::os
