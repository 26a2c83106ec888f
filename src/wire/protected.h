// The Encrypted payload SK (RFC 7296 §3.14) and its fragments SKF (RFC 7383): where the parts of
// a protected message lie. This file knows places and sizes, never a key.
//
//   | header | clear payloads | generic header [number total] | IV | text and padding | ICV |
//   |<------------------------- aad ------------------------->|    |<----- text ----->|
//   |<------------------------------ what a MAC covers ------------------------------>|
#pragma once

#include <limits>
#include <optional>

#include "wire/message.h"

namespace cygnet::wire {

// What the negotiated cipher asks for, in octets.
struct ProtectionSizes {
    std::size_t iv = 0;
    std::size_t block = 1;  // the text is a multiple of this
    std::size_t icv = 0;
};

// Places in a protected message; every view is taken from the message's octets.
struct ProtectedLayout {
    std::size_t aad_size = 0;
    std::size_t iv_size = 0;
    std::size_t text_size = 0;  // ciphertext, or plaintext with padding and pad length
    std::size_t icv_size = 0;

    std::size_t message_size() const { return aad_size + iv_size + text_size + icv_size; }
    ByteView aad(ByteView message) const { return message.first(aad_size); }
    ByteView iv(ByteView message) const { return message.subspan(aad_size, iv_size); }
    ByteView text(ByteView message) const { return message.subspan(aad_size + iv_size, text_size); }
    ByteView icv(ByteView message) const { return message.last(icv_size); }
    MutableByteView iv(MutableByteView message) const { return message.subspan(aad_size, iv_size); }
    MutableByteView text(MutableByteView message) const { return message.subspan(aad_size + iv_size, text_size); }
    MutableByteView icv(MutableByteView message) const { return message.last(icv_size); }
    MutableByteView iv(Bytes& message) const { return iv(MutableByteView(message)); }
    MutableByteView text(Bytes& message) const { return text(MutableByteView(message)); }
    MutableByteView icv(Bytes& message) const { return icv(MutableByteView(message)); }
    bool operator==(const ProtectedLayout&) const = default;
};

// Which fragment of how many, both from 1 (RFC 7383 §2.5).
struct FragmentPlace {
    std::uint16_t number = 1;
    std::uint16_t total = 1;
    bool operator==(const FragmentPlace&) const = default;
};

// A received protected message, before its ICV is checked.
struct ProtectedMessage {
    ProtectedLayout layout;
    PayloadType first{};  // of the inner chain; none in fragments after the first
    // Set for SKF; number and total make sense (RFC 7383 §2.6).
    std::optional<FragmentPlace> fragment{};
};

// Finds the SK or SKF payload that ends a datagram. Fails with not_found when there is none, with
// bad_length when IV, at least one octet of text in whole blocks, and ICV do not fit.
Result<ProtectedMessage> locate_protected(ByteView datagram, const ProtectionSizes& sizes);

// Drops padding and pad length from decrypted text (§3.14); bad_value if the pad length does not
// fit.
Result<ByteView> remove_padding(ByteView text);

// A message with everything but IV, encryption and ICV in place: the text is still clear.
struct Unsealed {
    Bytes octets;
    ProtectedLayout layout;
};

// One SK message. Sets Next Payload and Length of `header`. The chain must leave the message under
// 64 KiB (Errc::limit otherwise).
Result<Unsealed> lay_out(Header header, const Chain& chain, const ProtectionSizes& sizes);

// RFC 8019 §7.2.2: what a PS payload before SK adds; nothing for no solution.
std::size_t outside_size(ByteView puzzle_solution);

// The size in octets of the message that lay_out makes of a chain of `chain_size` octets.
std::size_t protected_message_size(std::size_t chain_size, const ProtectionSizes& sizes);

// What stands before the IKE message in an IP datagram, in octets.
inline constexpr std::size_t udp_over_ipv4_overhead = 28;
inline constexpr std::size_t udp_over_ipv6_overhead = 48;
inline constexpr std::size_t non_esp_marker_size = 4;

// RFC 7383 §2.5: SKF messages, each at most `datagram_max` octets as an IP datagram of which
// `overhead` octets are not the IKE message. Fails with bad_value when no octet fits, with limit
// beyond limits::fragments_per_message.
Result<std::vector<Unsealed>> lay_out_fragments(Header header, const Chain& chain, const ProtectionSizes& sizes,
                                                std::size_t datagram_max, std::size_t overhead);

// RFC 9242 §3.3.2, the chunk IntAuth_*A: header through the generic header of SK, lengths as if IV,
// padding and ICV did not exist. (The chunk P is the inner chain itself.) Received: `aad` of the
// whole message, or of the first fragment, as it came.
Bytes intermediate_aad(ByteView aad, std::size_t chain_size);
// Sent, whether whole or in fragments.
Bytes intermediate_aad(Header header, PayloadType first, std::size_t chain_size);

}  // namespace cygnet::wire
