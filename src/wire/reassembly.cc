#include "wire/reassembly.h"

namespace cygnet::wire {

Reassembly::Verdict Reassembly::classify(FragmentPlace place) const {
    if (place.total > model::limits::fragments_per_message) return Verdict::excessive;
    // A sender that probes for a smaller path MTU only ever raises the total (RFC 7383 §2.5.2).
    if (place.total < total_) return Verdict::outdated;
    const bool same_set = place.total == total_;
    return same_set && parts_[place.number - 1u] ? Verdict::replayed : Verdict::fresh;
}

Result<std::optional<Reassembled>> Reassembly::add(FragmentPlace place, PayloadType first, ByteView aad,
                                                   ByteView text) {
    ASSERT(place.number >= 1 && place.number <= place.total);  // locate_protected saw to it
    if (classify(place) != Verdict::fresh) return fail(Errc::state, "fragment");
    if (place.total > total_) restart(place.total);
    if (octets_ + text.size() > model::limits::reassembled_message_octets) {
        restart(0);
        return fail(Errc::limit, "reassembled message");
    }
    if (place.number == 1) {
        first_ = first;
        aad_ = keep(aad);
    }
    parts_[place.number - 1u] = keep(text);
    octets_ += text.size();
    if (++present_ < total_) return std::optional<Reassembled>();
    return std::optional(join());
}

void Reassembly::restart(std::uint16_t total) {
    *this = Reassembly();
    total_ = total;
    parts_.resize(total);
}

Reassembled Reassembly::join() {
    Reassembled whole{.chain = {.first = first_, .octets = {}}, .aad = std::move(aad_)};
    whole.chain.octets.reserve(octets_);
    for (const auto& part : parts_) append(whole.chain.octets, *part);
    restart(0);
    return whole;
}

}  // namespace cygnet::wire
