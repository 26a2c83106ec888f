// TCP between hosts: what goes in comes out in order or not at all, however bad the link is. A link that is cut or a firewall
// holds everything back, and breaks the stream when it takes too long. Each end has a name of its own for the stream.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "sim/packet.h"

namespace cygnet::sim {

class Node;
class World;

class Streams {
public:
    explicit Streams(World& world) : world_(world) {}

    void open(Node& from, const model::Path& path);
    void close(Node& at, model::StreamId stream);
    void send(Node& from, Packet packet);
    // Somebody resets all connections. The ends learn of it at once, or only when they send: `silently`.
    void reset(bool silently = false);
    std::size_t count() const;  // of those that work

private:
    struct End {
        Node* node = nullptr;
        unsigned incarnation = 0;
        model::StreamId name{};
        model::Path path{};     // as this end sees it
        bool closed = false;    // sends nothing more
        bool told = false;      // that it ended
    };
    struct Waiting {
        Packet packet;
        Instant since;
    };
    struct Stream {
        std::array<End, 2> ends{};
        std::array<std::deque<Waiting>, 2> queues{};  // towards the other end
        std::array<bool, 2> pumping{};
        bool broken = false;
    };
    using Shared = std::shared_ptr<Stream>;

    Shared find(const Node& at, model::StreamId stream, std::size_t& end) const;
    void connect(Node& from, const model::Path& path);
    void pump(const Shared& stream, std::size_t from);
    void deliver(const Shared& stream, std::size_t to, Packet packet);
    void tell_end(const Shared& stream, std::size_t end, const std::string& reason);
    void break_down(const Shared& stream, const std::string& reason, bool silently = false);
    void refuse(Node& from, model::StreamId stream, Duration after, const std::string& reason);
    bool blocked() const;

    World& world_;
    std::vector<Shared> streams_{};
    std::uint64_t last_accepted_ = 1;
    std::uint16_t last_port_ = 40'000;
};

}  // namespace cygnet::sim
