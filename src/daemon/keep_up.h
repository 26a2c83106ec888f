// keep_up = yes: a connection and its children stay up, whatever takes them down. Decides when to try which again;
// without clock and I/O, so that a test can run a year of it.
//
//   configured, reloaded ─► due at once ─► attempt ─► up ──────────► lost (Delete, dead peer, address) ─► due soon
//                                 ▲           │ fails
//                                 └── pause, longer each time, with jitter; longer from the start when the peer refused us
//
// An attempt looks names up again and takes the next of remote_addrs. `cygnet down` pauses it until `cygnet up` or a change
// of the connection.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/rng.h"
#include "model/config.h"

namespace cygnet::daemon {

class KeepUp {
public:
    explicit KeepUp(Rng& rng) : rng_(rng) {}

    // Connections that are new or changed are due at once; those that are gone are forgotten.
    void configure(const model::Config& config, Instant now);
    // An SA or a child of the connection ended: it is due soon.
    void lost(const std::string& connection, Instant now);
    // The operator takes it down, or wants it up again.
    void leave_down(const std::string& connection);
    void resume(const std::string& connection, Instant now);

    // What should be tried now; no more than limits::keep_up_attempts_at_once are under way. Each ends with finished().
    struct Attempt {
        std::string connection;
        unsigned number = 0;  // which address: this one of all that remote_addrs stands for, round and round
    };
    std::vector<Attempt> due(Instant now);

    enum class Outcome : std::uint8_t {
        up,
        unreachable,  // no answer, no route, no name: another address may be better
        refused,      // the peer or we say no: the same will be said in a second
    };
    void finished(const std::string& connection, Outcome outcome, Instant now);

    Instant next_deadline() const;
    // When the connection is tried next; nothing if it is not kept up, is up, or is being tried.
    std::optional<Instant> next_attempt(const std::string& connection) const;
    bool keeps(const std::string& connection) const { return kept_.contains(connection); }

private:
    struct Kept {
        std::shared_ptr<const model::Connection> connection{};
        bool trying = false;
        bool left_down = false;
        bool lost_meanwhile = false;  // while it was being tried
        unsigned failures = 0;        // in a row
        unsigned address = 0;
        Instant due = Instant::never();
    };
    void schedule(const std::string& name, Kept& kept, Instant at);
    Duration pause_after(unsigned failures, Outcome outcome);

    Rng& rng_;
    std::map<std::string, Kept, std::less<>> kept_{};
    std::set<std::pair<Instant, std::string>> queue_{};
    std::size_t trying_ = 0;
};

}  // namespace cygnet::daemon
