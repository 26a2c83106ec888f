// Values as swanctl.conf writes them: booleans, integers, times, volumes (facts-swanctl-conf 1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/instant.h"

namespace cygnet::vici {

// yes/true/enabled/1 and no/false/disabled/0, in any case.
std::optional<bool> parse_bool(std::string_view text);
// Decimal, or hexadecimal after 0x; at most `most`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most);
// Seconds, or with a suffix s, m, h, d.
std::optional<Duration> parse_time(std::string_view text);
// Octets, or with a suffix k, m, g in powers of 1024.
std::optional<std::uint64_t> parse_volume(std::string_view text);
// Items between commas, blanks trimmed, empty ones dropped.
std::vector<std::string> split_list(std::string_view text);
std::string_view trim(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
// 0x… hexadecimal or 0s… base64; nothing when the text has no such prefix or is malformed.
std::optional<Bytes> parse_inline_blob(std::string_view text);
bool has_inline_prefix(std::string_view text);

// An address or a host name: what a peer can be redirected to (RFC 5685).
bool is_gateway(std::string_view text);

}  // namespace cygnet::vici
