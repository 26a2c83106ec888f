// The forms of public keys, private key files and ECDSA signatures. Private to crypto.
#pragma once

#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/signature.h"

namespace cygnet::crypto {

// Keys with one way to sign, which hash by themselves: their OID names key and signature alike, and nothing else does.
struct OneWay {
    KeyType type{};
    SignatureScheme::Kind kind{};
    const char* oid = "";
    const char* name = "";
    unsigned bits = 0;                // of the public key, or of the curve
    std::size_t public_octets = 0;
    std::size_t signature_octets = 0;
};
std::span<const OneWay> one_way_keys();
const OneWay* one_way_of(KeyType type);  // none: RSA and ECDSA
const OneWay* one_way_of(SignatureScheme::Kind kind);

struct PublicKeyFacts {
    KeyType type{};
    unsigned bits = 0;
    ByteView key_bits;  // the subjectPublicKey, a view into the input
};
// Which key a DER SubjectPublicKeyInfo holds; unsupported if none of ours.
Result<PublicKeyFacts> read_public_key_facts(ByteView spki);

// Ecdsa-Sig-Value (RFC 3279 §2.2.3) and r | s of RFC 4754 §7, each number in half of the octets.
Result<Bytes> raw_from_ecdsa_der(ByteView der, std::size_t number_size);
Bytes ecdsa_der_from_raw(ByteView raw);

// A private key file in its one form for the rows, with its public key.
struct KeyFile {
    SecretBytes pkcs8;
    Bytes spki;
};
Result<KeyFile> openssl_read_private_key(ByteView pem_or_der);

// A private key of ML-DSA or SLH-DSA as PKCS#8 has it.
struct PostQuantumKey {
    KeyType type{};
    SecretBytes seed{};      // of ML-DSA; may be missing
    SecretBytes expanded{};  // of ML-DSA; may be missing if there is a seed. Of SLH-DSA: the key
    Bytes public_key{};      // that was written beside it, if it was
};
// The DER of a file that holds such a key, well-formed or not; nothing when it holds another one.
std::optional<SecretBytes> post_quantum_pkcs8(ByteView pem_or_der);
Result<PostQuantumKey> read_post_quantum_key(ByteView pkcs8);
Bytes post_quantum_spki(KeyType type, ByteView public_key);

}  // namespace cygnet::crypto
