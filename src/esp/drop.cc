#include "esp/drop.h"

namespace cygnet::esp {

std::string_view name_of(Drop drop) {
    switch (drop) {
        case Drop::none: return "none";
        case Drop::too_short: return "too-short";
        case Drop::misaligned: return "misaligned";
        case Drop::reserved_spi: return "reserved-spi";
        case Drop::unknown_spi: return "unknown-spi";
        case Drop::sequence_zero: return "sequence-zero";
        case Drop::replayed: return "replayed";
        case Drop::before_window: return "before-window";
        case Drop::integrity_failed: return "integrity-failed";
        case Drop::bad_padding: return "bad-padding";
        case Drop::dummy: return "dummy";
        case Drop::bad_next_header: return "bad-next-header";
        case Drop::bad_inner_packet: return "bad-inner-packet";
        case Drop::ecn_not_capable: return "ecn-not-capable";
        case Drop::selector_mismatch: return "selector-mismatch";
        case Drop::ipcomp_wrong_index: return "ipcomp-wrong-index";
        case Drop::ipcomp_malformed: return "ipcomp-malformed";
        case Drop::ipcomp_too_long: return "ipcomp-too-long";
        case Drop::ipcomp_trailing: return "ipcomp-trailing";
        case Drop::icmp_mismatch: return "icmp-mismatch";
        case Drop::bad_ah_header: return "bad-ah-header";
        case Drop::unprotected: return "unprotected";
        case Drop::icmp_refused: return "icmp-refused";
        case Drop::bad_packet: return "bad-packet";
        case Drop::no_policy: return "no-policy";
        case Drop::policy_drop: return "policy-drop";
        case Drop::trap_queue_full: return "trap-queue-full";
        case Drop::trap_timeout: return "trap-timeout";
        case Drop::too_big_for_path: return "too-big-for-path";
        case Drop::not_transportable: return "not-transportable";
        case Drop::sequence_exhausted: return "sequence-exhausted";
        case Drop::too_large: return "too-large";
        case Drop::carrier_refused: return "carrier-refused";
        case Drop::device_refused: return "device-refused";
        case Drop::not_esp: return "not-esp";
        case Drop::ike_queue_full: return "ike-queue-full";
        case Drop::event_queue_full: return "event-queue-full";
        case Drop::count: break;
    }
    return "unknown";
}

DropCounts DropCounters::read() const {
    DropCounts counts{};
    for (std::size_t i = 0; i < drop_count; ++i) counts[i] = values_[i].load(std::memory_order_relaxed);
    return counts;
}

}  // namespace cygnet::esp
