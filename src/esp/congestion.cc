#include "esp/congestion.h"

#include "base/big_endian.h"

namespace cygnet::esp {
namespace {

// RFC 1624: the header's checksum after its first word changed.
void update_checksum(std::uint8_t* header, std::uint16_t before, std::uint16_t after) {
    std::uint32_t sum = static_cast<std::uint16_t>(~load_be<std::uint16_t>(header + 10));
    sum += static_cast<std::uint16_t>(~before);
    sum += after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    store_be(header + 10, static_cast<std::uint16_t>(~sum));
}

}  // namespace

std::optional<Ecn> decapsulated_ecn(Ecn inner, Ecn outer) {
    if (inner == Ecn::not_ect) return outer == Ecn::ce ? std::nullopt : std::optional(inner);
    if (inner == Ecn::ce || outer == Ecn::ce) return Ecn::ce;
    // ECT(1) outside is a mark of its own when the sender said ECT(0) (figure 4).
    return inner == Ecn::ect0 && outer == Ecn::ect1 ? Ecn::ect1 : inner;
}

bool decapsulate_ecn(std::uint8_t* packet, InnerPacket& inner, std::uint8_t outer_traffic_class) {
    const Ecn before = ecn_of(inner.traffic_class);
    const auto after = decapsulated_ecn(before, ecn_of(outer_traffic_class));
    if (!after) return false;
    if (*after == before) return true;
    const auto first_word = load_be<std::uint16_t>(packet);
    const unsigned shift = inner.family == model::Family::v4 ? 0 : 4;
    const auto marked =
        static_cast<std::uint16_t>((first_word & ~(3U << shift)) | static_cast<unsigned>(*after) << shift);
    store_be(packet, marked);
    if (inner.family == model::Family::v4) update_checksum(packet, first_word, marked);
    inner.traffic_class = static_cast<std::uint8_t>((inner.traffic_class & ~3U) | static_cast<unsigned>(*after));
    return true;
}

}  // namespace cygnet::esp
