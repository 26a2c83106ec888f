// The kinds of fields of which IKE messages are made. A struct lists its own as `fields`; from
// that list wire/codec.h derives parse, write, print, == and arbitrary. A struct that is too
// irregular for a list has hand-written functions of the same names, bound by the same laws:
//
//   parse(write(x)) == x                 for every value x
//   write(parse(octets)) == octets       for canonical octets (reserved bits zero)
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <tuple>

#include "base/reader.h"

namespace cygnet::wire {

// Announced inside a list: an integer or enum, big-endian. Bits outside `mask` are reserved.
template <auto member, std::uint64_t mask = ~std::uint64_t{0}>
struct Be {
    const char* name;
};

// Two four-bit numbers in one octet.
template <auto high_member, auto low_member>
struct Nibbles {
    const char* high_name;
    const char* low_name;
};

// An octet of flags of which one bit is the bool `member`; several follow each other as
// Flags<Flag<&T::a, 0x08>, Flag<&T::b, 0x20>>. Other bits are reserved.
template <auto member_, std::uint8_t bit_>
struct Flag {
    static constexpr auto member = member_;
    static constexpr std::uint8_t bit = bit_;
    const char* name;
};
template <class... Flag>
struct Flags {
    std::tuple<Flag...> flags;
};

// Octets sent as zero and ignored on receipt.
template <std::size_t octets>
struct Reserved {};

// All octets up to the end, between `least` and `most` of them.
template <auto member, std::size_t least = 0, std::size_t most = 65'535>
struct Rest {
    const char* name;
};

// Octets after an integer that counts them.
template <std::unsigned_integral Length, auto member>
struct LengthPrefixed {
    const char* name;
};

// An integer that announces the size of a later Sized or Items field of the same struct: octets of
// a view, or elements of a list. One such pair per struct. It may count `more` octets of the fields before that one.
template <std::unsigned_integral Length, auto member, std::size_t more = 0>
struct SizeOf {
    const char* name;
};
template <auto member>
struct Sized {
    const char* name;
};
template <auto member>
struct Items {
    const char* name;
};

// List elements up to the end, at most `most` of them.
template <auto member, std::size_t most>
struct ItemsToEnd {
    const char* name;
};

// An integer that counts the octets of the whole struct, itself included.
template <std::unsigned_integral Length>
struct TotalLength {
    const char* name;
};

template <class T>
concept FieldList = requires { T::fields; };

// The functions of a field list, instantiated once per struct in the .cc file that owns it.
//
// Parses all of `octets`; something left over is Errc::trailing. Views point into `octets`.
template <class T>
Result<T> parse(ByteView octets);

// Parses one element from the front of a list.
template <class T>
Result<T> parse_element(Reader& reader);

template <class T>
void write(Writer& writer, const T& value);

// One readable line without a line break: "method=CURVE_25519 data=0a1b2c3d…".
template <class T>
std::string print(const T& value);

template <FieldList T>
bool operator==(const T& a, const T& b);

// A size as a field of fewer bits. What we send is bounded by model/limits.h, so one that does not
// fit is our own mistake.
template <std::unsigned_integral Length>
Length checked_size(std::size_t size) {
    ASSERT(size <= std::numeric_limits<Length>::max());
    return static_cast<Length>(size);
}

template <class T>
Bytes written(const T& value) {
    Bytes octets;
    Writer writer(octets);
    write(writer, value);
    return octets;
}

}  // namespace cygnet::wire
