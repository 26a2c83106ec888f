#include "model/identity.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace cygnet::model {
namespace {

struct Prefix {
    std::string_view word;
    IdType type;
};
// A DN is not here: its value needs the parser.
constexpr Prefix prefixes[] = {
    {"ipv4", IdType::ipv4_addr},      {"ipv6", IdType::ipv6_addr},
    {"ipv4net", IdType::ipv4_range},  {"ipv6net", IdType::ipv6_range},
    {"ipv4range", IdType::ipv4_range}, {"ipv6range", IdType::ipv6_range},
    {"rfc822", IdType::rfc822_addr},  {"email", IdType::rfc822_addr},
    {"userfqdn", IdType::rfc822_addr}, {"fqdn", IdType::fqdn},
    {"dns", IdType::fqdn},            {"asn1dn", IdType::der_asn1_dn},
    {"asn1gn", IdType::der_asn1_gn},  {"keyid", IdType::key_id},
};

Identity named(IdType type, std::string_view text) { return {type, keep(bytes_of(text))}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_letter(char a, char b) { return lower(a) == lower(b); }

std::optional<IdType> prefix_type(std::string_view word) {
    const auto row = std::ranges::find_if(prefixes, [&](const Prefix& prefix) {
        return std::ranges::equal(prefix.word, word, same_letter);
    });
    if (row != std::end(prefixes)) return row->type;
    if (word.size() < 3 || word.front() != '{' || word.back() != '}') return std::nullopt;
    unsigned number = 0;
    const auto digits = word.substr(1, word.size() - 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || number > 255)
        return std::nullopt;
    return static_cast<IdType>(number);
}

bool is_range(IdType type) { return type == IdType::ipv4_range || type == IdType::ipv6_range; }

std::optional<AddressRange> range_in(ByteView data) {
    const auto first = IpAddress::from_bytes(data.first(data.size() / 2));
    const auto last = IpAddress::from_bytes(data.subspan(data.size() / 2));
    if (!first || !last) return std::nullopt;
    return AddressRange{*first, *last};
}

// "fqdn:moon.example", "keyid:#0102", "{11}:abc"; nothing when there is no such prefix or the value
// does not fit its type, so that the automatic rules see the whole text.
std::optional<Identity> parse_prefixed(std::string_view text, Identity::DnParser dn_to_der) {
    const auto colon = text.find(':');
    if (colon == text.npos) return std::nullopt;
    const auto type = prefix_type(text.substr(0, colon));
    if (!type) return std::nullopt;
    const std::string_view value = text.substr(colon + 1);
    if (value.starts_with('#')) {
        auto octets = from_hex(value.substr(1));
        if (!octets) return std::nullopt;
        return Identity{*type, *std::move(octets)};
    }
    if (is_range(*type)) {
        const auto range = AddressRange::parse(value);
        if (!range || Identity::of(*range).type != *type) return std::nullopt;
        return Identity::of(*range);
    }
    if (*type == IdType::ipv4_addr || *type == IdType::ipv6_addr) {
        const auto address = IpAddress::parse(value);
        if (!address || Identity::of(*address).type != *type) return std::nullopt;
        return Identity::of(*address);
    }
    if (*type == IdType::der_asn1_dn) {
        if (dn_to_der == nullptr) return std::nullopt;
        auto der = dn_to_der(value);
        if (!der) return std::nullopt;
        return Identity{*type, *std::move(der)};
    }
    return named(*type, value);
}

bool means_any(std::string_view text) {
    constexpr std::string_view words[] = {"", "%any", "%any6", "0.0.0.0", "*", "::", "0::0"};
    return std::ranges::find(words, text) != std::end(words);
}

Identity parse_at_sign(std::string_view text) {
    if (text.starts_with("@#")) {
        if (auto octets = from_hex(text.substr(2))) return {IdType::key_id, *std::move(octets)};
        return named(IdType::key_id, text.substr(2));
    }
    if (text.starts_with("@@")) return named(IdType::rfc822_addr, text.substr(2));
    if (text.starts_with('@')) return named(IdType::fqdn, text.substr(1));
    return named(IdType::rfc822_addr, text);
}

// '*' stands for any text, also none. Linear in the text for each star: no backtracking beyond the last.
bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && same_letter(pattern[p], text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    return std::ranges::all_of(pattern.substr(p), [](char c) { return c == '*'; });
}

bool is_name(IdType type) { return type == IdType::fqdn || type == IdType::rfc822_addr; }

bool printable(ByteView data) {
    return std::ranges::all_of(data, [](std::uint8_t c) { return c >= 0x20 && c < 0x7f; });
}

std::string escaped(ByteView data) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t c : data) {
        if (c >= 0x20 && c < 0x7f && c != '\\') {
            text += static_cast<char>(c);
            continue;
        }
        text += "\\x";
        text += digits[c >> 4];
        text += digits[c & 15];
    }
    return text;
}

}  // namespace

