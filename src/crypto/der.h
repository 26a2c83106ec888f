// DER, as far as AlgorithmIdentifiers, public keys and names need it: definite lengths, one-octet tags.
#pragma once

#include <initializer_list>

#include "base/bytes.h"
#include "base/result.h"

namespace cygnet::crypto::der {

enum Tag : std::uint8_t {
    integer = 0x02,
    bit_string = 0x03,
    octet_string = 0x04,
    null = 0x05,
    object_identifier = 0x06,
    utf8_string = 0x0c,
    numeric_string = 0x12,
    printable_string = 0x13,
    t61_string = 0x14,
    ia5_string = 0x16,
    universal_string = 0x1c,
    bmp_string = 0x1e,
    sequence = 0x30,
    set = 0x31,
};
constexpr std::uint8_t explicit_tag(unsigned number) { return static_cast<std::uint8_t>(0xa0 | number); }

struct Element {
    std::uint8_t tag = 0;
    ByteView content;
    ByteView whole;  // with tag and length
};

// The element at the front of `from`, which is then behind it. Lengths must be in their shortest form.
Result<Element> read(ByteView& from);
// The same, and its tag must be `tag`. Returns the content.
Result<ByteView> expect(ByteView& from, std::uint8_t tag);
// The content of the only element of `whole`.
Result<ByteView> expect_only(ByteView whole, std::uint8_t tag);

// An element around the parts.
Bytes element(std::uint8_t tag, std::initializer_list<ByteView> parts);

// "2.5.4.3" and back; an unreadable OID gives an empty text, a wrong text an empty OID.
std::string oid_text(ByteView content);
Bytes oid_content(std::string_view text);

}  // namespace cygnet::crypto::der
