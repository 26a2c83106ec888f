// Model values as VICI sections: names, order and vocabularies of facts-vici 5.1 and 5.2.
#pragma once

#include "ike/credentials.h"
#include "model/config.h"
#include "model/counters.h"
#include "model/packet_drops.h"
#include "model/status.h"
#include "vici/message.h"

namespace cygnet::vici {

// An IKE_SA section without child-sas. `now` makes ages of traffic.
Section ike_section(const model::IkeStatus& sa);
Section child_section(const model::ChildStatus& child, Instant now);
// "<name>-<unique id>": the section's name inside child-sas.
std::string child_key(const model::ChildStatus& child);
// list-sa: one section named like the connection, its children last.
// `trouble`, our own key: what has gone wrong so far while it connects.
Section list_sa(const model::IkeStatus& sa, Instant now, const std::string& trouble = {});
Section list_policy(const model::PolicyStatus& policy);
// `last_failure`, our own key: why the connection was not up when it was not.
Section list_conn(const model::Connection& connection, std::optional<Section> last_failure = {});
Section counters_section(const model::Counters& counters);
// "esp-drop-unknown-spi", one key for each cause.
void add_drops(Section& counters, const model::PacketDrops& drops);
Section log_section(const model::LogLine& line, bool with_thread);
Section trace_section(Instant at, const model::MessageTrace& trace);

}  // namespace cygnet::vici