Identity Identity::parse(std::string_view text, DnParser dn_to_der) {
    if (auto prefixed = parse_prefixed(text, dn_to_der)) return *std::move(prefixed);
    if (text.find('=') != text.npos) {
        if (dn_to_der != nullptr)
            if (auto der = dn_to_der(text)) return {IdType::der_asn1_dn, *std::move(der)};
        return named(IdType::key_id, text);
    }
    if (text.find('@') != text.npos) return parse_at_sign(text);
    if (means_any(text)) return {};
    const auto address = IpAddress::parse(text);
    if (address) return of(*address);
    if (text.find_first_of("/-") != text.npos)
        if (const auto range = AddressRange::parse(text)) return of(*range);
    return named(text.find(':') == text.npos ? IdType::fqdn : IdType::key_id, text);
}

Identity Identity::of(IpAddress address) {
    const IdType type =
        address.family() == Family::v4 ? IdType::ipv4_addr : IdType::ipv6_addr;
    return {type, keep(address.bytes())};
}

Identity Identity::of(const AddressRange& range) {
    const IdType type = range.family() == Family::v4 ? IdType::ipv4_range : IdType::ipv6_range;
    return {type, concat({range.first.bytes(), range.last.bytes()})};
}

bool Identity::has_wildcards() const {
    return is_any() || is_range(type) || (is_name(type) && std::ranges::find(data, '*') != data.end());
}

bool Identity::matches(const Identity& peer) const {
    if (is_any()) return true;
    if (is_range(type)) {
        const auto range = range_in(data);
        const bool address = peer.type == IdType::ipv4_addr || peer.type == IdType::ipv6_addr;
        const auto wanted = address ? IpAddress::from_bytes(peer.data) : std::nullopt;
        return range && wanted && Identity::of(*wanted).type == peer.type && range->contains(*wanted);
    }
    if (type != peer.type) return false;
    if (is_name(type)) return glob_matches(text_of(data), text_of(peer.data));
    return data == peer.data;
}

std::string Identity::text(DnPrinter dn_from_der) const {
    switch (type) {
        case IdType::any: return "%any";
        case IdType::ipv4_addr:
        case IdType::ipv6_addr:
            if (const auto address = IpAddress::from_bytes(data)) return address->text();
            break;
        case IdType::ipv4_range:
        case IdType::ipv6_range:
            if (const auto range = range_in(data)) return range->text();
            break;
        case IdType::fqdn:
        case IdType::rfc822_addr: return escaped(data);
        case IdType::der_asn1_dn:
            if (dn_from_der != nullptr) return dn_from_der(data);
            break;
        case IdType::key_id:
            // As swanctl prints it: text where it is text, else hexadecimal.
            return !data.empty() && printable(data) ? escaped(data) : "@#" + hex(data);
        case IdType::null: return "ID_NULL";
        default: break;
    }
    return "{" + std::to_string(static_cast<unsigned>(type)) + "}:#" + hex(data);
}

}  // namespace cygnet::model
