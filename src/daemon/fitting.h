// The configuration as the data plane can carry it out: what it has no algorithm for is neither offered nor chosen.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "dataplane/backend.h"
#include "model/config.h"

namespace cygnet::daemon {

class Fitting {
public:
    struct Fitted {
        std::shared_ptr<const model::Config> config;
        std::set<std::string> left_out;    // transforms, as text
        std::set<std::string> hopeless{};  // "connection, child": nothing would be left; it stays as it was and will be refused
    };
    // Connections that lose nothing stay the same objects; so do those that were fitted before.
    Fitted fit(const std::shared_ptr<const model::Config>& config, const dataplane::ChildBackend& backend);

private:
    using Connection = std::shared_ptr<const model::Connection>;
    std::map<Connection, Connection> before_;  // as configured, and fitted
};

}  // namespace cygnet::daemon
