// What the control socket needs of the daemon: the other half of Service.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ike/credentials.h"
#include "ike/effects.h"
#include "ike/engine.h"
#include "model/config.h"
#include "model/counters.h"
#include "model/packet_drops.h"
#include "model/failure.h"
#include "model/status.h"

namespace cygnet::vici {

// One connection of a client to the control socket; chosen by the daemon, never reused.
enum class ClientId : std::uint64_t {};

// For `version` and `stats`.
struct DaemonFacts {
    std::string version;                  // of Cygnet
    std::string system, release, machine;  // as uname(2) says
    std::string since;                    // when the daemon started, for people: "Nov 23 18:22:58 2026"
    Duration running{0};
    ike::Engine::Population population{};
    std::size_t workers = 0;              // threads of the job pool
    std::string data_plane{};             // who does ESP, in a few words
};

// Implemented by the daemon. Everything is called on the control thread, from within Service's functions.
class Control {
public:
    virtual ~Control() = default;

    // Queues one segment for a client; never blocks. A client that does not read (more than
    // limits::vici_queued_octets wait) is disconnected by the daemon.
    virtual void send(ClientId client, Bytes segment) = 0;
    // Ends the connection of a client that broke the protocol, after what was queued; `why` is for the log. The daemon
    // then calls Service::disconnected, later.
    virtual void drop(ClientId client, const std::string& why) = 0;

    // Commands of operators. `finished` is called once, at once or later, with how many SAs matched.
    using Finished = std::function<void(const Result<>& result, std::uint32_t matches)>;
    // Both names are known to exist in the configuration; an empty child brings up the IKE SA alone.
    virtual void initiate(const std::string& connection, const std::string& child, Finished finished) = 0;
    // start_action = start: the same without an asker; the daemon tries again while the peer's name or the route to
    // it is not known yet.
    virtual void start(const std::string& connection, const std::string& child) = 0;
    // The operator ends SAs of the connection: keep_up does not bring them back until it is initiated or changed.
    virtual void leave_down(const std::string& connection) = 0;
    // keep_up: how long until the connection is tried again; nothing if it is not waiting for that.
    virtual std::optional<Duration> next_attempt(const std::string& connection) const = 0;
    virtual void terminate(const ike::SaSelector& which, bool force, Finished finished) = 0;
    // `reauthenticate`: not new keys, but a new IKE SA beside the old one that it replaces.
    virtual void rekey(const ike::SaSelector& which, bool reauthenticate, Finished finished) = 0;
    virtual void clone(const ike::SaSelector& which, Finished finished) = 0;  // of IKE SAs, RFC 7791

    // Traps and shunts of a child: `install` and `uninstall`, start_action = trap.
    virtual void install(const std::string& connection, const std::string& child, Finished finished) = 0;
    virtual void uninstall(const std::string& connection, const std::string& child, Finished finished) = 0;
    // Sends peers to another gateway (RFC 5685); the id is the daemon's to choose.
    virtual void redirect(const ike::Redirect& which, Finished finished) = 0;

    // A new configuration for the engine, after load-* and unload-* (many of them together).
    virtual void configure(std::shared_ptr<const model::Config> config,
                           std::shared_ptr<const ike::Credentials> credentials) = 0;
    // `reload-settings`, `cygnet reload`: reads the daemon's own configuration files again into the store.
    // The error's detail holds one line for each thing that is wrong.
    virtual Result<> reload() = 0;

    // What is remembered of peers' certificates: list-certs, flush-certs.
    virtual ike::Engine::CertificateCaches certificate_caches() const = 0;
    virtual std::vector<model::IkeStatus> ike_sas() const = 0;  // with traffic counters
    virtual std::vector<model::PolicyStatus> policies() const = 0;
    virtual std::vector<ike::Engine::PoolStatus> pools() const = 0;
    virtual model::Counters counters() const = 0;
    virtual model::Counters counters(std::string_view connection) const = 0;
    virtual model::PacketDrops packet_drops() const = 0;  // of the data plane
    // Why connections are not up: of one (all: an empty name), and of strangers.
    virtual std::vector<model::Failure> failures(std::string_view connection) const = 0;
    virtual std::vector<model::Failure> stranger_failures() const = 0;
    virtual DaemonFacts facts() const = 0;
};

}  // namespace cygnet::vici
