#include "esp/congestion.h"

#include "base/big_endian.h"
#include "esp/internet_checksum.h"

namespace cygnet::esp {
std::optional<Ecn> decapsulated_ecn(Ecn inner, Ecn outer) {
    if (inner == Ecn::not_ect) return outer == Ecn::ce ? std::nullopt : std::optional(inner);
    if (inner == Ecn::ce || outer == Ecn::ce) return Ecn::ce;
    // ECT(1) outside is a mark of its own when the sender said ECT(0) (figure 4).
    return inner == Ecn::ect0 && outer == Ecn::ect1 ? Ecn::ect1 : inner;
}

bool change_traffic_class(const model::TunnelHeaders& rules, std::uint8_t* packet, InnerPacket& inner,
                          std::uint8_t outer_traffic_class) {
    unsigned after = inner.traffic_class;
    if (rules.copy_ecn) {
        const auto mark = decapsulated_ecn(ecn_of(inner.traffic_class), ecn_of(outer_traffic_class));
        if (!mark) return false;
        after = (after & ~3U) | static_cast<unsigned>(*mark);
    }
    if (rules.dscp_in) after = (after & 3U) | (outer_traffic_class & 0xfcU);
    if (after == inner.traffic_class) return true;

    const auto first_word = load_be<std::uint16_t>(packet);
    const unsigned shift = inner.family == model::Family::v4 ? 0 : 4;
    const auto changed = static_cast<std::uint16_t>((first_word & ~(0xffU << shift)) | after << shift);
    store_be(packet, changed);
    if (inner.family == model::Family::v4)
        store_be(packet + 10, checksum_after_change(load_be<std::uint16_t>(packet + 10), first_word, changed));
    inner.traffic_class = static_cast<std::uint8_t>(after);
    return true;
}

}  // namespace cygnet::esp
