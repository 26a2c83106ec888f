// Policies that the data plane holds without an SA: traps, whose first packet brings a child up, and shunts (mode = pass,
// drop). RFC 4301 §4.4.1, RFC 7296 §2.9.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ike/child.h"
#include "ike/effects.h"

namespace cygnet::ike {

class Core;
struct Context;

struct Policy {
    model::PolicyId id{};
    model::PolicyKind kind{};
    std::shared_ptr<const model::Connection> connection{};  // keeps `child` alive
    const model::ChildConfig* child = nullptr;
    std::uint32_t reqid = 0;
    SelectorPair selectors{};
    std::optional<model::PacketEnds> last_packet{};  // that began a child, at last_begun
    Instant last_begun{};
};

class Policies {
public:
    Policy* find(model::PolicyId id);
    Policy* find(const std::string& connection, const std::string& child);
    // The one that was there under the same names must be gone.
    Policy& add(Policy policy);
    void remove(model::PolicyId id);
    const std::map<model::PolicyId, Policy>& all() const { return policies_; }
    model::PolicyId next_id() { return static_cast<model::PolicyId>(++last_id_); }

private:
    std::map<model::PolicyId, Policy> policies_;
    std::map<std::pair<std::string, std::string>, model::PolicyId> by_name_;
    std::uint64_t last_id_ = 0;
};

void run_command(Core& core, const InstallPolicies& command, Instant now, Effects& effects);
void run_command(Core& core, const UninstallPolicies& command, Instant now, Effects& effects);

// A packet met a trap.
void acquire(Core& core, const Acquire& input, Instant now, Effects& effects);

// dpd_action and close_action = trap: the child comes back with the next packet.
void set_trap(Context& context, const std::shared_ptr<const model::Connection>& connection,
              const model::ChildConfig& child);

// After a new configuration: policies of children that are gone or have changed end.
void follow_configuration(Core& core, Effects& effects);

std::vector<model::PolicyStatus> policy_statuses(const Policies& policies);

}  // namespace cygnet::ike
