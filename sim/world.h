// The world in a box: hosts, one network, one virtual clock, one seed. Everything that happens is an event in a queue;
// between two events no time passes, so a run is the same each time.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "sim/faults.h"
#include "sim/network.h"
#include "sim/node.h"
#include "sim/streams.h"

namespace cygnet::sim {

// Packets through a tunnel, and what became of them.
struct Flow {
    Node* from = nullptr;
    Node* to = nullptr;
    model::IpAddress source, destination;
    std::uint64_t sent = 0, delivered = 0;
    std::uint64_t unsent = 0;              // no SA took them
    model::Resource worker = model::every_resource;  // of the data plane, that has them
};

// A host without an engine: it hears what is sent to its address.
using Listener = std::function<void(const Packet&)>;
// Sees each packet before the network takes it and may change it; false: the packet vanishes.
using Meddler = std::function<bool(Packet&)>;

class World final : public Surroundings {
public:
    explicit World(std::uint64_t seed);

    Network network{};
    Streams streams{*this};
    Faults faults{};
    Meddler meddler{};
    SeededRng rng;

    Node& add(NodeSettings settings);
    Node& node(std::string_view name);
    void listen(model::IpAddress address, Listener listener) { listeners_[address] = std::move(listener); }

    // ---- time
    Instant now() const override { return now_; }
    void after(Duration delay, std::move_only_function<void()> action);
    void run_for(Duration time);
    // Runs until the condition holds after some event; false if it does not within `limit`, or when a checker objects.
    bool run_until(const std::function<bool()>& condition, Duration limit);

    // ---- operators
    ike::CommandId initiate(Node& from, const Node& to, const std::string& child = "net");
    ike::CommandId install(Node& at, const Node& peer, const std::string& child = "net");
    ike::CommandId rekey(Node& at, ike::SaSelector which);
    ike::CommandId reauthenticate(Node& at, ike::SaSelector which);
    ike::CommandId terminate(Node& at, ike::SaSelector which, bool force = false);
    unsigned initiated() const { return initiated_; }

    // ---- traffic: a packet of each flow per interval, from now on
    Flow& add_flow(Node& from, Node& to, model::IpAddress source, model::IpAddress destination);
    void start_traffic(Duration interval);
    void stop_traffic() { traffic_interval_ = Duration{0}; }
    const std::deque<Flow>& flows() const { return flows_; }

    // ---- verdicts
    bool failed() const { return checkers.violation().has_value(); }
    // Of a scenario: a violation unless the condition holds.
    void expect(bool condition, const std::string& what);
    // Nothing is under way and both ends have the same IKE SAs and children, each of which carries packets.
    bool agree(const Node& a, const Node& b) const;
    // What each of them has, in one line: for the verdict that they do not agree.
    std::string stand_of(const Node& a, const Node& b) const;
    bool idle() const { return packets_under_way_ == 0 && jobs_under_way_ == 0; }

    Node* find(const model::IpAddress& address);
    // Packets and messages that have not arrived: nothing has settled before.
    void note_under_way(bool begins) { begins ? ++packets_under_way_ : --packets_under_way_; }
    // Puts a packet into the network, whoever sends it.
    void transmit_from(const std::string& who, Packet packet);

private:
    void transmit(Node& from, Packet packet) override;
    void compute(Node& node, ike::JobId id, crypto::Job job) override;
    void open_stream(Node& from, const model::Path& path) override { streams.open(from, path); }
    void close_stream(Node& at, model::StreamId stream) override { streams.close(at, stream); }
    void inner_packet_arrived(Node& at, const InnerPacket& packet) override;
    void arrive(Packet packet);
    void pulse(std::uint64_t generation);
    // Performs the next event at or before `end`; false when there is none.
    bool advance(Instant end);
    ike::CommandId next_command(Node& at);
    void tell_fate(const std::string& who, const Packet& packet, const std::string& fate);

    Instant now_ = Instant::after_start(seconds(1));
    std::multimap<Instant, std::move_only_function<void()>> queue_{};  // equal times: first come, first served
    std::deque<Node> nodes_{};
    std::map<model::IpAddress, Listener> listeners_{};
    std::deque<Flow> flows_{};
    std::map<std::uint64_t, Flow*> serials_{};  // of packets that have not arrived
    std::uint64_t last_serial_ = 0, last_command_ = 0, traffic_generation_ = 0;
    Duration traffic_interval_{0};
    Instant usage_reported_{};
    std::size_t packets_under_way_ = 0, jobs_under_way_ = 0;  // of IKE
    unsigned initiated_ = 0;
};

}  // namespace cygnet::sim
