// up, down, clone, status, why, log, reload: each connects, asks, prints and returns the exit status.
#pragma once

#include <string>

#include "base/result.h"

namespace cygnet::cli {

enum ExitStatus : int { succeeded = 0, failed = 1, misused = 2, unreachable = 3 };

struct Common {
    std::string uri;
    bool json = false;
};

struct UpOptions {
    std::string name;          // of a connection: all its children; or of a child
    bool only_child = false;   // the name is a child's, even if a connection has it too
    unsigned timeout_s = 60;   // 0: as long as it takes
    bool quiet = false;        // no log lines
};
int up(const Common& common, const UpOptions& options);

struct DownOptions {
    std::string name;
    bool only_child = false;
    bool force = false;        // do not wait for the peer's answer
    unsigned timeout_s = 60;
    bool quiet = false;
};
int down(const Common& common, const DownOptions& options);

// A second IKE SA beside that of the connection (RFC 7791).
int clone(const Common& common, const std::string& connection);

struct StatusOptions {
    std::string name;          // empty: all
    bool counters = false;
};
int status(const Common& common, const StatusOptions& options);

struct WhyOptions {
    std::string name;          // of a connection; empty: all that are in trouble, and strangers
};
int why(const Common& common, const WhyOptions& options);

struct LogOptions {
    bool messages = false;     // the ladder of exchanges instead of log lines
    bool follow = false;       // with messages: go on with those to come
};
int log(const Common& common, const LogOptions& options);

int reload(const Common& common);

}  // namespace cygnet::cli
