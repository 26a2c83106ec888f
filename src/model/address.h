// IP addresses, prefixes, ranges and UDP endpoints as values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cygnet::model {

enum class Family : std::uint8_t { v4, v6 };
constexpr std::size_t address_size(Family family) { return family == Family::v4 ? 4 : 16; }
constexpr unsigned address_bits(Family family) { return family == Family::v4 ? 32 : 128; }

// One IPv4 or IPv6 address; ordered within its family. Default: 0.0.0.0.
class IpAddress {
public:
    IpAddress() = default;
    static IpAddress v4(std::uint32_t host_order);
    static IpAddress any(Family family);
    // 4 or 16 octets in network order; other sizes give nothing.
    static std::optional<IpAddress> from_bytes(ByteView octets);
    static std::optional<IpAddress> parse(std::string_view text);

    Family family() const { return family_; }
    ByteView bytes() const { return {octets_.data(), address_size(family_)}; }
    bool is_any() const;                             // 0.0.0.0 or ::
    std::uint32_t v4_host_order() const;             // only for v4
    std::optional<IpAddress> next() const;           // the address after, unless this is the last
    std::string text() const;

    auto operator<=>(const IpAddress&) const = default;

private:
    Family family_ = Family::v4;
    std::array<std::uint8_t, 16> octets_{};
};

// A closed range of addresses of one family.
struct AddressRange {
    IpAddress first, last;

    static AddressRange all(Family family);
    static AddressRange single(IpAddress address) { return {address, address}; }
    static AddressRange prefix(IpAddress address, unsigned bits);
    // "10.1.0.0/16", "10.1.0.1-10.1.0.9", "10.1.0.1"
    static std::optional<AddressRange> parse(std::string_view text);

    Family family() const { return first.family(); }
    bool contains(IpAddress address) const;
    bool contains(const AddressRange& other) const;
    std::optional<AddressRange> intersect(const AddressRange& other) const;
    std::optional<unsigned> prefix_bits() const;     // set if the range is one prefix
    std::string text() const;                        // "10.1.0.0/16" or "10.1.0.1..10.1.0.9"

    auto operator<=>(const AddressRange&) const = default;
};

// One end of a UDP path or of a TCP stream.
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;

    std::string text() const;                        // "192.0.2.1[4500]", as swanctl prints it
    auto operator<=>(const Endpoint&) const = default;
};

// One TCP stream of RFC 9329 within a process, never used again. Even numbers are given by the protocol core, which
// asks for streams to peers; odd ones by whoever accepts them.
enum class StreamId : std::uint64_t { none = 0 };
constexpr bool opened_by_us(StreamId stream) { return static_cast<std::uint64_t>(stream) % 2 == 0; }

// The two ends between which an IKE SA's messages and its ESP packets travel: in datagrams, or in a TCP stream.
struct Path {
    Endpoint local, remote;
    StreamId stream = StreamId::none;

    bool tcp() const { return stream != StreamId::none; }
    std::string text() const;                        // "192.0.2.1[500] - 192.0.2.2[500]"
    auto operator<=>(const Path&) const = default;
};

}  // namespace cygnet::model
