// Ciphers of SK payloads and of ESP, by IANA number: the shape of their keys, and one keyed
// direction. Combined-mode ciphers and cipher-with-HMAC look the same from outside.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/iana.h"

namespace cygnet::crypto {

// What protects one direction: an AEAD (integ = none), or a cipher and an integrity algorithm.
struct CipherSuite {
    model::Encr encr = model::Encr::none;
    std::uint16_t key_bits = 0;  // 0 for ciphers with one key size (ChaCha20-Poly1305)
    model::Integ integ = model::Integ::none;

    bool operator==(const CipherSuite&) const = default;
};

// Sizes in octets.
struct CipherShape {
    std::size_t encr_key_size = 0;   // SK_e or ESP encryption key, with the salt at its end (RFC 5282 §7.1, RFC 7634)
    std::size_t integ_key_size = 0;  // SK_a; 0 for an AEAD
    std::size_t iv_size = 0;         // the explicit IV on the wire
    std::size_t block_size = 1;      // plaintext with padding is a multiple of this
    std::size_t icv_size = 0;

    bool aead() const { return integ_key_size == 0; }
};

// The shape of a suite, or nothing if it is not in the catalogue of this build.
std::optional<CipherShape> shape_of(const CipherSuite& suite);

// One keyed direction for single messages (SK payloads). Thread-compatible; keys are wiped with it.
class Cipher {
public:
    // Keys of exactly the shape's sizes; otherwise bad_length. Not in the catalogue: unsupported.
    static Result<Cipher> make(const CipherSuite& suite, const SecretBytes& encr_key, const SecretBytes& integ_key);
    Cipher(Cipher&&) noexcept;
    Cipher& operator=(Cipher&&) noexcept;
    ~Cipher();

    const CipherShape& shape() const;

    // Encrypts `text` (a multiple of block_size) in place and writes the ICV. The MAC or tag covers
    // aad | (iv) | text as RFC 7296 §3.14 and RFC 5282 §5 say: for cipher-with-HMAC all three,
    // contiguous on the wire; for an AEAD the aad alone is additional data. `iv` has iv_size octets.
    Result<> seal(ByteView aad, ByteView iv, MutableByteView text, MutableByteView icv) const;
    // The reverse; fails with Errc::integrity and leaves `text` unusable when the ICV does not verify.
    Result<> open(ByteView aad, ByteView iv, MutableByteView text, ByteView icv) const;

    struct Impl;

private:
    explicit Cipher(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// One packet of a batch for ESP. For AES-GCM and ChaCha20-Poly1305 `nonce` is salt | IV (12 octets).
struct AeadPacket {
    std::array<std::uint8_t, 12> nonce;
    const std::uint8_t* aad;   // 8 octets, or 12 with extended sequence numbers (RFC 4106 §5)
    std::uint32_t aad_size;
    std::uint32_t text_size;
    std::uint8_t* text;        // encrypted or decrypted in place
    std::uint8_t* icv;         // 16 octets; written by seal, compared in constant time by open
    bool authentic;            // set by open
};

// One keyed direction for batches of ESP packets: AES-GCM-16 (128, 192, 256) and
// ChaCha20-Poly1305. No allocation, no lock; one object may be used by several threads at once.
class PacketCipher {
public:
    virtual ~PacketCipher() = default;
    virtual void seal(std::span<AeadPacket> batch) const = 0;
    // Sets `authentic` of each packet; the text of packets that are not is unusable.
    virtual void open(std::span<AeadPacket> batch) const = 0;
    virtual const char* implementation() const = 0;  // "ipsec-mb", "AWS-LC", "OpenSSL"
};

// `key` is the cipher key without the salt. `implementation`: nullptr for the best row of the catalogue,
// else that row (tests and benchmarks run all).
Result<std::unique_ptr<PacketCipher>> make_packet_cipher(model::Encr encr, ByteView key,
                                                         const char* implementation = nullptr);
// The implementations that this build has for a cipher, best first.
std::vector<const char*> packet_cipher_implementations(model::Encr encr, std::size_t key_size);

}  // namespace cygnet::crypto
