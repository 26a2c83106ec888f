// Distinguished names as text and as DER Names, RFC 5280 §4.1.2.4, written as strongSwan writes them.
#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "crypto/der.h"
#include "crypto/x509.h"

namespace cygnet::crypto {
namespace {

struct AttributeName {
    std::string_view name;
    const char* oid;
    std::uint8_t tag = der::utf8_string;  // what OpenSSL gives a value of this type
};
// The first name of a type is the one that is printed.
constexpr AttributeName attribute_names[] = {
    {"C", "2.5.4.6", der::printable_string},
    {"ST", "2.5.4.8"},
    {"L", "2.5.4.7"},
    {"O", "2.5.4.10"},
    {"OU", "2.5.4.11"},
    {"CN", "2.5.4.3"},
    {"S", "2.5.4.4"},
    {"G", "2.5.4.42"},
    {"I", "2.5.4.43"},
    {"T", "2.5.4.12"},
    {"D", "2.5.4.13"},
    {"N", "2.5.4.41"},
    {"dnQualifier", "2.5.4.46", der::printable_string},
    {"pseudonym", "2.5.4.65"},
    {"serialNumber", "2.5.4.5", der::printable_string},
    {"SN", "2.5.4.5", der::printable_string},
    {"STREET", "2.5.4.9"},
    {"postalCode", "2.5.4.17"},
    {"ID", "2.5.4.45"},
    {"UID", "0.9.2342.19200300.100.1.1"},
    {"DC", "0.9.2342.19200300.100.1.25", der::ia5_string},
    {"E", "1.2.840.113549.1.9.1", der::ia5_string},
    {"Email", "1.2.840.113549.1.9.1", der::ia5_string},
    {"emailAddress", "1.2.840.113549.1.9.1", der::ia5_string},
    {"unstructuredName", "1.2.840.113549.1.9.2"},
    {"UN", "1.2.840.113549.1.9.2"},
    {"employeeNumber", "2.16.840.1.113730.3.1.3"},
    {"EN", "2.16.840.1.113730.3.1.3"},
};

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }
bool same_text(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

struct AttributeType {
    Bytes oid;  // content
    std::uint8_t tag;
};

// "CN" or "2.5.4.3"
std::optional<AttributeType> attribute_type(std::string_view name) {
    for (const AttributeName& row : attribute_names)
        if (same_text(row.name, name)) return AttributeType{der::oid_content(row.oid), row.tag};
    Bytes oid = der::oid_content(name);
    if (oid.empty()) return std::nullopt;
    for (const AttributeName& row : attribute_names)
        if (der::oid_content(row.oid) == oid) return AttributeType{std::move(oid), row.tag};
    return AttributeType{std::move(oid), der::utf8_string};
}

// Whether a type and '=' stand at the front of the text: then the separator before it was one, and not
// part of a value such as "Cygnet, Inc.".
bool starts_attribute(std::string_view text) {
    const std::size_t equals = text.find('=');
    return equals != std::string_view::npos && attribute_type(trim(text.substr(0, equals)));
}

// Reading text.

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    const char small = lower(c);
    if (small >= 'a' && small <= 'f') return static_cast<unsigned>(small - 'a' + 10);
    return std::nullopt;
}

// RFC 4514 §2.4: a backslash with two hexadecimal digits, or before the character itself.
std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        const auto high = hex_digit(text[i + 1]);
        const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
        if (high && low) {
            out += static_cast<char>(*high << 4 | *low);
            i += 2;
        } else {
            out += text[++i];
        }
    }
    return out;
}

// The end of the value at the front of `text`: before the separator, or '+' in an RDN of several
// values, that a type follows.
std::size_t end_of_value(std::string_view text, char separator) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\')
            ++i;
        else if ((text[i] == separator || text[i] == '+') && starts_attribute(text.substr(i + 1)))
            return i;
    }
    return text.size();
}

Bytes rdn_element(std::vector<Bytes> attributes) {
    // X.690 §11.6: the elements of a SET OF in order.
    std::ranges::sort(attributes);
    Bytes content;
    for (const Bytes& attribute : attributes) append(content, attribute);
    return der::element(der::set, {content});
}

// Printing.

void append_utf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | code >> 6);
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xe0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        out += static_cast<char>(0xf0 | (code >> 18 & 7));
        out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    }
}

// The characters of a value as UTF-8; other types than strings stay their octets.
std::string characters_of(const der::Element& value) {
    const std::size_t width = value.tag == der::bmp_string ? 2 : value.tag == der::universal_string ? 4 : 0;
    if (width == 0 || value.content.size() % width != 0) return std::string(text_of(value.content));
    std::string out;
    for (std::size_t i = 0; i < value.content.size(); i += width) {
        std::uint32_t code = 0;
        for (std::size_t j = 0; j < width; ++j) code = code << 8 | value.content[i + j];
        append_utf8(out, code);
    }
    return out;
}

