// The syntax of swanctl.conf (facts-swanctl-conf 1): text in, the message tree out, every value with its place.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "vici/file_source.h"
#include "vici/message.h"

namespace cygnet::vici {

// One thing that is wrong, for the operator.
struct Complaint {
    Place place{};
    std::string text;  // "connections.home.remote_adrs: unknown key; did you mean remote_addrs? …"

    std::string line() const;  // "cygnet.conf:12: …"
};

struct ParsedConfigFile {
    Section tree{};  // inheritance resolved; values as written (lists are not split yet)
    std::vector<Complaint> complaints{};
    std::set<std::string, std::less<>> inherited_from{};  // names of top-level sections that others refer to
};

// Reads `path` with everything that it includes. Errors of syntax are collected; reading resumes at the next line.
ParsedConfigFile parse_config_file(FileSource& files, const std::string& path);

}  // namespace cygnet::vici
