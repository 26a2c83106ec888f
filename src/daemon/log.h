// The log: one line per event on standard error, and a tap for the control socket.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/status.h"

namespace cygnet::daemon {

// "0" to "3", or "audit", "info", "debug", "trace"; nothing for other words.
std::optional<int> parse_log_level(std::string_view word);

class Log {
public:
    explicit Log(int level);
    ~Log();

    // Lines of level 1 and above, which strangers can cause, are limited per second; the next second says how many were
    // left out. Level 2 or 3 asks for everything.
    // "2026-11-23T18:30:00.123 [IKE] <gw|1> message": lines above the level are not printed. Control characters
    // (a peer's identity may hold some) are escaped, so that nobody can forge a line.
    void write(const model::LogLine& line);
    void write(model::LogGroup group, int level, std::string message);
    // What an operator should know and do something about.
    void problem(model::LogGroup group, const Error& error);

    // Called for every line of level 0 and 1, printed or not, while `listening` says that somebody is there.
    void on_line(std::function<void(const model::LogLine&)> tap, std::function<bool()> listening = [] { return true; });
    // Whether a line of that level is worth making.
    bool wants(int level) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// The line about an IKE message, of trace_level. Of everything else that happens the core makes the lines itself.
constexpr int trace_level = 1;
model::LogLine line_of(const model::MessageTrace& trace);

}  // namespace cygnet::daemon
