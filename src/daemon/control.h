// The daemon's half of the control socket: clients and their octets on one side, the Driver on the other.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "daemon/connector.h"
#include "daemon/driver.h"
#include "daemon/options.h"
#include "os/stream_server.h"
#include "vici/file_source.h"
#include "vici/service.h"

namespace cygnet::daemon {

// Files of this host.
class HostFiles final : public vici::FileSource {
public:
    Result<std::string> read(const std::string& path) override;
    std::vector<std::string> glob(const std::string& pattern) override;
};

class Control final : public vici::Control {
public:
    // All references outlive the Control. `store` was filled from the files before.
    Control(os::EventLoop& loop, os::JobPool& jobs, Log& log, Driver& driver, vici::ConfigStore& store, Rng& rng,
            const Options& options, std::string version);
    ~Control() override;

    // Opens the socket and hands what is configured to the engine.
    Result<> start();
    // Reads the files again; what is wrong is logged and nothing changes.
    void reload_by_signal();

    // A packet met a trap: finds the way to the connection's peer and asks the engine for the child.
    void acquire(model::PolicyId policy, const model::PacketEnds& packet);

    void send(vici::ClientId client, Bytes segment) override;
    void drop(vici::ClientId client, const std::string& why) override;
    void initiate(const std::string& connection, const std::string& child, Finished finished) override;
    void start(const std::string& connection, const std::string& child) override;
    void leave_down(const std::string& connection) override { connector_.leave_down(connection); }
    std::optional<Duration> next_attempt(const std::string& connection) const override {
        return connector_.next_attempt(connection);
    }
    void terminate(const ike::SaSelector& which, bool force, Finished finished) override;
    void rekey(const ike::SaSelector& which, bool reauthenticate, Finished finished) override;
    void install(const std::string& connection, const std::string& child, Finished finished) override;
    void uninstall(const std::string& connection, const std::string& child, Finished finished) override;
    std::vector<model::PolicyStatus> policies() const override { return driver_.engine().policies(); }
    void redirect(const ike::Redirect& which, Finished finished) override;
    void clone(const ike::SaSelector& which, Finished finished) override;
    void configure(std::shared_ptr<const model::Config> config, std::shared_ptr<const ike::Credentials> credentials) override;
    Result<> reload() override;
    std::vector<model::IkeStatus> ike_sas() const override { return driver_.list(); }
    ike::Engine::CertificateCaches certificate_caches() const override { return driver_.engine().certificate_caches(); }
    std::vector<ike::Engine::PoolStatus> pools() const override { return driver_.engine().pools(); }
    model::Counters counters() const override { return driver_.engine().counters(); }
    model::Counters counters(std::string_view connection) const override { return driver_.engine().counters(connection); }
    model::PacketDrops packet_drops() const override { return driver_.packet_drops(); }
    std::vector<model::Failure> failures(std::string_view connection) const override {
        return connection.empty() ? driver_.engine().failures() : driver_.engine().failures(connection);
    }
    std::vector<model::Failure> stranger_failures() const override { return driver_.engine().stranger_failures(); }
    vici::DaemonFacts facts() const override;

private:
    void set_deadline();

    os::EventLoop& loop_;
    os::JobPool& jobs_;
    Log& log_;
    Driver& driver_;
    vici::ConfigStore& store_;
    const Options& options_;
    std::string version_;
    std::string since_;
    HostFiles files_;
    Connector connector_;
    vici::Service service_;
    os::Timer deadline_;
    std::set<model::PolicyId> acquiring_;  // whose peer's name is being looked up
    std::unique_ptr<os::StreamServer> server_;
};

}  // namespace cygnet::daemon
