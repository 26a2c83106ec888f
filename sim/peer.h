// Those whom no engine drives: a stranger who sends what it likes from its own address and writes down the replies, and
// somebody on the path who sees, keeps and repeats what others send.
#pragma once

#include <vector>

#include "sim/hosts.h"

namespace cygnet::sim {

class Stranger {
public:
    explicit Stranger(World& world, std::string_view address = "203.0.113.66");

    void send(const Node& to, Bytes message);
    std::vector<Bytes> replies{};

private:
    World& world_;
    model::IpAddress address_;
};

// Does something with each IKE message that passes; the message itself goes on.
class Wiretap {
public:
    using Action = std::function<void(Wiretap& tap, const Packet& packet)>;
    Wiretap(World& world, Action action);
    ~Wiretap() { world_.meddler = nullptr; }
    Wiretap(const Wiretap&) = delete;
    Wiretap& operator=(const Wiretap&) = delete;

    // Puts a forged packet into the network; it does not pass the tap again.
    void inject(Packet packet);
    std::vector<Packet> seen{};

private:
    World& world_;
    Action action_;
    bool injecting_ = false;
};

// The first request of a handshake, as a sends it.
Bytes captured_first_request();

}  // namespace cygnet::sim
