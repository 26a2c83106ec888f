#include "daemon/keep_up.h"

#include <algorithm>

#include "model/limits.h"

namespace cygnet::daemon {
namespace {

// A quarter earlier or later, so that what failed together is not tried together.
Duration with_jitter(Duration pause, Rng& rng) {
    const auto spread = static_cast<std::uint64_t>(pause.count()) / 2;
    return pause * 3 / 4 + Duration{static_cast<Duration::rep>(spread == 0 ? 0 : rng.below(spread))};
}

}  // namespace

void KeepUp::schedule(const std::string& name, Kept& kept, Instant at) {
    if (kept.due != Instant::never()) queue_.erase({kept.due, name});
    kept.due = at;
    if (at != Instant::never()) queue_.insert({at, name});
}

Duration KeepUp::pause_after(unsigned failures, Outcome outcome) {
    const bool refused = outcome == Outcome::refused;
    Duration pause = refused ? model::limits::keep_up_pause_refused : model::limits::keep_up_pause_first;
    const Duration longest = refused ? model::limits::keep_up_pause_refused_max : model::limits::keep_up_pause_max;
    for (unsigned i = 1; i < failures && pause < longest; ++i) pause *= 2;
    return with_jitter(std::min(pause, longest), rng_);
}

void KeepUp::configure(const model::Config& config, Instant now) {
    for (auto kept = kept_.begin(); kept != kept_.end();) {
        const auto found = config.connections.find(kept->first);
        if (found != config.connections.end() && found->second->keep_up) {
            ++kept;
            continue;
        }
        schedule(kept->first, kept->second, Instant::never());
        if (kept->second.trying) --trying_;
        kept = kept_.erase(kept);
    }
    for (const auto& [name, connection] : config.connections) {
        if (!connection->keep_up) continue;
        Kept& kept = kept_[name];
        if (kept.connection == connection) continue;
        kept.connection = connection;
        kept.left_down = false;
        kept.failures = kept.address = 0;
        if (kept.trying) kept.lost_meanwhile = true;
        else schedule(name, kept, now);
    }
}

void KeepUp::lost(const std::string& connection, Instant now) {
    const auto found = kept_.find(connection);
    if (found == kept_.end() || found->second.left_down) return;
    Kept& kept = found->second;
    if (kept.trying) kept.lost_meanwhile = true;
    // A pause after failures is not cut short by what they bring down.
    else if (kept.failures == 0)
        schedule(connection, kept, std::min(kept.due, now + with_jitter(model::limits::keep_up_pause_lost, rng_)));
}

void KeepUp::leave_down(const std::string& connection) {
    const auto found = kept_.find(connection);
    if (found == kept_.end()) return;
    found->second.left_down = true;
    schedule(connection, found->second, Instant::never());
}

void KeepUp::resume(const std::string& connection, Instant now) {
    const auto found = kept_.find(connection);
    if (found == kept_.end() || !std::exchange(found->second.left_down, false)) return;
    found->second.failures = 0;
    // What the operator began is given time before it is looked after.
    if (!found->second.trying) schedule(connection, found->second, now + model::limits::keep_up_pause_max);
}

std::vector<KeepUp::Attempt> KeepUp::due(Instant now) {
    std::vector<Attempt> attempts;
    while (!queue_.empty() && queue_.begin()->first <= now && trying_ < model::limits::keep_up_attempts_at_once) {
        const std::string name = queue_.begin()->second;
        Kept& kept = kept_.at(name);
        schedule(name, kept, Instant::never());
        kept.trying = true;
        kept.lost_meanwhile = false;
        ++trying_;
        attempts.push_back({.connection = name, .number = kept.address});
    }
    return attempts;
}

void KeepUp::finished(const std::string& connection, Outcome outcome, Instant now) {
    const auto found = kept_.find(connection);
    if (found == kept_.end() || !found->second.trying) return;
    Kept& kept = found->second;
    kept.trying = false;
    --trying_;
    const bool again = std::exchange(kept.lost_meanwhile, false);
    if (kept.left_down) return;
    if (outcome == Outcome::up) {
        kept.failures = 0;
        if (again) schedule(connection, kept, now + with_jitter(model::limits::keep_up_pause_lost, rng_));
        return;
    }
    ++kept.failures;
    ++kept.address;
    schedule(connection, kept, now + pause_after(kept.failures, outcome));
}

Instant KeepUp::next_deadline() const {
    const bool may = !queue_.empty() && trying_ < model::limits::keep_up_attempts_at_once;
    return may ? queue_.begin()->first : Instant::never();
}

std::optional<Instant> KeepUp::next_attempt(const std::string& connection) const {
    const auto found = kept_.find(connection);
    if (found == kept_.end() || found->second.due == Instant::never()) return std::nullopt;
    return found->second.due;
}

}  // namespace cygnet::daemon
