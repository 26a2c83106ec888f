// ICMP errors as both families have them (RFC 792, RFC 4443), and the names by which they are configured.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cygnet::dataplane {

enum class IcmpError : std::uint8_t { unreachable, too_big, time_exceeded, parameter_problem, source_quench, redirect };
std::string_view name_of(IcmpError error);  // "too-big"

// Names with commas between them, "all" or "none".
Result<std::vector<IcmpError>> parse_icmp_errors(std::string_view text);

struct IcmpMatch {
    IcmpError error;
    std::uint8_t type4;
    std::uint8_t type6;  // 0: IPv6 has none
};
std::span<const IcmpMatch> icmp_matches();
inline constexpr std::uint8_t fragmentation_needed = 4;  // the code of "unreachable" that is IPv4's "too big"

}  // namespace cygnet::dataplane
