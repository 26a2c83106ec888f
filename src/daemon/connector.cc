#include "daemon/connector.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace cygnet::daemon {

using model::LogGroup;

namespace {

constexpr Duration start_pause_first = seconds(1);
constexpr Duration start_pause_last = seconds(60);

std::string_view kind_of(const Error& error) { return error.explanation ? error.explanation->kind : "other"; }

bool no_answer(const Result<>& result) { return !result && kind_of(result.error()) == "no-answer"; }

// A refusal will be said again in a second; silence may not.
KeepUp::Outcome outcome_of(const Result<>& result) {
    if (result) return KeepUp::Outcome::up;
    for (const std::string_view kind : {"no-answer", "dead-peer", "name", "route", "deleted", "replaced", "closed", "other"})
        if (kind_of(result.error()) == kind) return KeepUp::Outcome::unreachable;
    return KeepUp::Outcome::refused;
}

}  // namespace

Connector::Connector(os::EventLoop& loop, os::JobPool& jobs, Log& log, Driver& driver, vici::ConfigStore& store, Rng& rng,
                     const NetworkSettings& network)
    : jobs_(jobs),
      log_(log),
      driver_(driver),
      store_(store),
      network_(network),
      start_timer_(loop, [this] { try_waiting_starts(); }),
      keep_up_(rng),
      keep_up_timer_(loop, [this] { run_keep_up(); }) {}

std::shared_ptr<const model::Connection> Connector::find(const std::string& connection) const {
    const auto config = store_.config();
    const auto found = config->connections.find(connection);
    return found == config->connections.end() ? nullptr : found->second;
}

void Connector::note_unreachable(const std::string& connection, const Error& error) {
    driver_.note_failure({.connection = connection, .why = explanation_of(error), .when = os::now()});
}

// ---- the operator's wish ------------------------------------------------------------------------

void Connector::initiate(const std::string& connection, const std::string& child, Finished finished) {
    const auto found = find(connection);
    if (!found)
        return finished(fail(Errc::not_found, "initiate", fmt::format("connection {} is not configured", connection)), 0);
    keep_up_.resume(connection, os::now());
    set_keep_up_timer();
    find_paths(jobs_, found, network_, [this, connection, child, finished = std::move(finished)](Result<Paths> paths) {
        if (!paths) {
            log_.problem(LogGroup::cfg, paths.error());
            note_unreachable(connection, paths.error());
            return finished(fail(paths.error()), 0);
        }
        try_in_turn(connection, child, std::make_shared<const Paths>(*std::move(paths)), 0, finished);
    });
}

void Connector::try_in_turn(const std::string& connection, const std::string& child, std::shared_ptr<const Paths> paths,
                            std::size_t next, Finished finished) {
    const model::Path path = paths->at(next);
    driver_.initiate(connection, child, path,
                     [this, connection, child, paths = std::move(paths), next, finished](const CommandOutcome& outcome) {
                         if (!no_answer(outcome.result) || next + 1 >= paths->size())
                             return finished(outcome.result, outcome.matches);
                         log_.write(LogGroup::cfg, 1,
                                    fmt::format("{} does not answer, trying the next address of connection {}: {}",
                                                paths->at(next).remote.text(), connection, paths->at(next + 1).remote.text()));
                         try_in_turn(connection, child, paths, next + 1, finished);
                     });
}

// ---- start_action = start -----------------------------------------------------------------------

void Connector::start(const std::string& connection, const std::string& child) {
    try_start({.connection = connection, .child = child, .pause = start_pause_first});
}

void Connector::try_start(WaitingStart start) {
    const auto found = find(start.connection);
    if (!found) return;
    find_paths(jobs_, found, network_, [this, start = std::move(start)](Result<Paths> paths) mutable {
        if (paths)
            return try_in_turn(start.connection, start.child, std::make_shared<const Paths>(*std::move(paths)), 0,
                               [](const Result<>&, std::uint32_t) {});
        note_unreachable(start.connection, paths.error());
        const auto pause_s = std::chrono::duration_cast<seconds>(start.pause).count();
        log_.write(LogGroup::cfg, 0,
                   fmt::format("connection {} cannot be started, next try in {} s: {}", start.connection, pause_s, paths.error().detail));
        start.at = os::now() + start.pause;
        start.pause = std::min(start.pause * 2, start_pause_last);
        waiting_starts_.push_back(std::move(start));
        set_start_timer();
    });
}

