#include "dataplane/xfrm/statistics.h"

#include <algorithm>
#include <charconv>

#include "os/files.h"

namespace cygnet::dataplane::xfrm {
namespace {

constexpr std::size_t statistics_octets = 65536;

struct Cause {
    std::string_view kernel, ours;
};
// Each cause that a kernel of ours counts; what it has beyond that is in /proc/net/xfrm_stat.
constexpr Cause causes[] = {
    {"XfrmInError", "kernel-in-error"},
    {"XfrmInBufferError", "kernel-in-buffer-error"},
    {"XfrmInHdrError", "kernel-in-header-error"},
    {"XfrmInNoStates", "kernel-in-no-states"},
    {"XfrmInStateProtoError", "kernel-in-state-protocol-error"},
    {"XfrmInStateModeError", "kernel-in-state-mode-error"},
    {"XfrmInStateSeqError", "kernel-in-state-sequence-error"},
    {"XfrmInStateExpired", "kernel-in-state-expired"},
    {"XfrmInStateMismatch", "kernel-in-state-mismatch"},
    {"XfrmInStateInvalid", "kernel-in-state-invalid"},
    {"XfrmInTmplMismatch", "kernel-in-template-mismatch"},
    {"XfrmInNoPols", "kernel-in-no-policies"},
    {"XfrmInPolBlock", "kernel-in-policy-block"},
    {"XfrmInPolError", "kernel-in-policy-error"},
    {"XfrmFwdHdrError", "kernel-forward-header-error"},
    {"XfrmOutError", "kernel-out-error"},
    {"XfrmOutBundleGenError", "kernel-out-bundle-generation-error"},
    {"XfrmOutBundleCheckError", "kernel-out-bundle-check-error"},
    {"XfrmOutNoStates", "kernel-out-no-states"},
    {"XfrmOutStateProtoError", "kernel-out-state-protocol-error"},
    {"XfrmOutStateModeError", "kernel-out-state-mode-error"},
    {"XfrmOutStateSeqError", "kernel-out-state-sequence-error"},
    {"XfrmOutStateExpired", "kernel-out-state-expired"},
    {"XfrmOutStateInvalid", "kernel-out-state-invalid"},
    {"XfrmOutPolBlock", "kernel-out-policy-block"},
    {"XfrmOutPolDead", "kernel-out-policy-dead"},
    {"XfrmOutPolError", "kernel-out-policy-error"},
};

}  // namespace

model::PacketDrops drops_in(std::string_view statistics) {
    model::PacketDrops drops;
    for (const Cause& cause : causes) drops.push_back({cause.ours, 0});
    while (!statistics.empty()) {
        const std::string_view line = statistics.substr(0, statistics.find('\n'));
        statistics.remove_prefix(std::min(statistics.size(), line.size() + 1));
        const auto name_end = line.find_first_of(" \t"), number = line.find_last_of(" \t");
        const auto* cause = std::ranges::find(causes, line.substr(0, name_end), &Cause::kernel);
        if (cause == std::end(causes) || number == std::string_view::npos) continue;
        std::from_chars(line.data() + number + 1, line.data() + line.size(), drops[static_cast<std::size_t>(cause - causes)].packets);
    }
    return drops;
}

model::PacketDrops kernel_drops() {
    const auto text = os::read_file("/proc/net/xfrm_stat", statistics_octets);
    return drops_in(text ? text_of(*text) : std::string_view{});
}

}  // namespace cygnet::dataplane::xfrm