// The length of the well-formed UTF-8 sequence at the front (RFC 3629 §4), 0 if there is none. The control
// characters U+0080 to U+009F count as none.
std::size_t utf8_length(std::string_view text) {
    const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = octet(0);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xc2 ? 0
                               : first < 0xe0 ? 2
                               : first < 0xf0 ? 3
                               : first < 0xf5 ? 4
                                              : 0;
    if (length < 2) return length;
    if (text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((octet(i) & 0xc0) != 0x80) return 0;
    const unsigned second = octet(1);
    const bool too_long = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool no_character = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
    const bool control = first == 0xc2 && second < 0xa0;
    return too_long || no_character || control ? 0 : length;
}

// Printable UTF-8 whatever the value holds; what would read as something else is written in hexadecimal.
std::string escape(std::string_view value) {
    std::string out;
    for (std::size_t i = 0; i < value.size();) {
        const char c = value[i];
        const std::size_t length = utf8_length(value.substr(i));
        const bool control = length == 0 || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        const bool separates = (c == ',' || c == '+') && starts_attribute(value.substr(i + 1));
        const bool trimmed = c == ' ' && (i == 0 || i + 1 == value.size());
        if (control || c == '\\' || separates || trimmed) {
            out += fmt::format("\\{:02X}", static_cast<unsigned char>(c));
            ++i;
        } else {
            out += value.substr(i, length);
            i += length;
        }
    }
    return out;
}

std::string type_text(ByteView oid) {
    std::string text = der::oid_text(oid);
    for (const AttributeName& row : attribute_names)
        if (text == row.oid) return std::string(row.name);
    return text;
}

struct Attribute {
    ByteView oid;
    der::Element value;
};
using Rdn = std::vector<Attribute>;

Result<std::vector<Rdn>> read_name(ByteView der_name) {
    std::vector<Rdn> name;
    ByteView rdns = TRY(der::expect_only(der_name, der::sequence));
    while (!rdns.empty()) {
        ByteView attributes = TRY(der::expect(rdns, der::set));
        Rdn rdn;
        while (!attributes.empty()) {
            ByteView attribute = TRY(der::expect(attributes, der::sequence));
            const ByteView oid = TRY(der::expect(attribute, der::object_identifier));
            const der::Element value = TRY(der::read(attribute));
            if (!attribute.empty()) return fail(Errc::trailing, "distinguished name");
            rdn.push_back({oid, value});
        }
        name.push_back(std::move(rdn));
    }
    return name;
}

bool same_rdn(const Rdn& a, const Rdn& b, bool wildcards) {
    return std::ranges::is_permutation(a, b, [wildcards](const Attribute& left, const Attribute& right) {
        if (!equal(left.oid, right.oid)) return false;
        const std::string value = characters_of(left.value);
        return (wildcards && value == "*") || same_text(trim(value), trim(characters_of(right.value)));
    });
}

bool same_name(ByteView a, ByteView b, bool wildcards) {
    const auto left = read_name(a), right = read_name(b);
    return left && right && std::ranges::equal(*left, *right, [wildcards](const Rdn& x, const Rdn& y) {
               return same_rdn(x, y, wildcards);
           });
}

}  // namespace

Result<Bytes> parse_distinguished_name(std::string_view text) {
    text = trim(text);
    const char separator = text.starts_with('/') ? '/' : ',';
    if (separator == '/') text.remove_prefix(1);
    Bytes rdns;
    std::vector<Bytes> attributes;
    while (true) {
        const std::size_t equals = text.find('=');
        const std::string_view name = trim(text.substr(0, equals));
        const auto type = equals == std::string_view::npos ? std::nullopt : attribute_type(name);
        if (!type)
            return fail(Errc::bad_syntax, "distinguished name",
                        fmt::format("\"{}\" is not the name of an attribute, such as CN or O", name));
        text.remove_prefix(equals + 1);
        const std::size_t end = end_of_value(text, separator);
        const std::string value = unescape(trim(text.substr(0, end)));
        attributes.push_back(der::element(der::sequence, {der::element(der::object_identifier, {type->oid}),
                                                          der::element(type->tag, {bytes_of(value)})}));
        if (end == text.size() || text[end] == separator) append(rdns, rdn_element(std::exchange(attributes, {})));
        if (end == text.size()) return der::element(der::sequence, {rdns});
        text.remove_prefix(end + 1);
    }
}

std::string distinguished_name_text(ByteView der_name) {
    const auto name = read_name(der_name);
    if (!name) return fmt::format("(unreadable name {})", hex(der_name));
    std::string text;
    for (const Rdn& rdn : *name) {
        const char* before = text.empty() ? "" : ", ";
        for (const Attribute& attribute : rdn) {
            text += before + type_text(attribute.oid) + '=' + escape(characters_of(attribute.value));
            before = "+";
        }
    }
    return text;
}

bool same_distinguished_name(ByteView a, ByteView b) { return same_name(a, b, false); }
bool distinguished_name_matches(ByteView pattern, ByteView name) { return same_name(pattern, name, true); }

}  // namespace cygnet::crypto
