// A client of the control socket: one connection, one command at a time, events meanwhile.
#pragma once

#include <functional>
#include <string>

#include "vici/packet.h"

namespace cygnet::cli {

class Client {
public:
    // unix:///path or tcp://address:port. The error's detail says what to do.
    static Result<Client> connect(const std::string& uri);
    Client(Client&& other) noexcept;
    Client& operator=(Client&& other) noexcept;
    ~Client();

    using OnEvent = std::function<void(const std::string& name, const vici::Section& message)>;

    Result<> subscribe(const std::string& event);
    // The response. Events that arrive before it go to `on_event`.
    Result<vici::Section> request(const std::string& command, const vici::Section& message = {},
                                  const OnEvent& on_event = {});
    // Events for ever, or until the daemon closes the connection.
    Result<> listen(const OnEvent& on_event);

private:
    explicit Client(int socket) : socket_(socket) {}
    Result<> send(const vici::Packet& packet);
    Result<vici::Packet> receive();

    int socket_ = -1;
    vici::SegmentReader reader_{};
};

}  // namespace cygnet::cli
