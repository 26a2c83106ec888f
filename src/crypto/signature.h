// Private keys, public keys and signatures as IKE_AUTH uses them: RFC 7296 §2.15 and §3.8, RFC 4754,
// RFC 7427, RFC 8420, draft-ietf-ipsecme-ikev2-pqc-auth (ML-DSA and SLH-DSA).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/iana.h"

namespace cygnet::crypto {

enum class KeyType : std::uint8_t {
    rsa, ecdsa_256, ecdsa_384, ecdsa_521,
    // Each of these signs in one way only, which has the name of the key.
    ed25519, ed448,
    ml_dsa_44, ml_dsa_65, ml_dsa_87,  // FIPS 204
    slh_dsa_sha2_128s, slh_dsa_sha2_128f, slh_dsa_sha2_192s, slh_dsa_sha2_192f, slh_dsa_sha2_256s, slh_dsa_sha2_256f,  // FIPS 205
    slh_dsa_shake_128s, slh_dsa_shake_128f, slh_dsa_shake_192s, slh_dsa_shake_192f, slh_dsa_shake_256s, slh_dsa_shake_256f,
};
inline constexpr std::size_t key_type_count = static_cast<std::size_t>(KeyType::slh_dsa_shake_256f) + 1;
std::string_view name_of(KeyType type);
// Whether a quantum computer is of no help in forging its signatures: ML-DSA and SLH-DSA.
bool is_post_quantum(KeyType type);
// Whether a library of this build computes it: SLH-DSA wants one that has it.
bool supports(KeyType type);

// One way of signing. `hash` is identity for all that hash by themselves: Ed25519 and Ed448 (RFC 8420 §2), ML-DSA and SLH-DSA,
// which are used in pure mode with an empty context (pqc-auth §3.2). Their AlgorithmIdentifier names the parameter set.
struct SignatureScheme {
    enum class Kind : std::uint8_t {
        rsa_pkcs1, rsa_pss, ecdsa,
        ed25519, ed448,
        ml_dsa_44, ml_dsa_65, ml_dsa_87,
        slh_dsa_sha2_128s, slh_dsa_sha2_128f, slh_dsa_sha2_192s, slh_dsa_sha2_192f, slh_dsa_sha2_256s, slh_dsa_sha2_256f,
        slh_dsa_shake_128s, slh_dsa_shake_128f, slh_dsa_shake_192s, slh_dsa_shake_192f, slh_dsa_shake_256s,
        slh_dsa_shake_256f,
    } kind{};
    model::SignatureHash hash{};

    std::string text() const;  // "RSA-PSS with SHA2_256", "ML-DSA-65"
    bool operator==(const SignatureScheme&) const = default;
};
// Whether schemes of this kind hash by themselves: their hash is identity, and no other.
bool hashes_itself(SignatureScheme::Kind kind);

class PublicKey {
public:
    struct Impl;
    explicit PublicKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
    static Result<PublicKey> from_spki(ByteView der);  // SubjectPublicKeyInfo

    KeyType type() const;
    unsigned bits() const;
    const Bytes& spki() const;          // DER SubjectPublicKeyInfo
    const Bytes& key_id() const;        // SHA-1 of the subjectPublicKey bits: VICI's key id
    const Bytes& spki_hash() const;     // SHA-1 of the SubjectPublicKeyInfo: CERTREQ (RFC 7296 §3.7)
    const Impl& impl() const { return *impl_; }

private:
    std::shared_ptr<const Impl> impl_;
};

class PrivateKey {
public:
    struct Impl;
    explicit PrivateKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
    // PEM or DER, PKCS#8 or the traditional RSA and EC forms, unencrypted. ML-DSA in the three forms of RFC 9881 §6: seed,
    // expanded key, or both, which must then be of one key.
    static Result<PrivateKey> parse(ByteView pem_or_der);

    PublicKey public_key() const;
    const Impl& impl() const { return *impl_; }

private:
    static Result<PrivateKey> parse_post_quantum(ByteView pkcs8);

    std::shared_ptr<const Impl> impl_;
};

// The schemes that a key can sign with, best first, out of the hashes that the peer announced
// (SIGNATURE_HASH_ALGORITHMS). RSA: PSS before PKCS#1. Ed25519, Ed448, ML-DSA and SLH-DSA: one, if the peer announced Identity.
std::vector<SignatureScheme> schemes_for(KeyType type, std::span<const model::SignatureHash> peer_hashes);

// All schemes that a peer may sign with, best first.
std::vector<SignatureScheme> supported_schemes();

// Hashes that we announce, best first.
std::vector<model::SignatureHash> supported_signature_hashes();

// The DER AlgorithmIdentifier of RFC 7427 appendix A or of pqc-auth appendix B, and back (unknown or with wrong parameters:
// unsupported; so are HashML-DSA and HashSLH-DSA, which IKE does not use).
Bytes algorithm_identifier(const SignatureScheme& scheme);
Result<SignatureScheme> parse_algorithm_identifier(ByteView der);

// The signature over `data` (hashed here). ECDSA as DER Ecdsa-Sig-Value for method 14.
Result<Bytes> sign(const PrivateKey& key, const SignatureScheme& scheme, ByteView data);
// Fails with Errc::authentication when it does not verify, unsupported when scheme and key do not fit, bad_length when no
// signature of the scheme is as long.
Result<> verify(const PublicKey& key, const SignatureScheme& scheme, ByteView data, ByteView signature);

// AUTH payload data of the old methods (1 RSA with SHA-1, 9, 10, 11 ECDSA as raw r | s, RFC 4754).
Result<Bytes> sign_old_method(const PrivateKey& key, model::AuthMethod method, ByteView data);
Result<> verify_old_method(const PublicKey& key, model::AuthMethod method, ByteView data, ByteView signature);

}  // namespace cygnet::crypto
