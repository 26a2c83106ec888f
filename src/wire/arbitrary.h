// Random values of everything on the wire, for tests of the codec laws and for fuzz seeds. Derived
// from the field lists; irregular structs have their own below.
#pragma once

#include <deque>

#include "base/rng.h"
#include "wire/codec.h"
#include "wire/message.h"

namespace cygnet::wire {

// Draws values, and owns the octets that their views point to.
class Arbitrary {
public:
    explicit Arbitrary(std::uint64_t seed) : rng_(seed) {}

    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(rng_.below(bound)); }
    bool coin() { return below(2) == 0; }

    // Any value of an integer or an enum, known to us or not.
    template <class T>
    T number(std::uint64_t mask = ~std::uint64_t{0}) {
        if constexpr (std::is_same_v<T, bool>)
            return coin();
        else
            return static_cast<T>(rng_.u64() & mask);
    }
    // Mostly short, now and then some hundred octets.
    ByteView octets(std::size_t least = 0, std::size_t most = 65'535) {
        const std::size_t wanted = least + below(below(8) == 0 ? 600 : 24);
        return storage_.emplace_back(rng_.bytes(std::min(wanted, most)));
    }

private:
    SeededRng rng_;
    std::deque<Bytes> storage_;
};

template <class T>
T arbitrary(Arbitrary& source);

namespace detail {

template <auto member, std::uint64_t mask, class T>
void draw_field(const Be<member, mask>&, Arbitrary& source, T& value) {
    value.*member = source.number<MemberType<member>>(mask);
}
template <auto high, auto low, class T>
void draw_field(const Nibbles<high, low>&, Arbitrary& source, T& value) {
    value.*high = source.number<std::uint8_t>(0x0f);
    value.*low = source.number<std::uint8_t>(0x0f);
}
template <class... Flag, class T>
void draw_field(const Flags<Flag...>&, Arbitrary& source, T& value) {
    ((value.*Flag::member = source.coin()), ...);
}
template <auto member, std::size_t least, std::size_t most, class T>
void draw_field(const Rest<member, least, most>&, Arbitrary& source, T& value) {
    value.*member = source.octets(least, most);
}
template <class Length, auto member, class T>
void draw_field(const LengthPrefixed<Length, member>&, Arbitrary& source, T& value) {
    value.*member = source.octets(0, std::numeric_limits<Length>::max());
}
template <class Length, auto member, std::size_t more, class T>
void draw_field(const SizeOf<Length, member, more>&, Arbitrary& source, T& value) {
    using Member = MemberType<member>;
    if constexpr (std::is_same_v<Member, ByteView>) {
        value.*member = source.octets(0, std::numeric_limits<Length>::max() - more);
    } else {
        for (std::size_t count = source.below(5); count-- > 0;)
            (value.*member).push_back(arbitrary<typename Member::value_type>(source));
    }
}
template <auto member, std::size_t most, class T>
void draw_field(const ItemsToEnd<member, most>&, Arbitrary& source, T& value) {
    using Element = typename MemberType<member>::value_type;
    for (std::size_t count = source.below(5); count-- > 0;) (value.*member).push_back(arbitrary<Element>(source));
}
template <class Other, class T>
void draw_field(const Other&, Arbitrary&, T&) {}  // drawn with its SizeOf, or nothing to draw

}  // namespace detail

template <class T>
T arbitrary(Arbitrary& source) {
    T value{};
    std::apply([&](const auto&... field) { (detail::draw_field(field, source, value), ...); }, T::fields);
    return value;
}

template <>
inline model::TransformAttribute arbitrary(Arbitrary& source) {
    model::TransformAttribute attribute;
    attribute.type = source.number<std::uint16_t>(0x7fff);
    attribute.fixed = source.coin();
    attribute.value = keep(attribute.fixed ? source.octets(2, 2) : source.octets(0, 40));
    return attribute;
}

template <>
inline model::Transform arbitrary(Arbitrary& source) {
    model::Transform transform;
    transform.type = source.number<model::TransformType>();
    transform.id = source.number<std::uint16_t>();
    if (source.coin()) transform.key_bits = source.number<std::uint16_t>();
    for (std::size_t count = source.below(3); count-- > 0;)
        transform.other_attributes.push_back(arbitrary<model::TransformAttribute>(source));
    // A leading fixed Key Length would be key_bits.
    if (!transform.other_attributes.empty() && transform.other_attributes[0].type == 14)
        transform.other_attributes[0].type = 15;
    return transform;
}

template <>
inline model::Proposal arbitrary(Arbitrary& source) {
    model::Proposal proposal;
    proposal.number = source.number<std::uint8_t>();
    proposal.protocol = source.number<model::Protocol>();
    proposal.spi = keep(source.octets(0, 8));
    for (std::size_t count = source.below(6); count-- > 0;)
        proposal.transforms.push_back(arbitrary<model::Transform>(source));
    return proposal;
}

template <>
inline SaPayload arbitrary(Arbitrary& source) {
    SaPayload payload;
    for (std::size_t count = 1 + source.below(3); count-- > 0;)
        payload.proposals.push_back(arbitrary<model::Proposal>(source));
    return payload;
}

template <>
inline Selector arbitrary(Arbitrary& source) {
    if (source.below(4) == 0) {
        // Types 128 to 255 are for private use.
        const auto ts_type = static_cast<model::TsType>(128 + source.below(128));
        return UnknownSelector{ts_type, source.number<std::uint8_t>(), source.octets()};
    }
    const std::size_t size = source.coin() ? 4 : 16;
    model::TrafficSelector range;
    range.addresses.first = *model::IpAddress::from_bytes(source.octets(size, size));
    range.addresses.last = *model::IpAddress::from_bytes(source.octets(size, size));
    range.protocol = source.number<std::uint8_t>();
    range.first_port = source.number<std::uint16_t>();
    range.last_port = source.number<std::uint16_t>();
    return range;
}

template <>
inline DeletePayload arbitrary(Arbitrary& source) {
    DeletePayload payload;
    payload.protocol = source.number<model::Protocol>();
    payload.spi_size = static_cast<std::uint8_t>(source.below(9));
    const std::size_t octets = source.below(6) * payload.spi_size;
    payload.spis = source.octets(octets, octets);
    return payload;
}

// Without `first`, which lies in the generic header and not in the body.
template <>
inline SkPayload arbitrary(Arbitrary& source) {
    return {PayloadType::none, source.octets()};
}
template <>
inline SkfPayload arbitrary(Arbitrary& source) {
    const auto total = static_cast<std::uint16_t>(1 + source.below(65'535));
    const auto number = static_cast<std::uint16_t>(1 + source.below(total));
    return {PayloadType::none, number, total, source.octets()};
}

// Of a type that no struct claims.
template <>
inline UnknownPayload arbitrary(Arbitrary& source) {
    const auto type = static_cast<PayloadType>(source.coin() ? 1 + source.below(32) : 55 + source.below(201));
    return {type, source.coin(), source.octets()};
}

namespace detail {

template <std::size_t... index>
Payload draw_payload(Arbitrary& source, std::size_t wanted, std::index_sequence<index...>) {
    Payload payload;
    (static_cast<void>(index == wanted &&
                       (payload = arbitrary<std::variant_alternative_t<index, Payload::variant>>(source), true)),
     ...);
    return payload;
}

}  // namespace detail

template <>
inline Payload arbitrary(Arbitrary& source) {
    constexpr std::size_t kinds = std::variant_size_v<Payload::variant>;
    return detail::draw_payload(source, source.below(kinds), std::make_index_sequence<kinds>());
}

}  // namespace cygnet::wire
