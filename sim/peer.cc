#include "sim/peer.h"

namespace cygnet::sim {

Stranger::Stranger(World& world, std::string_view address) : world_(world), address_(model::IpAddress::parse(address).value()) {
    world.listen(address_, [this](const Packet& packet) {
        if (const Bytes* message = packet.ike()) replies.push_back(*message);
    });
}

void Stranger::send(const Node& to, Bytes message) {
    world_.transmit_from("stranger", {.from = {address_, 500}, .to = {to.address(), 500}, .content = std::move(message)});
}

Wiretap::Wiretap(World& world, Action action) : world_(world), action_(std::move(action)) {
    world.meddler = [this](Packet& packet) {
        if (injecting_ || packet.ike() == nullptr) return true;
        seen.push_back(packet);
        action_(*this, packet);
        return true;
    };
}

void Wiretap::inject(Packet packet) {
    injecting_ = true;
    world_.transmit_from("wiretap", std::move(packet));
    injecting_ = false;
}

Bytes captured_first_request() {
    World world(99);
    Gateways gateways(world, {});
    Wiretap tap(world, [](Wiretap&, const Packet&) {});
    world.initiate(gateways.a, gateways.b);
    world.run_for(milliseconds(1));
    return *tap.seen.at(0).ike();
}

}  // namespace cygnet::sim
