#include "model/selector.h"

#include <netdb.h>

#include <algorithm>
#include <charconv>

#include "model/limits.h"

namespace cygnet::model {
namespace {

constexpr std::uint8_t protocol_icmp = 1, protocol_tcp = 6, protocol_udp = 17, protocol_icmpv6 = 58;

bool is_icmp(std::uint8_t protocol) { return protocol == protocol_icmp || protocol == protocol_icmpv6; }

std::optional<unsigned> number(std::string_view text, unsigned most) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
    return value;
}

std::optional<std::uint8_t> parse_protocol(std::string_view text) {
    if (text.empty() || text == "any") return std::uint8_t{0};
    if (const auto value = number(text, 255)) return static_cast<std::uint8_t>(*value);
    const std::string terminated(text);
    const protoent* entry = getprotobyname(terminated.c_str());
    if (entry != nullptr) return static_cast<std::uint8_t>(entry->p_proto);
    // Machines without a protocol database still know these.
    if (text == "icmp") return protocol_icmp;
    if (text == "tcp") return protocol_tcp;
    if (text == "udp") return protocol_udp;
    if (text == "ipv6-icmp" || text == "icmpv6") return protocol_icmpv6;
    return std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view text, std::uint8_t protocol) {
    if (const auto value = number(text, 65535)) return static_cast<std::uint16_t>(*value);
    const std::string terminated(text);
    const servent* entry = getservbyname(terminated.c_str(), protocol == protocol_udp ? "udp" : "tcp");
    if (entry == nullptr) return std::nullopt;
    return ntohs(static_cast<std::uint16_t>(entry->s_port));
}

bool parse_ports(std::string_view text, TrafficSelector& selector) {
    if (text.empty() || text == "any") return true;
    if (text == "opaque") {
        selector.first_port = 65535;
        selector.last_port = 0;
        return true;
    }
    const auto dash = text.find('-');
    const auto first = parse_port(text.substr(0, dash), selector.protocol);
    const auto last = dash == text.npos ? first : parse_port(text.substr(dash + 1), selector.protocol);
    if (!first || !last || *last < *first) return false;
    selector.first_port = *first;
    selector.last_port = *last;
    if (is_icmp(selector.protocol) && dash == text.npos && *first < 256) {
        // A bare ICMP type covers all its codes.
        selector.first_port = static_cast<std::uint16_t>(*first << 8);
        selector.last_port = static_cast<std::uint16_t>(*first << 8 | 0xff);
    }
    return true;
}

std::string protocol_text(std::uint8_t protocol) {
    switch (protocol) {
        case 0: return "0";
        case protocol_icmp: return "icmp";
        case protocol_tcp: return "tcp";
        case protocol_udp: return "udp";
        case protocol_icmpv6: return "ipv6-icmp";
        default: return std::to_string(protocol);
    }
}

std::string ports_text(const TrafficSelector& selector) {
    if (selector.opaque_ports()) return "OPAQUE";
    if (is_icmp(selector.protocol)) {
        const unsigned type = selector.first_port >> 8, code = selector.first_port & 0xff;
        if (selector.last_port == (type << 8 | 0xff) && code == 0) return std::to_string(type);
        if (selector.first_port == selector.last_port)
            return code == 0 ? std::to_string(type) : std::to_string(type) + "(" + std::to_string(code) + ")";
    }
    std::string text = std::to_string(selector.first_port);
    if (selector.last_port != selector.first_port) text += "-" + std::to_string(selector.last_port);
    return text;
}

std::string suffix(const TrafficSelector& selector) {
    if (selector.protocol == 0 && selector.all_ports()) return "";
    std::string text = "[" + protocol_text(selector.protocol);
    if (!selector.all_ports()) text += "/" + ports_text(selector);
    return text + "]";
}

}  // namespace

bool TrafficSelector::contains(const TrafficSelector& other) const {
    const auto common = intersect(other);
    return common && *common == other;
}

