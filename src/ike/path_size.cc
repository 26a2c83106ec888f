#include "ike/path_size.h"

#include <fmt/format.h>

#include <algorithm>

#include "ike/context.h"
#include "ike/key_transfer.h"
#include "ike/trace.h"

namespace cygnet::ike {
namespace {

namespace limits = model::limits;

// How much smaller each attempt is that must raise the number of fragments.
constexpr std::size_t raising_step = 32;

std::size_t smallest(const model::Path& path) {
    return path.remote.address.family() == model::Family::v4 ? limits::fragment_ip_octets_min_v4
                                                             : limits::fragment_ip_octets_min_v6;
}

std::size_t current_size(Context& context) {
    IkeSa& sa = context.sa;
    if (sa.fragment_ip_octets == 0) {
        sa.fragment_ip_octets = std::min(context.core.settings.fragment_ip_octets, sa.connection->fragment_size);
        if (const auto known = context.core.path_sizes.find(sa.path.remote.address, context.now))
            sa.fragment_ip_octets = std::min(sa.fragment_ip_octets, *known);
    }
    return sa.fragment_ip_octets;
}

std::optional<FragmentLimit> limit_of(const Context& context, const model::Path& path, std::size_t ip_octets) {
    // RFC 9329 §7.5: TCP cuts by itself.
    if (!context.sa.sends_fragments || path.tcp()) return std::nullopt;
    return FragmentLimit{.ip_octets = ip_octets, .overhead = overhead_of(context, path)};
}

std::size_t largest_of(const SentMessage& sent) {
    std::size_t largest = 0;
    for (const Bytes& datagram : sent) largest = std::max(largest, datagram.size());
    return largest;
}

struct SmallerCut {
    SentMessage datagrams;
    std::size_t ip_octets;
};

struct PreviousKeys {
    std::optional<Protection> protection{};
};

// The message in datagrams of at most `ip_octets`. §2.5.2: Total must really rise, or the receiver mixes the sets.
std::optional<SmallerCut> cut_to(Context& context, Protection& keys, const SentMessage& sent, const model::Path& path,
                                 std::size_t ip_octets) {
    for (std::size_t size = ip_octets; size > limits::fragment_ip_octets_min_v4 / 2; size -= raising_step) {
        auto cut = keys.recut(sent, limit_of(context, path, size), context.core.rng);
        if (!cut) return std::nullopt;
        if (cut->size() > sent.size()) return SmallerCut{std::move(*cut), size};
    }
    return std::nullopt;
}

// The next size of the list that is smaller than what was sent.
std::optional<SmallerCut> next_smaller(Context& context, Protection& keys, const SentMessage& sent,
                                       const model::Path& path) {
    if (!context.sa.sends_fragments || path.tcp()) return std::nullopt;
    const std::size_t present = largest_of(sent) + overhead_of(context, path);
    for (const std::size_t size : limits::fragment_ip_octets_tried)
        if (size < present && size >= smallest(path)) return cut_to(context, keys, sent, path, size);
    return std::nullopt;
}

}  // namespace

std::optional<std::size_t> PathSizes::find(model::IpAddress peer, Instant now) const {
    const auto found = sizes_.find(peer);
    if (found == sizes_.end() || found->second.until <= now) return std::nullopt;
    return found->second.ip_octets;
}

void PathSizes::remember(model::IpAddress peer, std::size_t ip_octets, Instant now) {
    if (sizes_.size() >= limits::path_sizes_remembered && !sizes_.contains(peer))
        std::erase_if(sizes_, [now](const auto& entry) { return entry.second.until <= now; });
    if (sizes_.size() >= limits::path_sizes_remembered && !sizes_.contains(peer)) return;
    sizes_[peer] = {.ip_octets = ip_octets, .until = now + limits::path_size_memory};
}

std::size_t overhead_of(const Context& context, const model::Path& path) {
    const bool v4 = path.remote.address.family() == model::Family::v4;
    const bool marked = path.local.port == context.core.settings.nat_port;
    return (v4 ? wire::udp_over_ipv4_overhead : wire::udp_over_ipv6_overhead) + (marked ? wire::non_esp_marker_size : 0);
}

std::optional<FragmentLimit> request_limit(Context& context) {
    return limit_of(context, context.sa.path, current_size(context));
}

void keep_keys_of_last_answer(IkeSa& sa, std::optional<Protection> replaced) {
    if (!sa.initiator) sa.features.of<PreviousKeys>().protection = std::move(replaced);
}

Protection& keys_of_last_answer(IkeSa& sa) {
    auto* previous = sa.features.find<PreviousKeys>();
    return previous != nullptr && previous->protection ? *previous->protection : *sa.protection;
}

std::optional<FragmentLimit> answer_limit(Context& context) {
    IkeSa& sa = context.sa;
    sa.answer_repeats = 0;
    sa.features.forget<PreviousKeys>();
    std::size_t size = current_size(context);
    if (sa.peer_fragment_octets != 0)
        size = std::min(size, std::max(sa.peer_fragment_octets, smallest(sa.answer_path())));
    return limit_of(context, sa.answer_path(), size);
}

std::optional<RetransmissionSchedule> probing_schedule(const Context& context, const SentMessage& request) {
    const model::Path& path = context.sa.path;
    const std::size_t present = largest_of(request) + overhead_of(context, path);
    if (!context.sa.sends_fragments || path.tcp() || present <= smallest(path)) return std::nullopt;
    const EngineSettings& settings = context.core.settings;
    if (present > limits::fragment_ip_octets)
        return RetransmissionSchedule{.first = std::min(limits::path_probe_first, settings.retransmit_first),
                                      .factor = limits::path_probe_factor,
                                      .tries = limits::path_probe_tries};
    // Nearly every path carries this much: silence has other reasons first.
    return RetransmissionSchedule{
        .first = settings.retransmit_first, .factor = settings.retransmit_factor, .tries = limits::small_path_probe_tries};
}

bool fits(Context& context, const SentMessage& sent, const model::Path& path) {
    if (path.tcp() || !context.sa.sends_fragments) return sent.size() == 1;
    return largest_of(sent) + overhead_of(context, path) <= current_size(context);
}

bool probe_smaller(Context& context) {
    IkeSa& sa = context.sa;
    if (!sa.protection || pieces_get_through(sa)) return false;
    auto smaller = next_smaller(context, *sa.protection, sa.window.outstanding_request(), sa.path);
    if (!smaller) return false;
    sa.fragment_ip_octets = std::min(current_size(context), smaller->ip_octets);
    context.count(model::Counter::fragment_size_lowered);
    context.log(model::LogGroup::ike, 1,
                fmt::format("no answer to request {}: sending it in {} fragments of at most {} octets",
                            sa.window.next_request(), smaller->datagrams.size(), smaller->ip_octets));
    trace_repeated(context, smaller->datagrams);
    context.send(smaller->datagrams, sa.path);
    const RetransmissionSchedule schedule = context.schedule(smaller->datagrams);
    sa.window.replace_request(std::move(smaller->datagrams), context.now, schedule);
    return true;
}

void note_answered(Context& context) {
    const IkeSa& sa = context.sa;
    if (!sa.sends_fragments || sa.path.tcp() || sa.fragment_ip_octets == 0 || !sa.window.outstanding()) return;
    const bool narrow =
        sa.fragment_ip_octets < std::min(context.core.settings.fragment_ip_octets, sa.connection->fragment_size);
    if (narrow && sa.window.outstanding_request().size() > 1)
        context.core.path_sizes.remember(sa.path.remote.address, sa.fragment_ip_octets, context.now);
}

void fit_last_answer(Context& context, ByteView datagram, const model::Path& from) {
    IkeSa& sa = context.sa;
    const SentMessage& last = sa.window.last_response();
    if (!sa.sends_fragments || from.tcp() || !sa.protection) return;
    ++sa.answer_repeats;
    const bool fragment = static_cast<model::PayloadType>(datagram[wire::header_next_payload_at]) == model::PayloadType::skf;
    const std::size_t request = datagram.size() + overhead_of(context, from);
    const std::size_t answer = largest_of(last) + overhead_of(context, from);
    std::optional<SmallerCut> smaller;
    if (fragment && request < answer && answer > smallest(from))
        smaller = cut_to(context, keys_of_last_answer(sa), last, from, std::max(request, smallest(from)));
    else if (sa.answer_repeats >= limits::repeats_before_smaller_answer)
        smaller = next_smaller(context, keys_of_last_answer(sa), last, from);
    if (!smaller) return;
    sa.answer_repeats = 0;
    context.log(model::LogGroup::ike, 1,
                fmt::format("the answer does not seem to arrive: sending it in {} fragments of at most {} octets",
                            smaller->datagrams.size(), smaller->ip_octets));
    sa.window.replace_response(std::move(smaller->datagrams));
}

}  // namespace cygnet::ike
