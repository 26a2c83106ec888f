#include "vici/values.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "model/address.h"
#include "model/limits.h"

namespace cygnet::vici {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct Unit {
    char suffix;
    std::uint64_t factor;
};

template <std::size_t size>
std::optional<std::uint64_t> parse_scaled(std::string_view text, const Unit (&units)[size],
                                          std::uint64_t most) {
    text = trim(text);
    std::uint64_t factor = 1;
    for (const Unit& unit : units) {
        if (text.empty() || lower(text.back()) != unit.suffix) continue;
        factor = unit.factor;
        text = trim(text.substr(0, text.size() - 1));
        break;
    }
    const auto number = parse_number(text, most / factor);
    if (!number) return std::nullopt;
    return *number * factor;
}

}  // namespace

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<bool> parse_bool(std::string_view text) {
    for (const char* word : {"yes", "true", "enabled", "1"})
        if (equal_ignoring_case(text, word)) return true;
    for (const char* word : {"no", "false", "disabled", "0"})
        if (equal_ignoring_case(text, word)) return false;
    return std::nullopt;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size() || value > most)
        return std::nullopt;
    return value;
}

std::optional<Duration> parse_time(std::string_view text) {
    constexpr Unit units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    // A hundred years: far from the end of Duration.
    constexpr std::uint64_t seconds_max = 100ull * 365 * 86400;
    const auto value = parse_scaled(text, units, seconds_max);
    if (!value) return std::nullopt;
    return seconds(*value);
}

std::optional<std::uint64_t> parse_volume(std::string_view text) {
    constexpr Unit units[] = {{'k', 1ull << 10}, {'m', 1ull << 20}, {'g', 1ull << 30}};
    return parse_scaled(text, units, std::numeric_limits<std::uint64_t>::max());
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> items;
    while (true) {
        const auto comma = text.find(',');
        const std::string_view item = trim(text.substr(0, comma));
        if (!item.empty()) items.emplace_back(item);
        if (comma == text.npos) return items;
        text.remove_prefix(comma + 1);
    }
}

bool has_inline_prefix(std::string_view text) {
    return text.starts_with("0x") || text.starts_with("0s");
}

std::optional<Bytes> parse_inline_blob(std::string_view text) {
    if (text.starts_with("0x")) return from_hex(text.substr(2));
    if (text.starts_with("0s")) return from_base64(text.substr(2));
    return std::nullopt;
}

bool is_gateway(std::string_view text) {
    if (model::IpAddress::parse(text)) return true;
    const auto usual = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    const bool digits_only = std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
    return !text.empty() && text.size() <= model::limits::gateway_name_octets && std::ranges::all_of(text, usual) && !digits_only;
}

}  // namespace cygnet::vici
