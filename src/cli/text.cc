#include "cli/text.h"

#include <fmt/format.h>

#include <charconv>

namespace cygnet::cli {
namespace {

std::string text(const vici::Section& section, std::string_view key) {
    return std::string(section.text(key).value_or(""));
}

std::uint64_t number(const vici::Section& section, std::string_view key) {
    const auto digits = section.text(key).value_or("0");
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::string algorithm(const vici::Section& section) {
    std::string words = text(section, "encr-alg");
    if (section.has("encr-keysize")) words += "_" + text(section, "encr-keysize");
    for (const char* key : {"integ-alg", "prf-alg", "dh-group", "ake1", "ake2", "ake3", "ake4", "ake5", "ake6", "ake7"})
        if (section.has(key)) words += (words.empty() ? "" : " / ") + text(section, key);
    if (section.has("ppk-id")) words += " / PPK " + text(section, "ppk-id");
    return text(section, "protocol") == "AH" ? "AH " + words : words;
}

std::string list_text(const vici::Section& section, std::string_view key) {
    std::string words;
    if (const vici::List* list = section.list(key))
        for (const std::string& item : *list) words += (words.empty() ? "" : " ") + item;
    return words;
}

std::string times(const vici::Section& section, std::string_view since, const char* did) {
    std::string words = fmt::format("{} {} ago", did, time_text(number(section, since)));
    if (section.has("rekey-time")) words += ", rekeying in " + time_text(number(section, "rekey-time"));
    if (section.has("life-time")) words += ", expires in " + time_text(number(section, "life-time"));
    return words;
}

// ", CPI 4f31": RFC 3173.
std::string cpi_text(const vici::Section& child, const char* direction) {
    const std::string key = std::string("cpi-") + direction;
    return child.has(key) ? ", CPI " + text(child, key) : "";
}

// RFC 9611: an SA of one worker.
std::string whose(const vici::Section& child) {
    if (child.has("cpu")) return ", worker " + text(child, "cpu");
    return child.flag("receives-only") ? ", for receiving" : "";
}

std::string child_text(const vici::Section& child) {
    const std::string mode = text(child, "mode") + (child.flag("encap") ? " in UDP" : "");
    std::string out = fmt::format("  {}{{{}}}  {}, {}, {}{}\n", text(child, "name"), text(child, "uniqueid"),
                                  text(child, "state"), mode, algorithm(child), whose(child));
    out += fmt::format("    {:<9} {} === {}\n", "traffic", list_text(child, "local-ts"), list_text(child, "remote-ts"));
    for (const auto& [label, direction] : {std::pair("in", "in"), std::pair("out", "out")})
        out += fmt::format("    {:<9} {}  {:>10}  {:>10} packets{}\n", label, text(child, std::string("spi-") + direction),
                           size_text(number(child, std::string("bytes-") + direction)),
                           number(child, std::string("packets-") + direction), cpi_text(child, direction));
    std::string dropped;
    for (const vici::Entry& entry : child.entries())
        if (entry.name.starts_with("drop-"))
            dropped += fmt::format("{}{} {}", dropped.empty() ? "" : ", ", text(child, entry.name), entry.name.substr(5));
    if (!dropped.empty()) out += fmt::format("    {:<9} {}\n", "dropped", dropped);
    return out + fmt::format("    {:<9} {}\n", "times", times(child, "install-time", "installed"));
}

// Both sides beneath each other, so that the eye finds the difference.
std::string failure_text(const vici::Section& failure) {
    std::string out;
    for (const auto& [key, label] : {std::pair("here", "here"), std::pair("the-peer", "the peer"), std::pair("advice", "to do")})
        if (failure.has(key)) out += fmt::format("    {:<9} {}\n", label, text(failure, key));
    std::string when = time_text(number(failure, "seconds-ago")) + " ago";
    if (failure.has("phase")) when += ", in " + text(failure, "phase");
    if (failure.has("peer")) when += " with " + text(failure, "peer");
    if (number(failure, "times") > 1) when += fmt::format(", {} times in a row", number(failure, "times"));
    return out + fmt::format("    {:<9} {}\n", "when", when);
}

std::string milliseconds_text(std::uint64_t from_us, std::uint64_t to_us) {
    const std::uint64_t elapsed = to_us >= from_us ? to_us - from_us : 0;
    return fmt::format("{}.{:03}", elapsed / 1000, elapsed % 1000);
}

}  // namespace

std::string size_text(std::uint64_t octets) {
    constexpr const char* units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (octets < 1000) return fmt::format("{} B", octets);
    double scaled = static_cast<double>(octets) / 1000;
    std::size_t unit = 0;
    while (scaled >= 999.95 && unit + 1 < std::size(units)) {
        scaled /= 1000;
        ++unit;
    }
    return fmt::format("{:.1f} {}", scaled, units[unit]);
}

std::string time_text(std::uint64_t seconds) {
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3600) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
    if (seconds < 86400) return fmt::format("{}h {}m", seconds / 3600, seconds % 3600 / 60);
    return fmt::format("{}d {}h", seconds / 86400, seconds % 86400 / 3600);
}

std::string status_text(const vici::Section& list_sa) {
    std::string out;
    for (const vici::Entry& entry : list_sa.entries()) {
        if (entry.section() == nullptr) continue;
        const vici::Section& sa = *entry.section();
        out += fmt::format("{}[{}]  {}, {}{}\n", entry.name, text(sa, "uniqueid"), text(sa, "state"),
                           sa.flag("initiator") ? "we are the initiator" : "we are the responder",
                           sa.flag("tcp") ? ", over TCP" : "");
        for (const char* side : {"local", "remote"}) {
            const std::string prefix = side;
            out += fmt::format("  {:<11} {}[{}]  {}{}\n", side, text(sa, prefix + "-host"), text(sa, prefix + "-port"),
                               text(sa, prefix + "-id"), sa.flag("nat-" + prefix) ? "  (behind a NAT)" : "");
        }
        if (sa.has("encr-alg")) out += fmt::format("  {:<11} {}\n", "algorithms", algorithm(sa));
        if (sa.flag("full-transcript")) out += fmt::format("  {:<11} both proofs cover all of IKE_SA_INIT\n", "handshake");
        out += fmt::format("  {:<11} {}_i {}_r\n", "SPIs", text(sa, "initiator-spi"), text(sa, "responder-spi"));
        if (sa.has("established")) out += fmt::format("  {:<11} {}\n", "times", times(sa, "established", "established"));
        if (sa.has("trouble")) out += fmt::format("  {:<11} {}\n", "trouble", text(sa, "trouble"));
        for (const char* key : {"local-vips", "remote-vips"})
            if (sa.has(key)) out += fmt::format("  {:<11} {}\n", key, list_text(sa, key));
        if (const vici::Section* children = sa.section("child-sas"))
            for (const vici::Entry& child : children->entries())
                if (child.section() != nullptr) out += child_text(*child.section());
    }
    return out;
}

std::string why_text(const vici::Section& why) {
    std::string out;
    for (const vici::Entry& entry : why.entries()) {
        if (entry.section() == nullptr) continue;
        const vici::Section& connection = *entry.section();
        out += text(connection, "sentence") + "\n";
        if (connection.has("next-attempt"))
            out += fmt::format("    {:<9} in {}\n", "again", time_text(number(connection, "next-attempt")));
        if (const vici::Section* failures = connection.section("failures"))
            for (const vici::Entry& failure : failures->entries()) {
                if (failure.section() == nullptr) continue;
                if (failure.section()->has("child")) out += fmt::format("  child {}\n", text(*failure.section(), "child"));
                // What was before is not in the sentence of a connection that is up.
                else if (connection.text("state") == "up" || connection.text("state") == "partly-up")
                    out += fmt::format("  before that: {}\n", text(*failure.section(), "sentence"));
                out += failure_text(*failure.section());
            }
    }
    return out;
}

std::string stranger_text(const vici::Section& failure) {
    return fmt::format("a stranger: {}\n{}", text(failure, "sentence"), failure_text(failure));
}

std::string ladder_line(const vici::Section& message, std::uint64_t start_us) {
    const bool sent = message.text("direction") == "sent";
    const std::string what = fmt::format("{} {} {}", text(message, "exchange"), text(message, "kind"), text(message, "message-id"));
    std::string size = fmt::format("{} B", number(message, "octets"));
    if (number(message, "datagrams") > 1) size += fmt::format(" in {}", number(message, "datagrams"));
    return fmt::format("{:>10} ms  {}  {:<28} {:>11}  {}{}\n", milliseconds_text(start_us, number(message, "time-us")),
                       sent ? "──►" : "◄──", what, size, text(message, "payloads"),
                       message.flag("retransmission") ? "  (retransmission)" : "");
}

std::string ladder_text(const std::vector<vici::Section>& messages, const std::string& self, const std::string& peer) {
    if (messages.empty()) return "no messages yet\n";
    std::string out = fmt::format("{:>13}  {} ──► {}\n", "time", self, peer);
    const std::uint64_t start = number(messages.front(), "time-us");
    for (const vici::Section& message : messages) out += ladder_line(message, start);
    return out;
}

}  // namespace cygnet::cli
