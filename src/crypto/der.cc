#include "crypto/der.h"

#include <charconv>
#include <limits>

#include "base/reader.h"

namespace cygnet::crypto::der {

Result<Element> read(ByteView& from) {
    Reader reader(from);
    Element element;
    element.tag = TRY(reader.u8("DER tag"));
    // High tag numbers (several octets) appear in nothing that we read.
    if ((element.tag & 0x1f) == 0x1f) return fail(Errc::bad_value, "DER tag");
    std::size_t size = TRY(reader.u8("DER length"));
    if (size >= 0x80) {
        const std::size_t octets = size & 0x7f;
        if (octets == 0 || octets > 3) return fail(Errc::bad_length, "DER length");
        size = 0;
        for (const std::uint8_t octet : TRY(reader.take(octets, "DER length"))) size = size << 8 | octet;
        // X.690 §10.1: the shortest form only.
        if (size < 0x80 || size >> (8 * (octets - 1)) == 0) return fail(Errc::bad_length, "DER length");
    }
    element.content = TRY(reader.take(size, "DER content"));
    element.whole = from.first(from.size() - reader.left());
    from = reader.rest();
    return element;
}

Result<ByteView> expect(ByteView& from, std::uint8_t tag) {
    ByteView rest = from;
    const Element element = TRY(read(rest));
    if (element.tag != tag) return fail(Errc::bad_value, "DER tag");
    from = rest;
    return element.content;
}

Result<ByteView> expect_only(ByteView whole, std::uint8_t tag) {
    const ByteView content = TRY(expect(whole, tag));
    if (!whole.empty()) return fail(Errc::trailing, "DER");
    return content;
}

Bytes element(std::uint8_t tag, std::initializer_list<ByteView> parts) {
    std::size_t size = 0;
    for (const ByteView part : parts) size += part.size();
    Bytes out{tag};
    if (size < 0x80) {
        out.push_back(static_cast<std::uint8_t>(size));
    } else {
        unsigned octets = 1;
        while (size >> (8 * octets)) ++octets;
        out.push_back(static_cast<std::uint8_t>(0x80 | octets));
        for (unsigned i = octets; i-- > 0;) out.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
    }
    for (const ByteView part : parts) append(out, part);
    return out;
}

std::string oid_text(ByteView content) {
    std::string text;
    std::uint64_t arc = 0;
    for (const std::uint8_t octet : content) {
        if (arc > std::numeric_limits<std::uint64_t>::max() >> 7) return {};
        arc = arc << 7 | (octet & 0x7f);
        if (octet & 0x80) continue;
        if (text.empty()) {
            // X.690 §8.19.4: the first number holds two arcs.
            const std::uint64_t first = arc < 80 ? arc / 40 : 2;
            text = std::to_string(first) + '.' + std::to_string(arc - first * 40);
        } else {
            text += '.' + std::to_string(arc);
        }
        arc = 0;
    }
    if (content.empty() || content.back() & 0x80) return {};
    return text;
}

namespace {

void append_base_128(Bytes& out, std::uint64_t arc) {
    unsigned groups = 1;
    while (groups < 9 && arc >> (7 * groups)) ++groups;
    for (unsigned i = groups; i-- > 0;)
        out.push_back(static_cast<std::uint8_t>((arc >> (7 * i) & 0x7f) | (i ? 0x80 : 0)));
}

}  // namespace

Bytes oid_content(std::string_view text) {
    Bytes out;
    std::uint64_t first = 0;
    for (unsigned count = 0;; ++count) {
        std::uint64_t arc = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), arc);
        // An arc that big has no use; the bound keeps the sum of the first two in range.
        if (error != std::errc{} || arc >> 56) return {};
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (count == 0) {
            if (arc > 2) return {};
            first = arc;
        } else if (count == 1) {
            if (first < 2 && arc >= 40) return {};
            append_base_128(out, first * 40 + arc);
        } else {
            append_base_128(out, arc);
        }
        if (text.empty()) return count == 0 ? Bytes{} : out;
        if (text.front() != '.') return {};
        text.remove_prefix(1);
    }
}

}  // namespace cygnet::crypto::der
