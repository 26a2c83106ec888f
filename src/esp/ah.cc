#include "esp/ah.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/big_endian.h"
#include "esp/congestion.h"
#include "esp/internet_checksum.h"
#include "esp/selector_check.h"

namespace cygnet::esp {
namespace {

constexpr std::size_t ipv4_header = 20, ipv6_header = 40;
constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, destination_options = 60;

std::size_t size_in_header(ByteView ah) { return (std::size_t{ah[1]} + 2) * 4; }

// §2.2: its length, in words, without the first two.
std::optional<AhPlace> place_at(ByteView packet, std::size_t at, std::size_t next_at, model::Family family) {
    if (packet.size() < at + ah_fixed_size) return std::nullopt;
    const std::size_t size = size_in_header(packet.subspan(at));
    if (size < ah_fixed_size || packet.size() < at + size) return std::nullopt;
    return AhPlace{.at = at, .next_at = next_at, .size = size, .spi = load_be<std::uint32_t>(&packet[at + 4]), .family = family};
}

std::optional<AhPlace> find_in_ipv4(ByteView packet) {
    if (packet.size() < ipv4_header) return std::nullopt;
    const std::size_t header = std::size_t{packet[0]} % 16 * 4;
    if (header < ipv4_header || packet[9] != protocol::ah) return std::nullopt;
    return place_at(packet, header, 9, model::Family::v4);
}

std::optional<AhPlace> find_in_ipv6(ByteView packet) {
    std::size_t at = ipv6_header, next_at = 6;
    while (packet.size() >= at + 8) {
        const std::uint8_t next = packet[next_at];
        if (next == protocol::ah) return place_at(packet, at, next_at, model::Family::v6);
        if (next != hop_by_hop && next != routing && next != destination_options) return std::nullopt;
        next_at = at;
        at += (std::size_t{packet[at + 1]} + 1) * 8;
    }
    return std::nullopt;
}

// Appendix A1, by the number of the option without its copied flag and class; all others are zeroed.
bool is_immutable(std::uint8_t option) {
    constexpr std::uint8_t security = 130, extended_security = 133, commercial_security = 134, router_alert = 148, multi_destination = 149;
    return option == security || option == extended_security || option == commercial_security || option == router_alert ||
           option == multi_destination;
}

bool zero_in_ipv4(MutableByteView header) {
    constexpr std::size_t service = 1, flags_and_offset = 6, ttl = 8, checksum = 10;
    header[service] = 0;
    std::memset(&header[flags_and_offset], 0, 2);
    header[ttl] = 0;
    std::memset(&header[checksum], 0, 2);
    constexpr std::uint8_t end = 0, nothing = 1;
    for (std::size_t at = ipv4_header; at < header.size();) {
        if (header[at] == end) break;
        if (header[at] == nothing) {
            ++at;
            continue;
        }
        const std::size_t size = at + 1 < header.size() ? header[at + 1] : 0;
        if (size < 2 || at + size > header.size()) return false;
        if (!is_immutable(header[at])) std::memset(&header[at], 0, size);
        at += size;
    }
    return true;
}

// §3.3.3.1.2.2: the data of options that say of themselves that they may change.
bool zero_options(MutableByteView options) {
    constexpr std::uint8_t pad1 = 0, may_change = 0x20;
    for (std::size_t at = 0; at < options.size();) {
        if (options[at] == pad1) {
            ++at;
            continue;
        }
        if (at + 1 >= options.size() || at + 2 + options[at + 1] > options.size()) return false;
        const std::size_t size = options[at + 1];
        if ((options[at] & may_change) != 0) std::memset(&options[at] + 2, 0, size);
        at += 2 + size;
    }
    return true;
}

bool zero_in_ipv6(MutableByteView headers) {
    constexpr std::size_t class_and_flow = 4, hop_limit = 7;
    std::memset(headers.data(), 0, class_and_flow);
    headers[0] = 0x60;
    headers[hop_limit] = 0;
    std::uint8_t next = headers[6];
    for (std::size_t at = ipv6_header; at < headers.size();) {
        if (at + 8 > headers.size()) return false;
        const std::size_t size = (std::size_t{headers[at + 1]} + 1) * 8;
        if (at + size > headers.size()) return false;
        if ((next == hop_by_hop || next == destination_options) && !zero_options(headers.subspan(at + 2, size - 2))) return false;
        next = headers[at];
        at += size;
    }
    return true;
}

// What the ICV is computed over, in parts; the ICV's place is zero, its padding as it stands (§3.3.3.2.1).
class Covered {
public:
    Covered(ByteView packet, const AhPlace& place, const crypto::MacShape& shape, std::uint64_t sequence, bool esn) {
        headers_.assign(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(place.at + ah_fixed_size));
        sound_ = zero_mutable_fields(MutableByteView(headers_).first(place.at), place.family);
        store_be(high_.data(), static_cast<std::uint32_t>(sequence >> 32));
        const std::size_t behind = place.at + ah_fixed_size + shape.field_size();
        parts_ = {headers_, ByteView(zeros_).first(shape.field_size()), packet.subspan(behind),
                  esn ? ByteView(high_) : ByteView()};  // §2.5.1: the half that is not sent comes last
    }
    Covered(const Covered&) = delete;
    bool sound() const { return sound_; }
    std::span<const ByteView> parts() const { return parts_; }

private:
    Bytes headers_;
    std::array<std::uint8_t, 64> zeros_{};
    std::array<std::uint8_t, 4> high_{};
    std::array<ByteView, 4> parts_{};
    bool sound_ = false;
};

// Takes the AH header out: the headers before it move to the payload, and say what it is.
std::size_t without_ah(MutableByteView packet, const AhPlace& place) {
    packet[place.next_at] = packet[place.at];
    std::memmove(&packet[place.size], packet.data(), place.at);
    std::uint8_t* const ip = &packet[place.size];
    const std::size_t size = packet.size() - place.size;
    if (place.family == model::Family::v6) {
        store_be(ip + 4, static_cast<std::uint16_t>(size - ipv6_header));
        return place.size;
    }
    store_be(ip + 2, static_cast<std::uint16_t>(size));
    store_be(ip + 10, std::uint16_t{0});
    store_be(ip + 10, static_cast<std::uint16_t>(~fold(sum_of({ip, place.at}))));
    return place.size;
}

// RFC 4301 §5.2: what an authentic packet holds.
Drop examine(const Child& child, MutableByteView packet, const AhPlace& place, OpenedAh& opened) {
    const std::uint8_t next = packet[place.at];
    if (next == protocol::none) return Drop::dummy;
    if (!child.transport && next != protocol::ipv4 && next != protocol::ipv6) return Drop::bad_next_header;
    const std::uint8_t outer_class = place.family == model::Family::v4
                                         ? packet[1]
                                         : static_cast<std::uint8_t>(load_be<std::uint16_t>(packet.data()) >> 4);
    opened.inner_at = child.transport ? without_ah(packet, place) : place.at + place.size;
    std::uint8_t* const inner = packet.data() + opened.inner_at;
    if (!parse_inner(inner, packet.size() - opened.inner_at, opened.inner)) return Drop::bad_inner_packet;
    const auto announced = next == protocol::ipv4 ? model::Family::v4 : model::Family::v6;
    if (!child.transport && opened.inner.family != announced) return Drop::bad_inner_packet;
    if (const Drop drop = check_selectors(child, inner, opened.inner); drop != Drop::none) return drop;
    if (!child.transport && !decapsulate_traffic_class(child.headers, inner, opened.inner, outer_class)) return Drop::ecn_not_capable;
    return Drop::none;
}

// §3.4.2 to §3.4.4: the window, the ICV, the window again.
Drop authenticate(const Child& child, MutableByteView packet, const AhPlace& place) {
    SaRuntime& sa = *child.sa;
    const crypto::MacShape& shape = sa.ah->shape;
    if (place.size < ah_fixed_size + shape.field_size() || place.size > ah_size(shape, model::Family::v6) ||
        (place.family == model::Family::v6 && place.size % 8 != 0))
        return Drop::bad_ah_header;
    ReplayWindow::Examined examined;
    {
        const SpinLock::Guard lock(sa.in.lock);
        examined = sa.in.window.examine(load_be<std::uint32_t>(&packet[place.at + 8]));
    }
    if (examined.drop != Drop::none) return examined.drop;
    const Covered covered(packet, place, shape, examined.sequence, sa.ah->esn);
    if (!covered.sound()) return Drop::bad_ah_header;
    if (!sa.ah->in->verify(covered.parts(), packet.subspan(place.at + ah_fixed_size, shape.field_size()))) return Drop::integrity_failed;
    const SpinLock::Guard lock(sa.in.lock);
    return sa.in.window.accept(examined.sequence);
}

}  // namespace

std::size_t ah_size(const crypto::MacShape& shape, model::Family outer) {
    const std::size_t alignment = outer == model::Family::v4 ? 4 : 8;
    return (ah_fixed_size + shape.field_size() + alignment - 1) / alignment * alignment;
}

std::optional<AhPlace> find_ah(ByteView packet) {
    if (packet.empty()) return std::nullopt;
    if (packet[0] >> 4 == 4) return find_in_ipv4(packet);
    return packet[0] >> 4 == 6 ? find_in_ipv6(packet) : std::nullopt;
}

bool zero_mutable_fields(MutableByteView headers, model::Family family) {
    const bool v4 = family == model::Family::v4;
    if (headers.size() < (v4 ? ipv4_header : ipv6_header)) return false;
    return v4 ? zero_in_ipv4(headers) : zero_in_ipv6(headers);
}

bool seal_ah(SaRuntime& sa, MutableByteView packet, const AhPlace& place, std::uint8_t next_header, std::size_t inner_size, Instant now) {
    const auto [sequence, count] = sa.out.sequence.reserve(1);
    if (count == 0) {
        sa.drops.add(Drop::sequence_exhausted);
        return false;
    }
    std::uint8_t* const ah = &packet[place.at];
    std::memset(ah, 0, place.size);
    ah[0] = next_header;
    ah[1] = static_cast<std::uint8_t>(place.size / 4 - 2);
    store_be(ah + 4, sa.out.spi);
    store_be(ah + 8, static_cast<std::uint32_t>(sequence));
    const Covered covered(packet, place, sa.ah->shape, sequence, sa.ah->esn);
    ASSERT(covered.sound());
    sa.ah->out->seal(covered.parts(), sequence, packet.subspan(place.at + ah_fixed_size, sa.ah->shape.field_size()));
    sa.out.sent.add(1, inner_size, now);
    return true;
}

OpenedAh open_ah(const Child& child, MutableByteView packet, const AhPlace& place, Instant now) {
    OpenedAh opened{.drop = authenticate(child, packet, place)};
    opened.authentic = opened.drop == Drop::none;
    if (opened.authentic) opened.drop = examine(child, packet, place, opened);
    SaRuntime& sa = *child.sa;
    if (opened.authentic && opened.drop != Drop::dummy) sa.in.received.add(1, opened.drop == Drop::none ? opened.inner.size : 0, now);
    if (opened.drop != Drop::none) sa.drops.add(opened.drop);
    return opened;
}

}  // namespace cygnet::esp
