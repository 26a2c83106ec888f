#include "vici/kernel_options.h"

#include <algorithm>

#include "vici/values.h"

namespace cygnet::vici {
namespace {

constexpr std::uint64_t word_max = 0xffff'ffff;

struct OffloadWord {
    std::string_view text;
    model::HwOffload offload;
};
constexpr OffloadWord offload_words[] = {{"no", model::HwOffload::no},
                                         {"yes", model::HwOffload::crypto},
                                         {"crypto", model::HwOffload::crypto},
                                         {"packet", model::HwOffload::packet},
                                         {"auto", model::HwOffload::automatic}};

}  // namespace

Result<> read_mark(model::Mark& into, std::string_view text) {
    const auto slash = text.find('/');
    const auto number = parse_number(text.substr(0, slash), word_max);
    const auto mask = slash == text.npos ? std::optional(word_max) : parse_number(text.substr(slash + 1), word_max);
    if (!number || !mask) return unacceptable("accepted is a mark such as 42 or 0x10/0xf0; Cygnet invents no unique ones");
    // 0 is the default: no mark.
    if (*number == 0 && slash == text.npos) into = {};
    else into = {static_cast<std::uint32_t>(*number & *mask), static_cast<std::uint32_t>(*mask)};
    return {};
}

Result<> read_word(std::uint32_t& into, std::string_view text) {
    const auto number = parse_number(text, word_max);
    if (!number) return unacceptable("accepted is a number from 0 to 4294967295; Cygnet invents no unique ones");
    into = static_cast<std::uint32_t>(*number);
    return {};
}

Result<> read_yes_or_no(bool& into, std::string_view text) {
    const auto yes = parse_bool(text);
    if (!yes) return unacceptable("accepted are yes and no");
    into = *yes;
    return {};
}

Result<> read_hw_offload(model::HwOffload& into, std::string_view text) {
    const auto* word = std::ranges::find(offload_words, text, &OffloadWord::text);
    if (word == std::end(offload_words)) return unacceptable("accepted are no, yes, crypto, packet and auto");
    into = word->offload;
    return {};
}

void inherit_interfaces(model::KernelOptions& options, std::uint32_t if_id_in, std::uint32_t if_id_out) {
    if (options.if_id_in == 0) options.if_id_in = if_id_in;
    if (options.if_id_out == 0) options.if_id_out = if_id_out;
}

void refuse_kernel_options(const model::Connection& connection, const Section& section, const Refuser& refuser) {
    for (const model::ChildConfig& child : connection.children) {
        model::KernelOptions wanted = child.kernel;
        // "auto" asks for nothing.
        if (wanted.hw_offload == model::HwOffload::automatic) wanted.hw_offload = model::HwOffload::no;
        if (wanted == model::KernelOptions{}) continue;
        for (const Entry& entry : section.entries())
            if (entry.name == "children")
                Refuser(refuser).refuse(Refusal::Kind::other, entry,
                                        "child " + child.name + " has marks, interface ids, a priority or hw_offload, which only the "
                                        "kernel's ESP has: start cygnetd with --esp kernel, or leave them out");
    }
}

void refuse_userspace_options(const model::Connection& connection, const Section& section, const Refuser& refuser) {
    for (const model::ChildConfig& child : connection.children) {
        if (!child.per_cpu_sas) continue;
        for (const Entry& entry : section.entries())
            if (entry.name == "children")
                Refuser(refuser).refuse(Refusal::Kind::other, entry,
                                        "child " + child.name + " has per_cpu_sas, but Cygnet binds no SA of the kernel's ESP to a CPU: "
                                        "start cygnetd with --esp userspace, or set per_cpu_sas = no");
    }
}

}  // namespace cygnet::vici
