// One host: an engine, its backend and what the operator asked of it. Executes effects in their order, as
// the daemon's driver does.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ike/engine.h"
#include "ike/test_pads.h"
#include "sim/checkers.h"
#include "sim/packet.h"
#include "sim/story.h"

namespace cygnet::sim {

class Node;

// What a node needs of the world around it.
class Surroundings {
public:
    virtual ~Surroundings() = default;
    virtual Instant now() const = 0;
    virtual void transmit(Node& from, Packet packet) = 0;
    virtual void compute(Node& node, ike::JobId id, crypto::Job job) = 0;
    // TCP, RFC 9329; a world without it loses what is sent there.
    virtual void open_stream(Node&, const model::Path&) {}
    virtual void close_stream(Node&, model::StreamId) {}
    virtual void inner_packet_arrived(Node& at, const InnerPacket& packet) = 0;

    Story story{};
    Checkers checkers{};
};

struct NodeSettings {
    std::string name;
    model::IpAddress address;
    std::shared_ptr<const model::Config> config{};
    std::shared_ptr<const ike::Credentials> credentials{};
    ike::EngineSettings engine{};
    std::optional<model::IpAddress> peer{};  // whom traps wake
    std::uint16_t tcp_port = 0;  // listens there
    ike::test::FakePads pads{};  // one-time PPKs, on a disk
};

class Node {
public:
    Node(NodeSettings settings, std::uint64_t seed, Surroundings& surroundings);

    const std::string& name() const { return settings_.name; }
    // The first of its addresses.
    model::IpAddress address() const { return settings_.address; }
    std::uint16_t tcp_port() const { return settings_.tcp_port; }
    bool has(model::IpAddress address) const;
    // From now on these are usable, the first one best; `others` still receive.
    void move(std::vector<model::IpAddress> usable, std::vector<model::IpAddress> others = {});
    const ike::EngineSettings& engine_settings() const { return settings_.engine; }

    // A crash forgets everything: SAs, jobs, the data plane. A start begins with the configuration and what was kept for it.
    void crash();
    void lose_kept_secrets() { kept_.clear(); }
    void start();
    bool running() const { return engine_ != nullptr; }
    unsigned incarnation() const { return incarnation_; }

    void step(ike::Input input);
    void receive(const Packet& packet);
    // False when neither an SA nor a trap takes the packet, which a worker of the data plane has: it is not sent in the clear.
    bool send(const InnerPacket& packet, model::Resource worker = model::every_resource);
    // The data plane's counters, as the daemon reports them from time to time.
    void report_usage();

    Instant next_deadline() const { return engine_ ? engine_->next_deadline() : Instant::never(); }
    const ike::Engine& engine() const { return *engine_; }
    const FakeBackend& backend() const { return backend_; }
    std::vector<model::IkeStatus> list() const;

    // Nothing while the command runs. Commands that a crash swallowed are failed.
    std::optional<Result<>> outcome(ike::CommandId id) const;
    bool commands_pending() const;
    void expect_command(ike::CommandId id) { commands_[id] = std::nullopt; }

    // Counted reports, by the kind of the event.
    struct Reported {
        unsigned ike_up = 0, ike_down = 0, ike_rekeyed = 0, child_up = 0, child_down = 0, child_rekeyed = 0, alerts = 0, ike_moved = 0;
        std::map<std::string, unsigned> alert_types{};
    };
    const Reported& reported() const { return reported_; }
    // Packets that wait at a trap.
    std::size_t held() const { return held_.size(); }
    const std::vector<model::IpAddress>& assigned() const { return assigned_; }

private:
    void execute(ike::Effect& effect);
    bool try_send(const InnerPacket& packet, model::Resource worker = model::every_resource);
    void send_held();
    ike::GatewayFound gateway_path(const ike::FindGateway& asked) const;
    ike::PathsFound paths(const ike::FindPaths& asked) const;
    void note(const model::Event& event);
    void tell(std::string what, const model::IkeSaId* sa = nullptr, std::optional<std::uint32_t> message_id = {});

    NodeSettings settings_;
    Surroundings& surroundings_;
    std::uint64_t seed_;
    unsigned incarnation_ = 0;
    std::unique_ptr<SeededRng> rng_{};
    std::unique_ptr<ike::Engine> engine_{};
    SecretBytes kept_{};  // on its disk
    FakeBackend backend_{};
    std::map<ike::CommandId, std::optional<Result<>>> commands_{};
    Reported reported_{};
    std::vector<model::IpAddress> assigned_{};
    std::deque<InnerPacket> held_{};
    std::vector<ike::FetchId> fetches_{};  // of this step
    std::vector<ike::ObtainPpks> ppk_wishes_{};
    std::vector<model::IpAddress> usable_{}, others_{};
    std::vector<ike::Input> inputs_{};  // that effects of a step cause, for the next
};

}  // namespace cygnet::sim
