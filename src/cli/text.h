// What people read: the status of SAs, and the ladder of exchanged messages.
#pragma once

#include <string>
#include <vector>

#include "vici/message.h"

namespace cygnet::cli {

// One list-sa event as a paragraph.
std::string status_text(const vici::Section& list_sa);

// "1.5 kB", "37 B"
std::string size_text(std::uint64_t octets);
// "3s", "2m 5s", "1h 2m"
std::string time_text(std::uint64_t seconds);

// Messages (trace sections of get-messages and of the event `message`) as a ladder: requests and answers with
// time, direction, size and payloads. `self` and `peer` head the columns.
std::string ladder_text(const std::vector<vici::Section>& messages, const std::string& self, const std::string& peer);
// What `why` says of one connection: the sentence, both sides beneath each other, and when.
std::string why_text(const vici::Section& why);
// The same for one failure of a stranger.
std::string stranger_text(const vici::Section& failure);

std::string ladder_line(const vici::Section& message, std::uint64_t start_us);

}  // namespace cygnet::cli
