// The rows of the catalogue: what a library must offer so that an algorithm can be used. Private to
// crypto and its tests; the rest of Cygnet sees cipher.h, prf.h, key_exchange.h and signature.h.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/key_exchange.h"
#include "crypto/packet_cipher.h"
#include "crypto/signature.h"

namespace cygnet::crypto {

enum class Hash : std::uint8_t { sha1, sha2_256, sha2_384, sha2_512 };
std::size_t size_of(Hash hash);

// HMAC as integrity algorithm. Sizes in octets.
struct IntegFacts {
    Hash hash;
    std::size_t key_size;  // RFC 4868 §2.1.1, RFC 2404 §3: the hash's size
    std::size_t icv_size;  // RFC 4868 §2.3: half of it
};
std::optional<IntegFacts> integ_of(model::Integ integ);

using Parts = std::span<const ByteView>;

// A keyed HMAC; the key schedule is computed once. One object serves any number of threads.
class Hmac {
public:
    virtual ~Hmac() = default;
    // `out` has the hash's size.
    virtual void compute(Parts data, MutableByteView out) const = 0;
};

struct HashRow {
    Hash hash{};
    void (*digest)(Hash hash, Parts data, MutableByteView out) = nullptr;
    void (*hmac)(Hash hash, ByteView key, Parts data, MutableByteView out) = nullptr;
    std::unique_ptr<Hmac> (*make_hmac)(Hash hash, ByteView key) = nullptr;
};

// A keyed AEAD with nonces of 12 octets (11 for CCM) for one message at a time, in place.
class Aead {
public:
    virtual ~Aead() = default;
    virtual void seal(ByteView nonce, ByteView aad, MutableByteView text, MutableByteView icv) = 0;
    // False when the ICV does not verify.
    virtual bool open(ByteView nonce, ByteView aad, MutableByteView text, ByteView icv) = 0;
};

enum class AeadKind : std::uint8_t { aes_gcm, aes_ccm, chacha20_poly1305 };
struct AeadRow {
    AeadKind kind{};
    std::size_t key_size = 0;  // without the salt
    std::unique_ptr<Aead> (*make)(AeadKind kind, ByteView key, std::size_t icv_size) = nullptr;
    bool for_messages = true;  // false: here so that vectors reach what serves packets; messages take the next row
};

// How a suite works on ESP packets, whatever its key and ICV sizes and its hash. See packet_rows.h.
enum class PacketMode : std::uint8_t { aes_gcm, aes_ccm, chacha20_poly1305, aes_gmac, aes_cbc, aes_ctr, null };
struct PacketKeying;
struct PacketRow {
    PacketMode mode{};
    std::size_t key_size = 0;  // without the salt
    std::unique_ptr<PacketCipher> (*make)(const PacketKeying& keying) = nullptr;
};

// A keyed AES-CBC without padding, in place; `text` is a multiple of 16 octets.
class Cbc {
public:
    virtual ~Cbc() = default;
    virtual void encrypt(ByteView iv, MutableByteView text) = 0;
    virtual void decrypt(ByteView iv, MutableByteView text) = 0;
};
struct CbcRow {
    std::size_t key_size = 0;
    std::unique_ptr<Cbc> (*make)(ByteView key) = nullptr;
};

struct KePair {
    SecretBytes private_value;
    Bytes public_value;
};
// A Diffie-Hellman group has `agree`, a KEM `encapsulate` and `decapsulate`. All randomness comes in as a seed, so that
// vectors can be run: a private value (DH), d | z and m of FIPS 203, s | seedSE | z and u | salt of FrodoKEM, the seed of
// Classic McEliece's SeededKeyGen (its encapsulation gets a stream that follows from our seed).
struct KeRow {
    model::Ke method{};
    KeShape shape;
    std::size_t seed_size = 0;
    // bad_value when the seed is no private value of this group: the caller draws another.
    Result<KePair> (*pair)(model::Ke method, ByteView seed) = nullptr;
    Result<SecretBytes> (*agree)(model::Ke method, ByteView private_value, ByteView peer_public) = nullptr;
    Result<KeAnswer> (*encapsulate)(model::Ke method, ByteView peer_public, ByteView seed) = nullptr;
    Result<SecretBytes> (*decapsulate)(model::Ke method, ByteView private_value, ByteView ciphertext) = nullptr;
    std::size_t encapsulation_seed_size = 32;  // m of FIPS 203 §7.2
};

// A library's own form of a key; freed by the deleter that the row gave it.
using KeyObject = std::shared_ptr<const void>;
struct SignatureRow {
    KeyType type{};
    Result<KeyObject> (*read_public)(ByteView spki) = nullptr;
    Result<KeyObject> (*read_private)(ByteView pkcs8) = nullptr;
    // The scheme fits the key's type: the caller looked.
    Result<Bytes> (*sign)(const void* key, const SignatureScheme& scheme, ByteView data) = nullptr;
    bool (*verify)(const void* key, const SignatureScheme& scheme, ByteView data, ByteView signature) = nullptr;
    // ML-DSA and SLH-DSA: the subjectPublicKey of a private key.
    Result<Bytes> (*public_of)(const void* private_key) = nullptr;
};

struct Library {
    const char* name = "";               // "OpenSSL"
    std::string (*version)() = nullptr;  // "OpenSSL 3.0.19"
    std::span<const HashRow> hashes{};
    std::span<const AeadRow> aeads{};
    std::span<const PacketRow> packets{};
    std::span<const CbcRow> cbcs{};
    std::span<const KeRow> key_exchanges{};
    std::span<const SignatureRow> signatures{};
    void (*prepare)() = nullptr;  // what the first use would wait for otherwise
};

// The libraries of this build, best first: the first one that has a row serves the algorithm.
std::span<const Library> libraries();

const HashRow& best_hash(Hash hash);  // every build has all
const AeadRow* best_aead(AeadKind kind, std::size_t key_size);
const CbcRow* best_cbc(std::size_t key_size);
const KeRow* best_key_exchange(model::Ke method);
const SignatureRow* best_signature(KeyType type);

// What each library's files give.
std::string openssl_version();
std::span<const HashRow> openssl_hashes();
std::span<const AeadRow> openssl_aeads();
std::span<const PacketRow> openssl_packets();
std::span<const CbcRow> openssl_cbcs();
std::span<const KeRow> openssl_key_exchanges();
std::span<const SignatureRow> openssl_signatures();
Library aws_lc();
Library ipsec_mb();
Library botan();
std::span<const SignatureRow> botan_signatures();
Library mceliece();

// A seed is drawn with the operating system's generator.
void fill_random(MutableByteView out);

}  // namespace cygnet::crypto
