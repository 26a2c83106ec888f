// `why`, a command of our own: whether a connection is up, and if not, what happened last and what to do.
#pragma once

#include <optional>
#include <vector>

#include "model/config.h"
#include "model/failure.h"
#include "model/status.h"
#include "vici/message.h"

namespace cygnet::vici {

// A failure as VICI's section; `now` makes its age.
Section failure_section(const model::Failure& failure, Instant now);

// One section named like the connection: state (up, partly-up, connecting, down, never-tried), the sentence for
// people, and the failures that are still of interest.
struct Findings {
    const model::Connection& connection;
    const std::vector<model::IkeStatus>& sas;  // of this connection
    const std::vector<model::Failure>& failures;
    std::optional<Duration> next_attempt{};  // keep_up
};
Section diagnosis(const Findings& findings, Instant now);

}  // namespace cygnet::vici
