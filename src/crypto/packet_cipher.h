// ESP packets, sealed and opened in batches: what a suite's packets look like, and one keyed direction.
//
//   data    8          8 + iv                                        size - icv      size
//   ├ SPI │ sequence ┼ IV ┼ text: payload, padding, pad length, next header ┼ ICV ┤
//
// Every suite has this form. Combined-mode ciphers, ciphers with an HMAC (encrypt, then MAC), integrity alone and
// implicit IVs differ in the sizes of the shape and behind the virtual call of a batch, nowhere else.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "crypto/cipher.h"

namespace cygnet::crypto {

inline constexpr std::size_t esp_header_size = 8;  // SPI and sequence number

// Sizes in octets.
struct PacketShape {
    std::uint16_t encr_key_size = 0;   // of KEYMAT, with the salt at its end
    std::uint16_t integ_key_size = 0;  // 0 for a combined mode
    std::uint8_t salt_size = 0;
    std::uint8_t iv_size = 0;  // on the wire: 0 when it is implicit (RFC 8750), or there is none
    std::uint8_t icv_size = 0;
    std::uint8_t alignment = 4;  // RFC 4303 §2.4: the text is a multiple of this, a power of two

    std::size_t text_at() const { return esp_header_size + iv_size; }
    bool operator==(const PacketShape&) const = default;
};

// Nothing for what is no suite of ESP (RFC 8221 §4: encryption needs integrity) or is not in this build.
std::optional<PacketShape> packet_shape_of(const CipherSuite& suite);

struct EspPacket {
    std::uint8_t* data;      // SPI and sequence number are there; seal writes the IV and the ICV
    std::uint64_t sequence;  // whole: its high half is authenticated when it is extended (RFC 4303 §2.2.1)
    std::uint32_t size;      // up to the end of the ICV; the text within is aligned
    bool authentic;          // set by open
};

// One keyed direction. No allocation, no lock; one object may be used by several threads at once.
class PacketCipher {
public:
    virtual ~PacketCipher() = default;
    // No sequence number may come twice: IVs are made from them.
    virtual void seal(std::span<EspPacket> batch) const = 0;
    // Sets `authentic` of each packet; the text and the ICV of packets that are not are unusable.
    virtual void open(std::span<EspPacket> batch) const = 0;
    virtual const char* implementation() const = 0;  // "ipsec-mb", "AWS-LC", "OpenSSL"
};

// Keys of exactly the shape's sizes; otherwise bad_length. `implementation`: nullptr for the best row of the
// catalogue, else that row (tests and benchmarks run all).
Result<std::unique_ptr<PacketCipher>> make_packet_cipher(const CipherSuite& suite, bool esn, ByteView encr_key,
                                                         ByteView integ_key, const char* implementation = nullptr);
// The implementations that this build has for a suite, best first.
std::vector<const char*> packet_cipher_implementations(const CipherSuite& suite);

}  // namespace cygnet::crypto
