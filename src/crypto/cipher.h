// Ciphers of SK payloads, by IANA number: the shape of their keys, and one keyed direction. Combined-mode ciphers and
// cipher-with-HMAC look the same from outside. Those of ESP packets: packet_cipher.h.
#pragma once

#include <memory>
#include <optional>

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
    std::size_t encr_key_size = 0;   // SK_e, with the salt at its end (RFC 5282 §7.1, RFC 7634)
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
    static Result<Cipher> make(const CipherSuite& suite, ByteView encr_key, ByteView integ_key);
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

}  // namespace cygnet::crypto
