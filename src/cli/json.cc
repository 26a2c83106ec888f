#include "cli/json.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace cygnet::cli {
namespace {

// Keys whose decimal text is a number; SPIs and names stay text even if they look like one.
constexpr std::array numeric{
    "uniqueid", "version",    "local-port",  "remote-port",    "encr-keysize",  "established", "rekey-time",
    "reauth-time", "reqid",   "bytes-in",    "packets-in",     "use-in",        "bytes-out",   "packets-out",
    "use-out",  "life-time",  "install-time", "matches",       "terminated",    "level",       "ikesa-uniqueid",
    "time-us",  "message-id", "octets",      "datagrams",     "seconds-ago",   "times",
    "next-attempt", "cpu",
};
constexpr std::array flags{"initiator", "nat-local", "nat-remote", "nat-any", "encap", "retransmission", "up", "success", "esn",
                           "full-transcript"};

std::string printable(const std::string& value) {
    // JSON holds UTF-8 only; what is not ASCII text is shown in hexadecimal.
    const auto plain = [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t'; };
    return std::ranges::all_of(value, plain) ? value : "0x" + hex(bytes_of(value));
}

nlohmann::ordered_json number_or_text(const std::string& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) return number;
    return printable(text);
}

nlohmann::ordered_json value_of(const std::string& key, const std::string& text) {
    if (std::ranges::find(flags, key) != flags.end()) return text == "yes" || text == "1";
    if (std::ranges::find(numeric, key) != numeric.end() || key.starts_with("drop-")) return number_or_text(text);
    return printable(text);
}

}  // namespace

nlohmann::ordered_json to_json(const vici::Section& section) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (const vici::Entry& entry : section.entries()) {
        if (const std::string* text = entry.text()) {
            object[entry.name] = value_of(entry.name, *text);
        } else if (const vici::List* list = entry.list()) {
            auto array = nlohmann::ordered_json::array();
            for (const std::string& item : *list) array.push_back(printable(item));
            object[entry.name] = std::move(array);
        } else {
            object[entry.name] = to_json(*entry.section());
        }
    }
    return object;
}

}  // namespace cygnet::cli
