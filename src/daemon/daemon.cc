#include "daemon/daemon.h"

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "crypto/catalogue.h"
#include "crypto/prf.h"
#include "daemon/control.h"
#include "daemon/driver.h"
#include "daemon/host_network.h"
#include "daemon/log.h"
#include "os/files.h"
#include "os/host.h"

namespace cygnet::daemon {

using model::LogGroup;

namespace {

// How long the peers may take to answer our Deletes when we end.
constexpr Duration farewell = seconds(2);

// The lines of everything that is wrong with the configuration; none: it is in the store.
std::vector<std::string> load(vici::ConfigStore& store, const Options& options) {
    if (!options.config_named && !os::exists(options.config)) return {};
    HostFiles files;
    std::vector<std::string> lines;
    for (const auto& complaint : vici::load_files(store, files, options.config)) lines.push_back(complaint.line());
    return lines;
}

// One line on standard error; what an operator reads before there is a log.
int refuse(const Error& error) {
    fmt::print(stderr, "cygnetd: {}\n", error.detail.empty() ? error.text() : error.detail);
    return 1;
}

ike::EngineSettings engine_settings(const Options& options) {
    const NetworkSettings& network = options.network;
    ike::EngineSettings settings;
    settings.puzzles = options.puzzles;
    settings.port = network.port;
    settings.nat_port = network.nat_port;
    return settings;
}

// The folder of the socket, marked as ours until the process ends.
class RunFolder {
public:
    Result<> occupy(const std::string& folder) {
        TRY(os::make_folder(folder));
        const std::string path = folder + "/cygnetd.pid";
        auto lock = os::lock_file(path);
        if (!lock && lock.error().code == Errc::state)
            return fail(Errc::state, "run folder",
                        fmt::format("another cygnetd uses {}: stop it, or choose another folder with --run-dir", folder));
        lock_ = TRY(std::move(lock));
        path_ = path;
        return os::write_private_file(path, bytes_of(fmt::format("{}\n", ::getpid())));
    }
    ~RunFolder() {
        if (!path_.empty()) os::remove_file(path_);
    }

private:
    std::string path_;
    os::Fd lock_;
};

class Daemon {
public:
    Daemon(const Options& options, const std::string& version)
        : log_(options.log_level),
          jobs_(loop_, os::processors()),
          driver_(loop_, jobs_, log_, rng_, engine_settings(options)),
          control_(loop_, jobs_, log_, driver_, store_, rng_, options, version),
          end_(loop_, [this] { loop_.stop(); }),
          options_(options),
          version_(version) {}

    vici::ConfigStore& store() { return store_; }

    Result<> start() {
        // First of all: who sees the device must be able to end us in order.
        loop_.on_signals({SIGTERM, SIGINT}, [this](int) { stop(); });
        loop_.on_signals({SIGHUP}, [this](int) { control_.reload_by_signal(); });
        network_ = TRY(HostNetwork::open(
            loop_, log_, options_.network,
            {.ike_datagram = [this](const model::Path& path, ByteView message) { driver_.datagram_arrived(path, message); },
             .inbound_seen = [this](model::ChildId child) { driver_.inbound_seen(child); },
             .limit_reached = [this](model::ChildId child) { driver_.limit_reached(child); },
             .peer_moved = [this](model::ChildId child, const model::Path& path) { driver_.peer_moved(child, path); },
             .acquire = [this](model::PolicyId policy, const model::PacketEnds& packet) { control_.acquire(policy, packet); },
             .resource_wanted = [this](model::ChildId child, model::Resource worker) { driver_.resource_wanted(child, worker); },
             .selectors_violated =
                 [this](model::ChildId child, ByteView packet) { driver_.selectors_violated(child, packet); },
             .stream_opened = [this](const model::Path& path) { driver_.stream_opened(path); },
             .stream_closed = [this](model::StreamId stream,
                                     const std::string& reason) { driver_.stream_closed(stream, reason); },
             .addresses_changed = [this](ike::HostAddresses addresses) { driver_.addresses_changed(std::move(addresses)); }}));
        driver_.use(*network_);
        network_->look_at_addresses();
        if (auto folder = os::make_folder(options_.state_folder); !folder)
            log_.write(LogGroup::dmn, 0, fmt::format("no state folder: {}", folder.error().text()));
        driver_.keep_secrets_in(options_.state_folder + "/secrets");
        log_.write(LogGroup::dmn, 1,
                   fmt::format("cygnetd {}: IKE on ports {} and {}{}, {}, commands on {}", version_, options_.network.port,
                               options_.network.nat_port,
                               options_.network.tcp_port == 0 ? "" : fmt::format(" and TCP port {}", options_.network.tcp_port),
                               network_->data_plane().description(), options_.vici));
        jobs_.submit([] {
            crypto::prepare();
            return os::JobPool::Finish([] {});
        });
        TRY(control_.start());
        return {};
    }

