#include "cli/client.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace cygnet::cli {
namespace {

std::unexpected<Error> unreachable(const std::string& uri, int error) {
    std::string advice;
    if (error == ENOENT || error == ECONNREFUSED)
        advice = "; is cygnetd running? Start it, or name its control socket with --vici";
    else if (error == EACCES || error == EPERM)
        advice = "; only the owner of the control socket may use it: run this as root";
    return fail(Errc::system, "control socket", "cannot connect to " + uri + ": " + std::strerror(error) + advice);
}

Result<int> connect_unix(const std::string& uri, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(Errc::limit, "control socket", "the path " + path + " is too long for a socket");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return unreachable(uri, errno);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
    const int error = errno;
    ::close(socket);
    return unreachable(uri, error);
}

Result<int> connect_tcp(const std::string& uri, const std::string& target) {
    const auto colon = target.rfind(':');
    if (colon == target.npos) return fail(Errc::bad_syntax, "control socket", "tcp:// needs ADDRESS:PORT, as in tcp://127.0.0.1:4502");
    std::string host = target.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), target.c_str() + colon + 1, &hints, &found); error != 0)
        return fail(Errc::system, "control socket", "cannot find " + target + ": " + gai_strerror(error));
    int last = ECONNREFUSED;
    int connected = -1;
    for (const addrinfo* at = found; at != nullptr && connected < 0; at = at->ai_next) {
        const int socket = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (socket >= 0 && ::connect(socket, at->ai_addr, at->ai_addrlen) == 0) {
            connected = socket;
        } else {
            last = errno;
            if (socket >= 0) ::close(socket);
        }
    }
    ::freeaddrinfo(found);
    if (connected < 0) return unreachable(uri, last);
    return connected;
}

}  // namespace

Result<Client> Client::connect(const std::string& uri) {
    constexpr std::string_view unix_scheme = "unix://", tcp_scheme = "tcp://";
    if (uri.starts_with(unix_scheme)) return Client(TRY(connect_unix(uri, uri.substr(unix_scheme.size()))));
    if (uri.starts_with(tcp_scheme)) return Client(TRY(connect_tcp(uri, uri.substr(tcp_scheme.size()))));
    return fail(Errc::bad_syntax, "control socket", "'" + uri + "' is neither unix://PATH nor tcp://ADDRESS:PORT");
}

Client::Client(Client&& other) noexcept : socket_(std::exchange(other.socket_, -1)), reader_(std::move(other.reader_)) {}

Client& Client::operator=(Client&& other) noexcept {
    std::swap(socket_, other.socket_);
    std::swap(reader_, other.reader_);
    return *this;
}

Client::~Client() {
    if (socket_ >= 0) ::close(socket_);
}

Result<> Client::send(const vici::Packet& packet) {
    const Bytes segment = TRY(vici::encode(packet));
    ByteView left = segment;
    while (!left.empty()) {
        const auto sent = ::send(socket_, left.data(), left.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return fail(Errc::system, "control socket", std::string("the daemon closed the connection: ") + std::strerror(errno));
        left = left.subspan(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<vici::Packet> Client::receive() {
    while (true) {
        if (const auto segment = TRY(reader_.next())) return vici::decode_packet(*segment);
        std::array<std::uint8_t, 65536> buffer;
        const auto size = ::recv(socket_, buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail(Errc::system, "control socket", std::strerror(errno));
        if (size == 0) return fail(Errc::system, "control socket", "the daemon closed the connection");
        reader_.feed(ByteView(buffer).first(static_cast<std::size_t>(size)));
    }
}

Result<> Client::subscribe(const std::string& event) {
    TRY(send({.type = vici::PacketType::event_register, .name = event}));
    while (true) {
        const vici::Packet packet = TRY(receive());
        if (packet.type == vici::PacketType::event_confirm) return {};
        if (packet.type == vici::PacketType::event_unknown)
            return fail(Errc::unsupported, "control socket", "the daemon has no event '" + event + "'");
    }
}

Result<vici::Section> Client::request(const std::string& command, const vici::Section& message, const OnEvent& on_event) {
    TRY(send({.type = vici::PacketType::command_request, .name = command, .message = message}));
    while (true) {
        vici::Packet packet = TRY(receive());
        if (packet.type == vici::PacketType::command_response) return std::move(packet.message);
        if (packet.type == vici::PacketType::command_unknown)
            return fail(Errc::unsupported, "control socket", "the daemon has no command '" + command + "'");
        if (packet.type == vici::PacketType::event && on_event) on_event(packet.name, packet.message);
    }
}

Result<> Client::listen(const OnEvent& on_event) {
    while (true) {
        const vici::Packet packet = TRY(receive());
        if (packet.type == vici::PacketType::event) on_event(packet.name, packet.message);
    }
}

}  // namespace cygnet::cli