bool TrafficSelector::matches(IpAddress address, std::uint8_t packet_protocol, std::uint16_t port) const {
    if (protocol != 0 && protocol != packet_protocol) return false;
    return addresses.contains(address) && first_port <= port && port <= last_port;
}

std::optional<TrafficSelector> TrafficSelector::intersect(const TrafficSelector& other) const {
    if (protocol != 0 && other.protocol != 0 && protocol != other.protocol) return std::nullopt;
    const auto common = addresses.intersect(other.addresses);
    if (!common) return std::nullopt;
    TrafficSelector result{.addresses = *common, .protocol = protocol != 0 ? protocol : other.protocol};
    if (opaque_ports() || other.opaque_ports()) {
        // RFC 7296 §3.13.1: OPAQUE is matched by OPAQUE and by ANY only.
        const bool fits = (opaque_ports() || all_ports()) && (other.opaque_ports() || other.all_ports());
        if (!fits) return std::nullopt;
        result.first_port = 65535;
        result.last_port = 0;
        return result;
    }
    result.first_port = std::max(first_port, other.first_port);
    result.last_port = std::min(last_port, other.last_port);
    if (result.last_port < result.first_port) return std::nullopt;
    return result;
}

std::string TrafficSelector::text() const { return addresses.text() + suffix(*this); }

std::optional<ConfiguredSelector> ConfiguredSelector::parse(std::string_view text) {
    ConfiguredSelector result;
    const auto bracket = text.find('[');
    const std::string_view address = text.substr(0, bracket);
    if (address == "dynamic") {
        result.dynamic = true;
    } else {
        const auto range = AddressRange::parse(address);
        if (!range) return std::nullopt;
        result.selector.addresses = *range;
    }
    if (bracket == text.npos) return result;
    if (text.back() != ']') return std::nullopt;
    const std::string_view inner = text.substr(bracket + 1, text.size() - bracket - 2);
    const auto slash = inner.find('/');
    const auto protocol = parse_protocol(inner.substr(0, slash));
    if (!protocol) return std::nullopt;
    result.selector.protocol = *protocol;
    if (slash != inner.npos && !parse_ports(inner.substr(slash + 1), result.selector)) return std::nullopt;
    return result;
}

TrafficSelectors ConfiguredSelector::resolve(std::span<const IpAddress> own) const {
    if (!dynamic) return {selector};
    TrafficSelectors resolved;
    for (const IpAddress& address : own) {
        resolved.push_back(selector);
        resolved.back().addresses = AddressRange::single(address);
    }
    return resolved;
}

std::string ConfiguredSelector::text() const { return dynamic ? "dynamic" + suffix(selector) : selector.text(); }

TrafficSelectors narrow(std::span<const TrafficSelector> offered, std::span<const TrafficSelector> policy) {
    TrafficSelectors common;
    for (const TrafficSelector& offer : offered) {
        for (const TrafficSelector& allowed : policy) {
            const auto part = offer.intersect(allowed);
            if (!part) continue;
            const auto holds = [&](const TrafficSelector& other) { return other.contains(*part); };
            if (std::ranges::any_of(common, holds)) continue;
            std::erase_if(common, [&](const TrafficSelector& other) { return part->contains(other); });
            common.push_back(*part);
            // The product of two lists may be longer than either; what has no place in a payload is left out.
            if (common.size() == limits::selectors_per_ts_payload) return common;
        }
    }
    return common;
}

std::string text_of(std::span<const TrafficSelector> selectors) {
    std::string text;
    for (const TrafficSelector& selector : selectors) {
        if (!text.empty()) text += ' ';
        text += selector.text();
    }
    return text;
}

bool one_address_each(const TrafficSelectors& local, const TrafficSelectors& remote) {
    const auto one = [](const TrafficSelectors& selectors) {
        return !selectors.empty() && std::ranges::all_of(selectors, [&](const TrafficSelector& selector) {
            return selector.single_address() && selector.addresses == selectors.front().addresses;
        });
    };
    return one(local) && one(remote) && local.front().addresses.family() == remote.front().addresses.family();
}

}  // namespace cygnet::model
