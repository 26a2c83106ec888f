// The only place that executes the effects of the protocol core, in their order:
//
//   datagrams, commands, job results, data plane's news ──► Driver ──► Engine::step ──► effects ──► Driver ──►
//       Send, SendKeepalive ► Network       InstallChild … MoveChild ► ChildBackend      StartJob ► JobPool
//       OpenStream … StreamProven ► Network (TCP)
//       AssignAddress ► Network             Report ► log and control socket              CommandDone ► who asked
//       Fetch ► Fetcher
//       Persist ► passes at once (a single node stores nothing)
//
// Inputs that effects cause (a child that could not be installed) wait until the step is over.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/rng.h"
#include "daemon/fetcher.h"
#include "daemon/ppk_sources.h"
#include "daemon/fitting.h"
#include "daemon/log.h"
#include "daemon/network.h"
#include "ike/engine.h"
#include "os/event_loop.h"
#include "os/job_pool.h"

namespace cygnet::daemon {

// How a command ended: how many SAs it matched, or why it failed.
struct CommandOutcome {
    Result<> result;
    std::uint32_t matches = 0;
};

class Driver {
public:
    // All references outlive the Driver. The network may be set later (it reports to the Driver), but before the loop runs.
    Driver(os::EventLoop& loop, os::JobPool& jobs, Log& log, Rng& rng, const ike::EngineSettings& settings);

    void use(Network& network) {
        network_ = &network;
        engine_.set_resources(network.children().resources());
    }
    // Looks up the way to a gateway that a peer redirects to, and answers by gateway_found().
    using GatewayFinder = std::function<void(ike::RedirectId, std::shared_ptr<const model::Connection>, const std::string&)>;
    void on_redirect(GatewayFinder finder) { find_gateway_ = std::move(finder); }
    // `hears_of_sas`: whether somebody is there who hears that SAs come up; such events cost a snapshot each.
    void on_event(std::function<void(const model::Event&)> listener, std::function<bool()> hears_of_sas = [] { return true; }) {
        listener_ = std::move(listener);
        hears_of_sas_ = std::move(hears_of_sas);
    }

    // Where the secrets of the engine outlive a restart: what is there already is handed to it.
    void keep_secrets_in(std::string path);
    void configure(std::shared_ptr<const model::Config> config, std::shared_ptr<const ike::Credentials> credentials);
    void datagram_arrived(const model::Path& path, ByteView message);
    void inbound_seen(model::ChildId child);
    void limit_reached(model::ChildId child);
    void stream_opened(const model::Path& path);
    void stream_closed(model::StreamId stream, const std::string& reason);
    void peer_moved(model::ChildId child, const model::Path& path);
    void addresses_changed(ike::HostAddresses addresses);
    void gateway_found(ike::RedirectId id, Result<model::Path> path);

    void selectors_violated(model::ChildId child, ByteView packet);
    void resource_wanted(model::ChildId child, model::Resource worker);
    // A packet met a trap; `path` to the connection's peer, nothing when it is not known.
    void acquire(model::PolicyId policy, const model::PacketEnds& packet, std::optional<model::Path> path);

    using Finished = std::function<void(const CommandOutcome&)>;
    void initiate(std::string connection, std::string child, const model::Path& path, Finished finished);
    void terminate(ike::SaSelector which, bool force, Finished finished);
    void rekey(ike::SaSelector which, bool reauthenticate, Finished finished);
    void install(std::string connection, std::string child, std::optional<model::Path> path, Finished finished);
    void uninstall(std::string connection, std::string child, Finished finished);
    void redirect(ike::Redirect which, Finished finished);
    void clone(ike::SaSelector which, Finished finished);

    std::string data_plane() const { return network_->children().description(); }
    model::PacketDrops packet_drops() const { return network_->children().packet_drops(); }
    void note_failure(model::Failure failure) { engine_.note_failure(std::move(failure)); }
    // SAs with the traffic counters of the data plane.
    std::vector<model::IkeStatus> list() const;
    const ike::Engine& engine() const { return engine_; }

private:
    struct Executor;

    void step(ike::Input input);
    void execute(ike::Effects& effects);
    ike::CommandId remember(Finished finished);
    void install(ike::InstallChild& effect);
    void install(const ike::InstallPolicy& effect);
    void run(ike::StartJob& effect);
    void fetch(const ike::Fetch& effect);
    void obtain(ike::ObtainPpks& effect);
    void assign(const ike::AssignAddress& effect);
    void store(const ike::KeepSecrets& effect);
    void report(model::Event event);
    void finish(ike::CommandDone& effect);
    void read_usage();
    void give_up(model::ChildId child);
    void fill_usage(model::ChildStatus& child) const;

    os::JobPool& jobs_;
    Log& log_;
    ike::Engine engine_;
    Network* network_ = nullptr;
    GatewayFinder find_gateway_{};
    std::function<void(const model::Event&)> listener_ = [](const model::Event&) {};
    std::function<bool()> hears_of_sas_ = [] { return false; };

    Fetcher fetcher_;
    PpkSources ppk_sources_;
    Fitting fitting_;
    std::string secrets_path_;  // empty: nothing is kept
    std::deque<ike::Input> inputs_;
    ike::Effects effects_;  // of the step that is being executed
    bool stepping_ = false;
    os::Timer deadline_;
    os::Timer usage_timer_;
    std::unordered_map<model::ChildId, std::uint64_t> children_;  // installed, with the packets of both directions told last
    std::map<ike::CommandId, Finished> commands_;
    std::uint64_t next_command_ = 1;
};

}  // namespace cygnet::daemon