void Connector::try_waiting_starts() {
    auto waiting = std::exchange(waiting_starts_, {});
    for (auto& start : waiting) {
        if (start.at <= os::now())
            try_start(std::move(start));
        else
            waiting_starts_.push_back(std::move(start));
    }
    set_start_timer();
}

void Connector::set_start_timer() {
    Instant next = Instant::never();
    for (const auto& start : waiting_starts_) next = std::min(next, start.at);
    start_timer_.set(next);
}

// ---- keep_up ------------------------------------------------------------------------------------

void Connector::configured(const model::Config& config) {
    keep_up_.configure(config, os::now());
    set_keep_up_timer();
}

void Connector::lost(const std::string& connection) {
    if (!keep_up_.keeps(connection)) return;
    keep_up_.lost(connection, os::now());
    set_keep_up_timer();
}

void Connector::leave_down(const std::string& connection) {
    keep_up_.leave_down(connection);
    set_keep_up_timer();
}

std::optional<Duration> Connector::next_attempt(const std::string& connection) const {
    const auto at = keep_up_.next_attempt(connection);
    if (!at) return std::nullopt;
    return std::max(*at - os::now(), Duration{0});
}

void Connector::run_keep_up() {
    for (const KeepUp::Attempt& attempt : keep_up_.due(os::now())) begin_kept(attempt);
    set_keep_up_timer();
}

void Connector::begin_kept(const KeepUp::Attempt& attempt) {
    const auto found = find(attempt.connection);
    if (!found) return end_kept(attempt.connection, KeepUp::Outcome::unreachable);
    KeptAttempt kept{.connection = attempt.connection};
    for (const model::ChildConfig& child : found->children) {
        if (!model::is_shunt(child.mode) && !driver_.engine().carries(attempt.connection, child.name)) kept.missing.push_back(child.name);
    }
    if (found->children.empty() && !driver_.engine().carries(attempt.connection, "")) kept.missing.emplace_back();
    if (kept.missing.empty()) return end_kept(attempt.connection, KeepUp::Outcome::up);
    std::ranges::reverse(kept.missing);
    find_paths(jobs_, found, network_, [this, kept = std::move(kept), number = attempt.number](Result<Paths> paths) mutable {
        if (!paths) {
            log_.problem(LogGroup::cfg, paths.error());
            note_unreachable(kept.connection, paths.error());
            return end_kept(kept.connection, KeepUp::Outcome::unreachable);
        }
        kept.path = paths->at(number % paths->size());
        continue_kept(std::move(kept));
    });
}

void Connector::continue_kept(KeptAttempt attempt) {
    if (attempt.missing.empty()) return end_kept(attempt.connection, attempt.worst);
    const std::string connection = attempt.connection, child = attempt.missing.back();
    const model::Path path = attempt.path;
    attempt.missing.pop_back();
    driver_.initiate(connection, child, path, [this, attempt = std::move(attempt)](const CommandOutcome& outcome) mutable {
        attempt.worst = std::max(attempt.worst, outcome_of(outcome.result));
        // Without an IKE SA the other children need not be tried over this path.
        if (!outcome.result && !driver_.engine().carries(attempt.connection, "")) attempt.missing.clear();
        continue_kept(std::move(attempt));
    });
}

void Connector::end_kept(const std::string& connection, KeepUp::Outcome outcome) {
    keep_up_.finished(connection, outcome, os::now());
    set_keep_up_timer();
    const auto again = next_attempt(connection);
    if (outcome != KeepUp::Outcome::up && again)
        log_.write(LogGroup::cfg, 1,
                   fmt::format("connection {} is kept up: next try in {} s", connection,
                               std::chrono::duration_cast<seconds>(*again).count()));
}

}  // namespace cygnet::daemon
