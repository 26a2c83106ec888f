// Brings connections up: for the operator, for start_action = start and for keep_up. Looks names up, takes the addresses of
// remote_addrs in turn, and tries again when it is time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/driver.h"
#include "daemon/keep_up.h"
#include "daemon/path.h"
#include "os/event_loop.h"
#include "os/job_pool.h"
#include "vici/store.h"

namespace cygnet::daemon {

class Connector {
public:
    // All references outlive the Connector.
    Connector(os::EventLoop& loop, os::JobPool& jobs, Log& log, Driver& driver, vici::ConfigStore& store, Rng& rng,
              const NetworkSettings& network);

    using Finished = std::function<void(const Result<>& result, std::uint32_t matches)>;
    // For the operator: each address once.
    void initiate(const std::string& connection, const std::string& child, Finished finished);
    // start_action = start: tried again while the peer's name or the route to it is not known.
    void start(const std::string& connection, const std::string& child);
    // keep_up: what is new or changed begins at once.
    void configured(const model::Config& config);
    // An SA or a child of the connection ended.
    void lost(const std::string& connection);
    void leave_down(const std::string& connection);
    std::optional<Duration> next_attempt(const std::string& connection) const;

private:
    // A start action whose peer could not be found yet.
    struct WaitingStart {
        std::string connection, child;
        Duration pause;  // before the next try
        Instant at{};
    };
    // An attempt of keep_up: its children one after the other, over one path.
    struct KeptAttempt {
        std::string connection;
        std::vector<std::string> missing{};  // children; the last one is next
        model::Path path{};
        KeepUp::Outcome worst = KeepUp::Outcome::up;
    };

    std::shared_ptr<const model::Connection> find(const std::string& connection) const;
    void try_in_turn(const std::string& connection, const std::string& child, std::shared_ptr<const Paths> paths,
                     std::size_t next, Finished finished);
    void note_unreachable(const std::string& connection, const Error& error);
    void try_start(WaitingStart start);
    void try_waiting_starts();
    void set_start_timer();
    void run_keep_up();
    void begin_kept(const KeepUp::Attempt& attempt);
    void continue_kept(KeptAttempt attempt);
    void end_kept(const std::string& connection, KeepUp::Outcome outcome);
    void set_keep_up_timer() { keep_up_timer_.set(keep_up_.next_deadline()); }

    os::JobPool& jobs_;
    Log& log_;
    Driver& driver_;
    vici::ConfigStore& store_;
    const NetworkSettings& network_;
    std::vector<WaitingStart> waiting_starts_{};
    os::Timer start_timer_;
    KeepUp keep_up_;
    os::Timer keep_up_timer_;
};

}  // namespace cygnet::daemon
