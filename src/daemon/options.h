// The command line of cygnetd.
#pragma once

#include <optional>
#include <string>

#include "daemon/host_network.h"
#include "ike/engine.h"
#include "model/assigned_numbers.h"

namespace cygnet::daemon {

struct Options {
    std::string config = "/etc/cygnet/cygnet.conf";
    bool config_named = false;     // on the command line: then the file must exist
    std::string run_folder = "/run/cygnet";
    std::string state_folder = "/var/lib/cygnet";
    std::string vici;              // URI of the control socket; default in the run folder
    int log_level = 1;
    NetworkSettings network{};
    ike::Puzzles puzzles = ike::Puzzles::never;
    model::AssignedNumbers private_numbers{};  // of private use, in place of those of model/private_use.h
    bool check = false;            // load the configuration, print its errors, exit
    bool version = false;
};

// The options, or the exit status when there is nothing more to do (help was printed, or what is wrong).
struct ParsedOptions {
    Options options;
    std::optional<int> exit_status;
};
ParsedOptions parse_options(int argc, char** argv);

}  // namespace cygnet::daemon
