// One cygnetd, from its options to its end.
#pragma once

#include <string>

#include "daemon/options.h"

namespace cygnet::daemon {

// Runs until a signal ends it; returns the exit status. Everything that it made on the host is gone afterwards.
int run_daemon(const Options& options, const std::string& version);

// Loads the configuration and prints what is wrong with it, or what is in it. Returns the exit status.
int check_configuration(const Options& options);

// The version, and which library computes each algorithm.
void print_version(const std::string& version);

}  // namespace cygnet::daemon
