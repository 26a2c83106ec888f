// Integrity of AH packets (RFC 4302), by integrity transform. Speed is no aim here: ESP is what carries traffic.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "model/iana.h"

namespace cygnet::crypto {

// Sizes in octets.
struct MacShape {
    std::uint8_t key_size = 0;   // of KEYMAT, with the salt of AES-GMAC at its end (RFC 4543 §5.4)
    std::uint8_t iv_size = 0;    // AES-GMAC's, in front of the tag (RFC 4543 §4)
    std::uint8_t tag_size = 0;
    std::size_t field_size() const { return std::size_t{iv_size} + tag_size; }  // of AH's ICV
};

// Nothing for what AH has not (RFC 8221 §6), or this build has not.
std::optional<MacShape> mac_shape_of(model::Integ integ);

// One keyed direction. Several threads may use it at once.
class PacketMac {
public:
    virtual ~PacketMac() = default;
    // Writes the ICV field, field_size() octets, over the parts. No sequence number may come twice: an IV is made of it.
    virtual void seal(std::span<const ByteView> parts, std::uint64_t sequence, MutableByteView field) const = 0;
    virtual bool verify(std::span<const ByteView> parts, ByteView field) const = 0;
};

// A key of exactly the shape's size, otherwise bad_length.
Result<std::unique_ptr<PacketMac>> make_packet_mac(model::Integ integ, ByteView key);

}  // namespace cygnet::crypto
