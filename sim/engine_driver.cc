#include "sim/engine_driver.h"

#include <deque>

#include "base/reader.h"
#include "sim/hosts.h"

namespace cygnet::sim {
namespace {

constexpr std::size_t operations_max = 40;

// Jobs end at once; datagrams wait until the script says what becomes of them.
class Wire final : public Surroundings {
public:
    Wire() {
        for (const bool at_a : {true, false}) nodes_.emplace_back(gateway(at_a, {.esp = "aes256gcm16-x25519"}), at_a ? 1 : 2, *this);
    }
    Instant now() const override { return now_; }
    Node& side(std::size_t index) { return nodes_[index & 1]; }
    bool waiting() const { return !packets_.empty(); }
    Packet& front() { return packets_.front(); }
    Packet take() {
        Packet packet = std::move(packets_.front());
        packets_.pop_front();
        return packet;
    }
    void deliver(const Packet& packet) {
        side(packet.to.address == address_a ? 0 : 1).receive(packet);
        run_jobs();
    }
    void input(std::size_t at, ike::Input input) {
        side(at).step(std::move(input));
        run_jobs();
    }
    void pass(Duration time) {
        now_ = now_ + time;
        for (const std::size_t at : {0U, 1U}) input(at, ike::Tick{});
    }
    void command(std::uint8_t kind) {
        const auto id = static_cast<ike::CommandId>(++commands_);
        const std::size_t at = kind & 1;
        side(at).expect_command(id);
        const ike::SaSelector& which = (kind & 8) != 0 ? the_ike : the_child;
        if ((kind >> 1 & 3) == 0)
            return input(at, ike::Initiate{.id = id, .connection = "gw", .child = "net", .path = {.local = {side(at).address(), 500}, .remote = {side(at + 1).address(), 500}}});
        if ((kind >> 1 & 3) == 1) return input(at, ike::Terminate{.id = id, .which = which});
        input(at, ike::Rekey{.id = id, .which = which});
    }

private:
    void transmit(Node&, Packet packet) override { packets_.push_back(std::move(packet)); }
    void compute(Node& node, ike::JobId id, crypto::Job job) override { jobs_.push_back({&node, id, std::move(job)}); }
    void inner_packet_arrived(Node&, const InnerPacket&) override {}
    void run_jobs() {
        while (!jobs_.empty()) {
            Waiting job = std::move(jobs_.front());
            jobs_.pop_front();
            job.node->step(ike::JobDone{.id = job.id, .result = crypto::run(std::move(job.job))});
        }
    }

    struct Waiting {
        Node* node;
        ike::JobId id;
        crypto::Job job;
    };
    Instant now_ = Instant::after_start(seconds(1));
    std::deque<Packet> packets_{};
    std::deque<Waiting> jobs_{};
    std::deque<Node> nodes_{};
    std::uint64_t commands_ = 0;
};

void perform(Wire& wire, std::uint8_t operation, Reader& script) {
    const auto octet = [&script] { return script.u8("script").value_or(0); };
    if (operation == 0) {
        const std::size_t size = octet();
        const auto datagram = script.take(std::min(size, script.left()), "datagram");
        return wire.deliver({.from = {model::IpAddress::v4(0xcb007142), 500}, .to = {address_b, 500}, .content = keep(datagram.value_or(ByteView()))});
    }
    if (operation == 5) return wire.pass(seconds(octet()));
    if (operation == 6) return wire.command(octet());
    if (operation == 7) {
        for (std::size_t i = 0; i < 100 && wire.waiting(); ++i) wire.deliver(wire.take());
        return;
    }
    if (!wire.waiting()) return;
    Packet packet = wire.take();
    if (operation == 2) return;
    if (operation == 4 && packet.ike() != nullptr) {
        auto& octets = std::get<Bytes>(packet.content);
        const std::size_t at = octet();
        octets[at % octets.size()] ^= octet();
    }
    wire.deliver(packet);
    if (operation == 3) wire.deliver(packet);
}

}  // namespace

int drive_engines(ByteView octets) {
    Wire wire;
    Reader script(octets);
    for (std::size_t i = 0; i < operations_max && !script.empty(); ++i) {
        perform(wire, script.u8("operation").value() % 8, script);
        ASSERT(!wire.checkers.violation());
    }
    return 0;
}

}  // namespace cygnet::sim
