#include "model/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "base/result.h"

namespace cygnet::model {

IpAddress IpAddress::v4(std::uint32_t host_order) {
    IpAddress address;
    for (std::size_t i = 0; i < 4; ++i) address.octets_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return address;
}

IpAddress IpAddress::any(Family family) {
    IpAddress address;
    address.family_ = family;
    return address;
}

std::optional<IpAddress> IpAddress::from_bytes(ByteView octets) {
    if (octets.size() != 4 && octets.size() != 16) return std::nullopt;
    IpAddress address = any(octets.size() == 4 ? Family::v4 : Family::v6);
    std::ranges::copy(octets, address.octets_.begin());
    return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string terminated(text);
    IpAddress address;
    if (inet_pton(AF_INET, terminated.c_str(), address.octets_.data()) == 1) return address;
    address.octets_.fill(0);
    address.family_ = Family::v6;
    if (inet_pton(AF_INET6, terminated.c_str(), address.octets_.data()) == 1) return address;
    return std::nullopt;
}

bool IpAddress::is_any() const {
    return std::ranges::all_of(bytes(), [](std::uint8_t octet) { return octet == 0; });
}

std::uint32_t IpAddress::v4_host_order() const {
    ASSERT(family_ == Family::v4);
    return static_cast<std::uint32_t>(octets_[0]) << 24 | static_cast<std::uint32_t>(octets_[1]) << 16 |
           static_cast<std::uint32_t>(octets_[2]) << 8 | octets_[3];
}

std::optional<IpAddress> IpAddress::next() const {
    IpAddress following = *this;
    for (std::size_t i = address_size(family_); i-- > 0;)
        if (++following.octets_[i] != 0) return following;
    return std::nullopt;
}

std::string IpAddress::text() const {
    char buffer[INET6_ADDRSTRLEN];
    if (family_ == Family::v6) return inet_ntop(AF_INET6, octets_.data(), buffer, sizeof buffer);
    // Every log line has one or two; inet_ntop would parse a format string for them.
    char* end = buffer;
    for (const std::uint8_t octet : bytes()) {
        if (end != buffer) *end++ = '.';
        end = std::to_chars(end, std::end(buffer), octet).ptr;
    }
    return {buffer, end};
}

AddressRange AddressRange::all(Family family) { return prefix(IpAddress::any(family), 0); }

AddressRange AddressRange::prefix(IpAddress address, unsigned bits) {
    const std::size_t size = address_size(address.family());
    std::array<std::uint8_t, 16> first{}, last{};
    for (std::size_t i = 0; i < size; ++i) {
        const unsigned kept = static_cast<unsigned>(std::clamp<int>(static_cast<int>(bits) - static_cast<int>(8 * i), 0, 8));
        const auto host = static_cast<std::uint8_t>(0xff >> kept);
        first[i] = static_cast<std::uint8_t>(address.bytes()[i] & ~host);
        last[i] = static_cast<std::uint8_t>(address.bytes()[i] | host);
    }
    return {*IpAddress::from_bytes({first.data(), size}), *IpAddress::from_bytes({last.data(), size})};
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
    if (const auto slash = text.find('/'); slash != text.npos) {
        const auto address = IpAddress::parse(text.substr(0, slash));
        const std::string_view digits = text.substr(slash + 1);
        unsigned bits = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        if (!address || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
        if (bits > address_bits(address->family())) return std::nullopt;
        return prefix(*address, bits);
    }
    const auto dash = text.find('-');
    const auto first = IpAddress::parse(text.substr(0, dash));
    if (!first) return std::nullopt;
    if (dash == text.npos) return single(*first);
    const auto last = IpAddress::parse(text.substr(dash + 1));
    if (!last || last->family() != first->family() || *last < *first) return std::nullopt;
    return AddressRange{*first, *last};
}

bool AddressRange::contains(IpAddress address) const {
    return address.family() == family() && first <= address && address <= last;
}

bool AddressRange::contains(const AddressRange& other) const {
    return contains(other.first) && contains(other.last);
}

std::optional<AddressRange> AddressRange::intersect(const AddressRange& other) const {
    if (family() != other.family()) return std::nullopt;
    const AddressRange common{std::max(first, other.first), std::min(last, other.last)};
    if (common.last < common.first) return std::nullopt;
    return common;
}

std::optional<unsigned> AddressRange::prefix_bits() const {
    for (unsigned bits = address_bits(family()) + 1; bits-- > 0;) {
        const AddressRange candidate = prefix(first, bits);
        if (candidate == *this) return bits;
        if (candidate.first < first) break;
    }
    return std::nullopt;
}

std::string AddressRange::text() const {
    if (const auto bits = prefix_bits()) return first.text() + "/" + std::to_string(*bits);
    return first.text() + ".." + last.text();
}

std::string Endpoint::text() const { return address.text() + "[" + std::to_string(port) + "]"; }

std::string Path::text() const { return local.text() + " - " + remote.text() + (tcp() ? " over TCP" : ""); }

}  // namespace cygnet::model
