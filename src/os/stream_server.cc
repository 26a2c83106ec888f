#include "os/stream_server.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>
#include <map>
#include <optional>

#include <asio/buffer.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/write.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/asio_loop.h"
#include "os/fd.h"
#include "os/files.h"
#include "os/socket_address.h"

namespace cygnet::os {

namespace {

constexpr std::string_view unix_scheme = "unix://";
constexpr std::string_view tcp_scheme = "tcp://";

std::unexpected<Error> listen_error(const std::string& uri, std::string why) {
    return fail(Errc::system, "control socket", fmt::format("cannot listen on {}: {}", uri, why));
}

// One listening descriptor and the file that stands for it, if any.
struct Listener {
    Fd fd;
    std::string file;
};

bool somebody_answers(const sockaddr_un& address) {
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Result<Listener> listen_unix(const std::string& uri, int backlog) {
    const std::string path = uri.substr(unix_scheme.size());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return listen_error(uri, fmt::format("a path of 1 to {} characters is accepted", sizeof address.sun_path - 1));
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (exists(path)) {
        if (somebody_answers(address))
            return listen_error(uri, "another daemon answers there; stop it, or choose another socket with --vici");
        remove_file(path);
    }
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // Who may open the file may command the daemon: owner and group only, from the first moment.
    const mode_t before = ::umask(0117);
    const int bound = ::bind(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int number = errno;
    ::umask(before);
    if (bound != 0) return listen_error(uri, std::strerror(number));
    if (::listen(fd.number(), backlog) != 0) return listen_error(uri, std::strerror(errno));
    return Listener{std::move(fd), path};
}

Result<Listener> listen_tcp(const std::string& uri, int backlog) {
    const std::string place = uri.substr(tcp_scheme.size());
    const std::size_t colon = place.rfind(':');
    std::string host = place.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const auto address = model::IpAddress::parse(host);
    std::uint16_t port = 0;
    const char* end = place.data() + place.size();
    const char* digits = colon == std::string::npos ? end : place.data() + colon + 1;
    const auto number = std::from_chars(digits, end, port);
    if (!address || number.ec != std::errc{} || number.ptr != end)
        return listen_error(uri, "tcp://ADDRESS:PORT is accepted, as in tcp://127.0.0.1:4502");
    const auto local = SocketAddress::of({*address, port});
    Fd fd(::socket(local.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int yes = 1;
    ::setsockopt(fd.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(fd.number(), local.get(), local.size) != 0 || ::listen(fd.number(), backlog) != 0)
        return listen_error(uri, std::strerror(errno));
    return Listener{std::move(fd), ""};
}

Result<Listener> listen_at(const std::string& uri, int backlog) {
    if (uri.starts_with(unix_scheme)) return listen_unix(uri, backlog);
    if (uri.starts_with(tcp_scheme)) return listen_tcp(uri, backlog);
    return listen_error(uri, "unix://PATH or tcp://ADDRESS:PORT is accepted");
}

}  // namespace

// One connected client. Reads while it is `reading`; writes the queue's front until the queue is empty.
struct Client {
    Client(asio::io_context& context, int fd, ClientId number) : descriptor(context, fd), id(number) {}

    asio::posix::stream_descriptor descriptor;
    ClientId id;
    std::array<std::uint8_t, 64 * 1024> input;
    std::deque<Bytes> queue;
    std::size_t queued = 0;
    bool reading = false;
    bool writing = false;
    bool closing = false;
};

struct StreamServer::Impl : std::enable_shared_from_this<StreamServer::Impl> {
    Impl(EventLoop& event_loop, Listener&& listening, StreamLimits stream_limits, StreamEvents stream_events)
        : loop(event_loop), listener(std::move(listening)), limits(stream_limits), events(std::move(stream_events)) {}
    ~Impl() {
        if (!listener.file.empty()) remove_file(listener.file);
    }

    void accept_waiting();
    void read(const std::shared_ptr<Client>& client);
    void write(const std::shared_ptr<Client>& client);
    void end(Client& client);
    std::shared_ptr<Client> find(ClientId id) const {
        const auto at = clients.find(id);
        return at == clients.end() ? nullptr : at->second;
    }

    EventLoop& loop;
    Listener listener;
    StreamLimits limits;
    StreamEvents events;
    std::optional<ReadWatch> watch;
    std::map<ClientId, std::shared_ptr<Client>> clients;
    std::uint64_t next_id = 1;
};

void StreamServer::Impl::accept_waiting() {
    for (;;) {
        Fd fd(::accept4(listener.fd.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd.open()) return;
        if (clients.size() >= limits.clients) continue;  // closes it at once
        const auto id = ClientId{next_id++};
        const auto client = std::make_shared<Client>(loop.impl().context, fd.release(), id);
        clients.emplace(id, client);
        events.opened(id);
        read(client);
    }
}

void StreamServer::Impl::read(const std::shared_ptr<Client>& client) {
    if (client->reading || client->closing || client->queued > limits.pause_octets) return;
    client->reading = true;
    client->descriptor.async_read_some(
        asio::buffer(client->input), [weak = weak_from_this(), client](asio::error_code error, std::size_t size) {
            client->reading = false;
            const auto self = weak.lock();
            if (!self || client->closing || !client->descriptor.is_open()) return;
            if (error) return self->end(*client);
            self->events.received(client->id, ByteView{client->input.data(), size});
            if (client->descriptor.is_open()) self->read(client);
        });
}

void StreamServer::Impl::write(const std::shared_ptr<Client>& client) {
    if (client->writing) return;
    if (client->queue.empty()) {
        if (client->closing) end(*client);
        return;
    }
    client->writing = true;
    asio::async_write(client->descriptor, asio::buffer(client->queue.front()),
                      [weak = weak_from_this(), client](asio::error_code error, std::size_t) {
                          client->writing = false;
                          const auto self = weak.lock();
                          if (!self || !client->descriptor.is_open()) return;
                          if (error) return self->end(*client);
                          client->queued -= client->queue.front().size();
                          client->queue.pop_front();
                          self->write(client);
                          if (client->descriptor.is_open()) self->read(client);
                      });
}

void StreamServer::Impl::end(Client& client) {
    asio::error_code ignored;
    client.descriptor.close(ignored);
    const ClientId id = client.id;
    if (clients.erase(id) != 0) events.closed(id);
}

Result<std::unique_ptr<StreamServer>> StreamServer::listen(EventLoop& loop, const std::string& uri, StreamLimits limits,
                                                           StreamEvents events) {
    Listener listener = TRY(listen_at(uri, static_cast<int>(limits.clients)));
    const int fd = listener.fd.number();
    auto impl = std::make_shared<Impl>(loop, std::move(listener), limits, std::move(events));
    impl->watch.emplace(loop, fd, [raw = impl.get()] { raw->accept_waiting(); });
    return std::unique_ptr<StreamServer>(new StreamServer(std::move(impl)));
}

StreamServer::StreamServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

StreamServer::~StreamServer() {
    impl_->watch.reset();
    asio::error_code ignored;
    for (const auto& [id, client] : impl_->clients) client->descriptor.close(ignored);
}

void StreamServer::send(ClientId id, Bytes octets) {
    const auto client = impl_->find(id);
    if (!client || client->closing || octets.empty()) return;
    client->queued += octets.size();
    if (client->queued > impl_->limits.queued_octets) {
        client->closing = true;
        // Not from within the caller's own iteration over its clients.
        impl_->loop.post([weak = std::weak_ptr<Impl>(impl_), client] {
            if (const auto self = weak.lock()) self->end(*client);
        });
        return;
    }
    client->queue.push_back(std::move(octets));
    impl_->write(client);
}

void StreamServer::close(ClientId id) {
    const auto client = impl_->find(id);
    if (!client || client->closing) return;
    client->closing = true;
    impl_->loop.post([weak = std::weak_ptr<Impl>(impl_), client] {
        if (const auto self = weak.lock(); self && client->descriptor.is_open()) self->write(client);
    });
}

std::size_t StreamServer::queued(ClientId id) const {
    const auto client = impl_->find(id);
    return client ? client->queued : 0;
}

}  // namespace cygnet::os
