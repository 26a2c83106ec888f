// Octet strings: the vocabulary of every parser, writer and key schedule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cygnet::inline base {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;

// A string's characters as octets; the view lives as long as the string.
inline ByteView bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Octets as characters, for values that are text on the wire (identities, names).
inline std::string_view text_of(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Copies a view that must outlive its message.
inline Bytes keep(ByteView view) { return {view.begin(), view.end()}; }

Bytes concat(std::initializer_list<ByteView> parts);
void append(Bytes& to, ByteView part);

// Equality of public values; secrets use SecretBytes::equals.
bool equal(ByteView a, ByteView b);

// Lowercase hexadecimal without separators, and back (blanks and ':' are skipped);
// from_hex fails on other characters or an odd count.
std::string hex(ByteView bytes);
std::optional<Bytes> from_hex(std::string_view text);
std::optional<Bytes> from_base64(std::string_view text);

}  // namespace cygnet::inline base