    void run() { loop_.run(); }

private:
    // Tells every peer, waits a little for their answers; a second signal does not wait.
    void stop() {
        const auto sas = driver_.list();
        if (stopping_ || sas.empty()) return loop_.stop();
        stopping_ = true;
        log_.write(LogGroup::dmn, 1, fmt::format("ending {} IKE SAs", sas.size()));
        end_.set(os::now() + farewell);
        unfinished_ = sas.size();
        for (const auto& sa : sas) {
            driver_.terminate({.ike_id = static_cast<std::uint32_t>(sa.id)}, false, [this](const CommandOutcome&) {
                if (--unfinished_ == 0) loop_.stop();
            });
        }
    }

    // Later members use earlier ones and go first.
    Log log_;
    os::EventLoop loop_;
    os::JobPool jobs_;
    crypto::SystemRng rng_;
    vici::ConfigStore store_;
    std::unique_ptr<HostNetwork> network_;
    Driver driver_;
    Control control_;
    os::Timer end_;
    const Options& options_;
    const std::string& version_;
    bool stopping_ = false;
    std::size_t unfinished_ = 0;
};

}  // namespace

int run_daemon(const Options& options, const std::string& version) {
    auto rights = os::check_network_rights();
    if (rights && options.network.esp == Esp::userspace) rights = os::check_tun_rights();
    if (!rights) return refuse(rights.error());
    RunFolder folder;
    if (auto mine = folder.occupy(options.run_folder); !mine) return refuse(mine.error());
    // Before the first thread: capabilities belong to threads.
    if (auto kept = os::keep_network_capabilities_only(); !kept) return refuse(kept.error());
    Daemon daemon(options, version);
    daemon.store().set_kernel_esp(options.network.esp != Esp::userspace);
    const auto wrong = load(daemon.store(), options);
    for (const auto& line : wrong) fmt::print(stderr, "{}\n", line);
    if (!wrong.empty()) {
        fmt::print(stderr, "cygnetd: not started, because the configuration has {} error{}\n", wrong.size(), wrong.size() == 1 ? "" : "s");
        return 1;
    }
    if (auto started = daemon.start(); !started) return refuse(started.error());
    daemon.run();
    return 0;
}

int check_configuration(const Options& options) {
    vici::ConfigStore store;
    store.set_kernel_esp(options.network.esp != Esp::userspace);
    Options named = options;
    named.config_named = true;
    const auto wrong = load(store, named);
    for (const auto& line : wrong) fmt::print("{}\n", line);
    if (!wrong.empty()) return 1;
    const auto config = store.config();
    const auto credentials = store.credentials();
    const auto count = [](std::size_t number, std::string_view noun, std::string_view nouns) {
        return fmt::format("{} {}", number, number == 1 ? noun : nouns);
    };
    fmt::print("{}: no errors; {}, {}, {}, {}, {}, {}\n", options.config, count(config->connections.size(), "connection", "connections"),
               count(config->pools.size(), "pool", "pools"), count(config->secrets.size(), "shared secret", "shared secrets"),
               count(credentials->certificates.size(), "certificate", "certificates"),
               count(credentials->authorities.size(), "authority", "authorities"),
               count(credentials->private_keys.size(), "private key", "private keys"));
    return 0;
}

void print_version(const std::string& version) {
    fmt::print("cygnetd {}\n", version);
    for (const auto& row : crypto::catalogue()) fmt::print("  {:17}  {:20} {}\n", row.kind, row.algorithm, row.implementation);
}

}  // namespace cygnet::daemon
