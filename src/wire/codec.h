// What field lists mean: the bodies of parse, write, print and == that wire/fields.h declares.
// Included only by the .cc files that own structs (CYGNET_WIRE_CODEC instantiates them there) and
// by tests.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>
#include <utility>

#include "wire/fields.h"

namespace cygnet::wire {

// "0a1b2c" or, for more than 20 octets, the first eight and the size.
std::string print_octets(ByteView octets);
// Quoted if every octet is a printable ASCII character, else as print_octets.
std::string print_text(ByteView octets);

namespace detail {

template <class>
struct MemberTraits;
template <class Struct, class Type_>
struct MemberTraits<Type_ Struct::*> {
    using Type = Type_;
};
template <auto member>
using MemberType = typename MemberTraits<decltype(member)>::Type;

// The unsigned integer that stands for a number or an enum on the wire.
template <class T>
struct WireInteger {
    using Type = std::make_unsigned_t<T>;
};
template <class T>
    requires std::is_enum_v<T>
struct WireInteger<T> {
    using Type = std::underlying_type_t<T>;
};

// What fields of one struct share while it is read: the count of a SizeOf, and the size of the
// whole for TotalLength.
struct Parsing {
    Reader& reader;
    std::size_t octets;
    std::size_t announced = 0;
};
struct Writing {
    Writer& writer;
    std::size_t start;
    std::optional<std::size_t> total_length_at{};
};

// Adds "name=value", with a blank between two.
void print_value(std::string& line, const char* name, std::string_view value);

template <class T>
std::string text_of_number(T value) {
    if constexpr (std::is_enum_v<T>) {
        return name_of(value);
    } else if constexpr (sizeof(T) == 8) {
        std::array<std::uint8_t, 8> octets;
        for (std::size_t i = 0; i < 8; ++i) octets[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
        return hex(octets);
    } else {
        return std::to_string(value);
    }
}

// Be

template <auto member, std::uint64_t mask, class T>
Result<> read_field(const Be<member, mask>& field, Parsing& in, T& value) {
    using Integer = typename WireInteger<MemberType<member>>::Type;
    const auto number = TRY(in.reader.template integer<Integer>(field.name));
    value.*member = static_cast<MemberType<member>>(static_cast<Integer>(number & mask));
    return {};
}
template <auto member, std::uint64_t mask, class T>
void write_field(const Be<member, mask>&, Writing& out, const T& value) {
    using Integer = typename WireInteger<MemberType<member>>::Type;
    out.writer.integer(static_cast<Integer>(static_cast<Integer>(value.*member) & mask));
}
template <auto member, std::uint64_t mask, class T>
void print_field(const Be<member, mask>& field, std::string& line, const T& value) {
    print_value(line, field.name, text_of_number(value.*member));
}
template <auto member, std::uint64_t mask, class T>
bool same_field(const Be<member, mask>&, const T& a, const T& b) {
    return a.*member == b.*member;
}

// Nibbles

template <auto high, auto low, class T>
Result<> read_field(const Nibbles<high, low>& field, Parsing& in, T& value) {
    const std::uint8_t octet = TRY(in.reader.u8(field.high_name));
    value.*high = static_cast<std::uint8_t>(octet >> 4);
    value.*low = octet & 0x0f;
    return {};
}
template <auto high, auto low, class T>
void write_field(const Nibbles<high, low>&, Writing& out, const T& value) {
    out.writer.u8(static_cast<std::uint8_t>(value.*high << 4 | (value.*low & 0x0f)));
}
template <auto high, auto low, class T>
void print_field(const Nibbles<high, low>& field, std::string& line, const T& value) {
    print_value(line, field.high_name, std::to_string(value.*high));
    print_value(line, field.low_name, std::to_string(value.*low));
}
template <auto high, auto low, class T>
bool same_field(const Nibbles<high, low>&, const T& a, const T& b) {
    return a.*high == b.*high && a.*low == b.*low;
}

// Flags

template <class... Flag, class T>
Result<> read_field(const Flags<Flag...>& field, Parsing& in, T& value) {
    const std::uint8_t octet = TRY(in.reader.u8(std::get<0>(field.flags).name));
    ((value.*Flag::member = (octet & Flag::bit) != 0), ...);
    return {};
}
template <class... Flag, class T>
void write_field(const Flags<Flag...>&, Writing& out, const T& value) {
    out.writer.u8(static_cast<std::uint8_t>(((value.*Flag::member ? Flag::bit : 0u) | ...)));
}
template <class... Flag, class T>
void print_field(const Flags<Flag...>& field, std::string& line, const T& value) {
    const auto print_one = [&](const auto& flag) {
        if (value.*flag.member) line += (line.empty() ? "" : " ") + std::string(flag.name);
    };
    std::apply([&](const auto&... flag) { (print_one(flag), ...); }, field.flags);
}
template <class... Flag, class T>
bool same_field(const Flags<Flag...>&, const T& a, const T& b) {
    return ((a.*Flag::member == b.*Flag::member) && ...);
}

// Reserved

template <std::size_t octets, class T>
Result<> read_field(const Reserved<octets>&, Parsing& in, T&) {
    TRY(in.reader.take(octets, "reserved octets"));
    return {};
}
template <std::size_t octets, class T>
void write_field(const Reserved<octets>&, Writing& out, const T&) {
    out.writer.zeros(octets);
}
template <std::size_t octets, class T>
void print_field(const Reserved<octets>&, std::string&, const T&) {}
template <std::size_t octets, class T>
bool same_field(const Reserved<octets>&, const T&, const T&) {
    return true;
}

// Rest

template <auto member, std::size_t least, std::size_t most, class T>
Result<> read_field(const Rest<member, least, most>& field, Parsing& in, T& value) {
    value.*member = in.reader.rest();
    const std::size_t size = (value.*member).size();
    if (size < least || size > most) return fail(Errc::bad_length, field.name);
    return {};
}
template <auto member, std::size_t least, std::size_t most, class T>
void write_field(const Rest<member, least, most>&, Writing& out, const T& value) {
    out.writer.bytes(value.*member);
}
template <auto member, std::size_t least, std::size_t most, class T>
void print_field(const Rest<member, least, most>& field, std::string& line, const T& value) {
    if (!(value.*member).empty()) print_value(line, field.name, print_octets(value.*member));
}
template <auto member, std::size_t least, std::size_t most, class T>
bool same_field(const Rest<member, least, most>&, const T& a, const T& b) {
    return equal(a.*member, b.*member);
}

// LengthPrefixed

template <class Length, auto member, class T>
Result<> read_field(const LengthPrefixed<Length, member>& field, Parsing& in, T& value) {
    const std::size_t size = TRY(in.reader.template integer<Length>(field.name));
    value.*member = TRY(in.reader.take(size, field.name));
    return {};
}
template <class Length, auto member, class T>
void write_field(const LengthPrefixed<Length, member>&, Writing& out, const T& value) {
    out.writer.integer(checked_size<Length>((value.*member).size()));
    out.writer.bytes(value.*member);
}
template <class Length, auto member, class T>
void print_field(const LengthPrefixed<Length, member>& field, std::string& line, const T& value) {
    if (!(value.*member).empty()) print_value(line, field.name, print_octets(value.*member));
}
template <class Length, auto member, class T>
bool same_field(const LengthPrefixed<Length, member>&, const T& a, const T& b) {
    return equal(a.*member, b.*member);
}

// SizeOf with Sized or Items

template <class Length, auto member, std::size_t more, class T>
Result<> read_field(const SizeOf<Length, member, more>& field, Parsing& in, T&) {
    in.announced = TRY(in.reader.template integer<Length>(field.name));
    if (in.announced < more) return fail(Errc::bad_length, field.name);
    in.announced -= more;
    return {};
}
template <class Length, auto member, std::size_t more, class T>
void write_field(const SizeOf<Length, member, more>&, Writing& out, const T& value) {
    out.writer.integer(checked_size<Length>((value.*member).size() + more));
}
template <class Length, auto member, std::size_t more, class T>
void print_field(const SizeOf<Length, member, more>&, std::string&, const T&) {}
template <class Length, auto member, std::size_t more, class T>
bool same_field(const SizeOf<Length, member, more>&, const T&, const T&) {
    return true;  // follows from the field whose size it is
}

template <auto member, class T>
Result<> read_field(const Sized<member>& field, Parsing& in, T& value) {
    value.*member = TRY(in.reader.take(in.announced, field.name));
    return {};
}
template <auto member, class T>
void write_field(const Sized<member>&, Writing& out, const T& value) {
    out.writer.bytes(value.*member);
}
template <auto member, class T>
void print_field(const Sized<member>& field, std::string& line, const T& value) {
    if (!(value.*member).empty()) print_value(line, field.name, print_octets(value.*member));
}
template <auto member, class T>
bool same_field(const Sized<member>&, const T& a, const T& b) {
    return equal(a.*member, b.*member);
}

template <class List>
void write_elements(Writing& out, const List& list) {
    for (const auto& element : list) write(out.writer, element);
}
template <class List>
void print_elements(const char* name, std::string& line, const List& list) {
    std::string all;
    for (const auto& element : list) all += (all.empty() ? "" : ", ") + print(element);
    print_value(line, name, "[" + all + "]");
}

template <auto member, class T>
Result<> read_field(const Items<member>&, Parsing& in, T& value) {
    using Element = typename MemberType<member>::value_type;
    // Nothing is reserved for a count that the octets may not keep.
    for (std::size_t i = 0; i < in.announced; ++i) (value.*member).push_back(TRY(parse_element<Element>(in.reader)));
    return {};
}
template <auto member, class T>
void write_field(const Items<member>&, Writing& out, const T& value) {
    write_elements(out, value.*member);
}
template <auto member, class T>
void print_field(const Items<member>& field, std::string& line, const T& value) {
    print_elements(field.name, line, value.*member);
}
template <auto member, class T>
bool same_field(const Items<member>&, const T& a, const T& b) {
    return a.*member == b.*member;
}

// ItemsToEnd

template <auto member, std::size_t most, class T>
Result<> read_field(const ItemsToEnd<member, most>& field, Parsing& in, T& value) {
    using Element = typename MemberType<member>::value_type;
    while (!in.reader.empty()) {
        if ((value.*member).size() == most) return fail(Errc::limit, field.name);
        (value.*member).push_back(TRY(parse_element<Element>(in.reader)));
    }
    return {};
}
template <auto member, std::size_t most, class T>
void write_field(const ItemsToEnd<member, most>&, Writing& out, const T& value) {
    ASSERT((value.*member).size() <= most);
    write_elements(out, value.*member);
}
template <auto member, std::size_t most, class T>
void print_field(const ItemsToEnd<member, most>& field, std::string& line, const T& value) {
    print_elements(field.name, line, value.*member);
}
template <auto member, std::size_t most, class T>
bool same_field(const ItemsToEnd<member, most>&, const T& a, const T& b) {
    return a.*member == b.*member;
}

// TotalLength

template <class Length, class T>
Result<> read_field(const TotalLength<Length>& field, Parsing& in, T&) {
    const std::size_t total = TRY(in.reader.template integer<Length>(field.name));
    if (total != in.octets) return fail(Errc::bad_length, field.name);
    return {};
}
template <class Length, class T>
void write_field(const TotalLength<Length>&, Writing& out, const T&) {
    static_assert(sizeof(Length) == 2);
    out.total_length_at = out.writer.size();
    out.writer.integer(Length{0});
}
template <class Length, class T>
void print_field(const TotalLength<Length>&, std::string&, const T&) {}
template <class Length, class T>
bool same_field(const TotalLength<Length>&, const T&, const T&) {
    return true;
}

}  // namespace detail

template <class T>
Result<T> parse_element(Reader& reader) {
    T value{};
    detail::Parsing in{reader, reader.left()};
    Result<> status;
    std::apply(
        [&](const auto&... field) {
            static_cast<void>(((status = detail::read_field(field, in, value)).has_value() && ...));
        },
        T::fields);
    if (!status) return fail(std::move(status).error());
    return value;
}

template <class T>
Result<T> parse(ByteView octets) {
    Reader reader(octets);
    T value = TRY(parse_element<T>(reader));
    TRY(reader.finish("end of the payload"));
    return value;
}

template <class T>
void write(Writer& writer, const T& value) {
    detail::Writing out{writer, writer.size()};
    std::apply([&](const auto&... field) { (detail::write_field(field, out, value), ...); }, T::fields);
    if (out.total_length_at)
        writer.patch_u16(*out.total_length_at, checked_size<std::uint16_t>(writer.size() - out.start));
}

template <class T>
std::string print(const T& value) {
    std::string line;
    std::apply([&](const auto&... field) { (detail::print_field(field, line, value), ...); }, T::fields);
    return line;
}

template <FieldList T>
bool operator==(const T& a, const T& b) {
    return std::apply([&](const auto&... field) { return (detail::same_field(field, a, b) && ...); }, T::fields);
}

// Once per struct, in the .cc file that owns it. CYGNET_WIRE_CODEC_UNPRINTED is for structs that
// print themselves by hand.
#define CYGNET_WIRE_CODEC_UNPRINTED(T)         \
    template Result<T> parse<T>(ByteView);     \
    template void write<T>(Writer&, const T&); \
    template bool operator== <T>(const T&, const T&)
#define CYGNET_WIRE_CODEC(T)        \
    CYGNET_WIRE_CODEC_UNPRINTED(T); \
    template std::string print<T>(const T&)

}  // namespace cygnet::wire
