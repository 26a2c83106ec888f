#include "wire/codec.h"

namespace cygnet::wire {

std::string print_octets(ByteView octets) {
    constexpr std::size_t shown_whole = 20;
    constexpr std::size_t shown_of_more = 8;
    if (octets.size() <= shown_whole) return hex(octets);
    return hex(octets.first(shown_of_more)) + "… (" + std::to_string(octets.size()) + " octets)";
}

std::string print_text(ByteView octets) {
    const auto printable = [](std::uint8_t octet) { return octet >= 0x20 && octet < 0x7f; };
    if (octets.empty() || !std::ranges::all_of(octets, printable)) return print_octets(octets);
    return '"' + std::string(text_of(octets)) + '"';
}

void detail::print_value(std::string& line, const char* name, std::string_view value) {
    if (!line.empty()) line += ' ';
    line += name;
    line += '=';
    line += value;
}

}  // namespace cygnet::wire
