#include "dataplane/icmp_types.h"

#include <fmt/format.h>

namespace cygnet::dataplane {

std::string_view name_of(IcmpError error) {
    switch (error) {
        case IcmpError::unreachable: return "unreachable";
        case IcmpError::too_big: return "too-big";
        case IcmpError::time_exceeded: return "time-exceeded";
        case IcmpError::parameter_problem: return "parameter-problem";
        case IcmpError::source_quench: return "source-quench";
        case IcmpError::redirect: return "redirect";
    }
    return "unknown";
}

Result<std::vector<IcmpError>> parse_icmp_errors(std::string_view text) {
    std::vector<IcmpError> errors;
    if (text == "none" || text.empty()) return errors;
    for (std::size_t at = 0; at <= text.size();) {
        const std::string_view word = text.substr(at, text.find(',', at) - at);
        at += word.size() + 1;
        const auto size = errors.size();
        for (const IcmpMatch& match : icmp_matches())
            if (word == "all" || word == name_of(match.error)) errors.push_back(match.error);
        if (errors.size() == size)
            return fail(Errc::bad_value, "ICMP errors",
                        fmt::format("\"{}\" is none of unreachable, too-big, time-exceeded, parameter-problem, source-quench, "
                                    "redirect, all, none",
                                    word));
    }
    return errors;
}

std::span<const IcmpMatch> icmp_matches() {
    static constexpr IcmpMatch matches[] = {
        {IcmpError::unreachable, 3, 1},        {IcmpError::too_big, 3, 2},       {IcmpError::time_exceeded, 11, 3},
        {IcmpError::parameter_problem, 12, 4}, {IcmpError::source_quench, 4, 0}, {IcmpError::redirect, 5, 137},
    };
    return matches;
}

}  // namespace cygnet::dataplane
