// AWS-LC, all of it in this one file: its headers have OpenSSL's names, and its symbols a prefix.
#include <openssl/aead.h>
#include <openssl/aes.h>
#include <openssl/base.h>
#include <openssl/bytestring.h>
#include <openssl/curve25519.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdh.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/experimental/kem_deterministic_api.h>
#include <openssl/hmac.h>
#include <openssl/nid.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "crypto/handle.h"
#include "crypto/packet_rows.h"
#include "crypto/public_key.h"

namespace cygnet::crypto {
namespace {

using model::Ke;

// Reached only without memory: the library does not fail for sizes that we chose.
void must(int result) { ASSERT(result == 1); }

// Hashes and HMAC.

const EVP_MD* digest_of(Hash hash) {
    switch (hash) {
        case Hash::sha1: return EVP_sha1();
        case Hash::sha2_256: return EVP_sha256();
        case Hash::sha2_384: return EVP_sha384();
        case Hash::sha2_512: return EVP_sha512();
    }
    return nullptr;
}

// Without EVP, whose context takes memory of its own for each digest.
template <class Context>
void digest_with(int (*init)(Context*), int (*update)(Context*, const void*, std::size_t), int (*final)(std::uint8_t*, Context*),
                 Parts data, MutableByteView out) {
    Context context;
    must(init(&context));
    for (const ByteView part : data) must(update(&context, part.data(), part.size()));
    must(final(out.data(), &context));
    OPENSSL_cleanse(&context, sizeof context);
}

void digest(Hash hash, Parts data, MutableByteView out) {
    ASSERT(out.size() == size_of(hash));
    switch (hash) {
        case Hash::sha1: return digest_with<SHA_CTX>(SHA1_Init, SHA1_Update, SHA1_Final, data, out);
        case Hash::sha2_256: return digest_with<SHA256_CTX>(SHA256_Init, SHA256_Update, SHA256_Final, data, out);
        case Hash::sha2_384: return digest_with<SHA512_CTX>(SHA384_Init, SHA384_Update, SHA384_Final, data, out);
        case Hash::sha2_512: return digest_with<SHA512_CTX>(SHA512_Init, SHA512_Update, SHA512_Final, data, out);
    }
}

void set_key(HMAC_CTX* context, Hash hash, ByteView key) {
    // An empty key must still be a key: a null pointer would mean "keep the old one".
    const std::uint8_t none = 0;
    must(HMAC_Init_ex(context, key.empty() ? &none : key.data(), key.size(), digest_of(hash), nullptr));
}

void finish(HMAC_CTX* context, Parts data, MutableByteView out) {
    for (const ByteView part : data) must(HMAC_Update(context, part.data(), part.size()));
    unsigned size = 0;
    must(HMAC_Final(context, out.data(), &size));
    ASSERT(size == out.size());
}

void hmac(Hash hash, ByteView key, Parts data, MutableByteView out) {
    bssl::ScopedHMAC_CTX context;
    set_key(context.get(), hash, key);
    finish(context.get(), data, out);
}

// Keeps what the key leads to, a tenth of a context: made on the heap for each prf+.
class KeyedHmac final : public Hmac {
public:
    KeyedHmac(Hash hash, ByteView key) : hash_(hash) {
        bssl::ScopedHMAC_CTX context;
        set_key(context.get(), hash, key);
        must(HMAC_set_precomputed_key_export(context.get()));
        must(HMAC_get_precomputed_key(context.get(), state_.data(), &state_size_));
    }
    KeyedHmac(const KeyedHmac&) = delete;
    KeyedHmac& operator=(const KeyedHmac&) = delete;
    ~KeyedHmac() override { wipe(state_); }
    void compute(Parts data, MutableByteView out) const override {
        bssl::ScopedHMAC_CTX context;
        must(HMAC_Init_from_precomputed_key(context.get(), state_.data(), state_size_, digest_of(hash_)));
        finish(context.get(), data, out);
    }

private:
    Hash hash_;
    std::array<std::uint8_t, HMAC_MAX_PRECOMPUTED_KEY_SIZE> state_{};
    std::size_t state_size_ = state_.size();
};

std::unique_ptr<Hmac> make_hmac(Hash hash, ByteView key) { return std::make_unique<KeyedHmac>(hash, key); }

// Ciphers.

const EVP_AEAD* aead_of(AeadKind kind, std::size_t key_size) {
    if (kind == AeadKind::chacha20_poly1305) return EVP_aead_chacha20_poly1305();
    return key_size == 16 ? EVP_aead_aes_128_gcm() : key_size == 24 ? EVP_aead_aes_192_gcm() : EVP_aead_aes_256_gcm();
}

// The keyed object does not change in use, so threads share it.
class AeadKey {
public:
    AeadKey(AeadKind kind, ByteView key, std::size_t icv_size) {
        must(EVP_AEAD_CTX_init(context_.get(), aead_of(kind, key.size()), key.data(), key.size(), icv_size, nullptr));
    }
    void seal(ByteView nonce, ByteView aad, MutableByteView text, MutableByteView icv) const {
        std::size_t written = 0;
        must(EVP_AEAD_CTX_seal_scatter(context_.get(), text.data(), icv.data(), &written, icv.size(), nonce.data(),
                                       nonce.size(), text.data(), text.size(), nullptr, 0, aad.data(), aad.size()));
    }
    bool open(ByteView nonce, ByteView aad, MutableByteView text, ByteView icv) const {
        if (EVP_AEAD_CTX_open_gather(context_.get(), text.data(), nonce.data(), nonce.size(), text.data(), text.size(),
                                     icv.data(), icv.size(), aad.data(), aad.size()) == 1)
            return true;
        ERR_clear_error();
        return false;
    }

private:
    bssl::ScopedEVP_AEAD_CTX context_;
};

class AwsLcAead final : public Aead {
public:
    AwsLcAead(AeadKind kind, ByteView key, std::size_t icv_size) : key_(kind, key, icv_size) {}
    void seal(ByteView nonce, ByteView aad, MutableByteView text, MutableByteView icv) override {
        key_.seal(nonce, aad, text, icv);
    }
    bool open(ByteView nonce, ByteView aad, MutableByteView text, ByteView icv) override {
        return key_.open(nonce, aad, text, icv);
    }

private:
    AeadKey key_;
};

class AeadEngine {
public:
    static constexpr const char* library = "AWS-LC";
    explicit AeadEngine(const PacketKeying& keying)
        : key_(keying.mode == PacketMode::aes_gcm ? AeadKind::aes_gcm : AeadKind::chacha20_poly1305, keying.key,
               keying.shape.icv_size) {}

    const AeadEngine& sealing() const { return *this; }
    const AeadEngine& opening() const { return *this; }

    void seal(const AeadParts& parts, std::size_t icv_size) const {
        key_.seal(parts.nonce, {parts.aad, parts.aad_size}, {parts.text, parts.text_size}, {parts.icv, icv_size});
    }
    bool open(const AeadParts& parts, std::size_t icv_size) const {
        return key_.open(parts.nonce, {parts.aad, parts.aad_size}, {parts.text, parts.text_size},
                         {parts.icv, icv_size});
    }

private:
    AeadKey key_;
};

class AwsLcCbc final : public Cbc {
public:
    explicit AwsLcCbc(ByteView key) {
        const auto bits = static_cast<unsigned>(key.size() * 8);
        ASSERT(AES_set_encrypt_key(key.data(), bits, &encrypt_) == 0);
        ASSERT(AES_set_decrypt_key(key.data(), bits, &decrypt_) == 0);
    }
    ~AwsLcCbc() override {
        OPENSSL_cleanse(&encrypt_, sizeof encrypt_);
        OPENSSL_cleanse(&decrypt_, sizeof decrypt_);
    }
    void encrypt(ByteView iv, MutableByteView text) override { run(encrypt_, iv, text, AES_ENCRYPT); }
    void decrypt(ByteView iv, MutableByteView text) override { run(decrypt_, iv, text, AES_DECRYPT); }

private:
    static void run(const AES_KEY& key, ByteView iv, MutableByteView text, int direction) {
        std::array<std::uint8_t, AES_BLOCK_SIZE> chain;
        std::ranges::copy(iv, chain.begin());
        AES_cbc_encrypt(text.data(), text.data(), text.size(), &key, chain.data(), direction);
    }
    AES_KEY encrypt_{}, decrypt_{};
};

std::unique_ptr<Aead> make_aead(AeadKind kind, ByteView key, std::size_t icv_size) {
    return std::make_unique<AwsLcAead>(kind, key, icv_size);
}
std::unique_ptr<PacketCipher> make_packets(const PacketKeying& keying) {
    return std::make_unique<AeadPackets<AeadEngine>>(keying);
}
std::unique_ptr<Cbc> make_cbc(ByteView key) { return std::make_unique<AwsLcCbc>(key); }

// Key exchange.

std::unexpected<Error> bad_value(Ke method, const char* why) {
    ERR_clear_error();
    return fail(Errc::bad_value, "KE payload", fmt::format("{}: {}", name_of(method), why));
}
std::unexpected<Error> library_failure(Ke method, const char* call) {
    ERR_clear_error();
    return fail(Errc::system, "key exchange", fmt::format("{}: AWS-LC failed in {}", name_of(method), call));
}

Result<KePair> x25519_pair(Ke, ByteView seed) {
    KePair pair{SecretBytes::copy_of(seed), Bytes(X25519_PUBLIC_VALUE_LEN)};
    X25519_public_from_private(pair.public_value.data(), seed.data());
    return pair;
}

Result<SecretBytes> x25519_agree(Ke method, ByteView private_value, ByteView peer_public) {
    SecretBytes secret(X25519_SHARED_KEY_LEN);
    // RFC 8031 §2, RFC 7748 §6.1: a result of zeros comes from a point of small order.
    if (!X25519(secret.reveal_for_writing().data(), private_value.data(), peer_public.data()))
        return bad_value(method, "the peer's value has small order");
    return secret;
}

// ECP groups, RFC 5903: x | y on the wire, x alone is the shared secret.

struct Curve {
    const EC_GROUP* group;
    std::size_t size;  // of a coordinate and of a private value
};

Curve curve_of(Ke method) {
    if (method == Ke::ecp_256) return {EC_group_p256(), 32};
    if (method == Ke::ecp_384) return {EC_group_p384(), 48};
    return {EC_group_p521(), 66};
}

// The private value as a number, or nothing if it is not between 0 and the order.
bssl::UniquePtr<BIGNUM> scalar_of(const Curve& curve, ByteView value) {
    bssl::UniquePtr<BIGNUM> scalar(BN_bin2bn(value.data(), value.size(), nullptr));
    if (!scalar || BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(curve.group)) >= 0)
        return nullptr;
    return scalar;
}

Result<KePair> ecp_pair(Ke method, ByteView seed) {
    const Curve curve = curve_of(method);
    SecretBytes value = SecretBytes::copy_of(seed);
    // 521 bits in 66 octets: the upper seven bits are none of the number.
    if (method == Ke::ecp_521) value.reveal_for_writing()[0] &= 1;
    const auto scalar = scalar_of(curve, value.reveal());
    if (!scalar) return bad_value(method, "the private value is out of range");
    const bssl::UniquePtr<EC_POINT> point(EC_POINT_new(curve.group));
    std::array<std::uint8_t, 1 + 2 * 66> encoded;
    const std::size_t size = 1 + 2 * curve.size;
    if (!point || !EC_POINT_mul(curve.group, point.get(), scalar.get(), nullptr, nullptr, nullptr) ||
        EC_POINT_point2oct(curve.group, point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(), size, nullptr) !=
            size)
        return library_failure(method, "EC_POINT_mul");
    return KePair{std::move(value), Bytes(encoded.begin() + 1, encoded.begin() + static_cast<std::ptrdiff_t>(size))};
}

Result<SecretBytes> ecp_agree(Ke method, ByteView private_value, ByteView peer_public) {
    const Curve curve = curve_of(method);
    const auto scalar = scalar_of(curve, private_value);
    const bssl::UniquePtr<EC_POINT> peer(EC_POINT_new(curve.group)), shared(EC_POINT_new(curve.group));
    const bssl::UniquePtr<BIGNUM> x(BN_new());
    if (!scalar || !peer || !shared || !x) return library_failure(method, "EC_POINT_new");
    std::array<std::uint8_t, 1 + 2 * 66> encoded{POINT_CONVERSION_UNCOMPRESSED};
    std::ranges::copy(peer_public, encoded.begin() + 1);
    // RFC 6989 §2.3: coordinates below the prime, and the point on the curve.
    if (!EC_POINT_oct2point(curve.group, peer.get(), encoded.data(), 1 + peer_public.size(), nullptr))
        return bad_value(method, "the peer's point is not on the curve");
    SecretBytes secret(curve.size);
    if (!EC_POINT_mul(curve.group, shared.get(), nullptr, peer.get(), scalar.get(), nullptr) ||
        !EC_POINT_get_affine_coordinates_GFp(curve.group, shared.get(), x.get(), nullptr, nullptr) ||
        !BN_bn2bin_padded(secret.reveal_for_writing().data(), secret.size(), x.get()))
        return library_failure(method, "EC_POINT_mul");
    return secret;
}

// ML-KEM, FIPS 203. The private value that we keep is the expanded decapsulation key.

int ml_kem_of(Ke method) {
    return method == Ke::ml_kem_512 ? NID_MLKEM512 : method == Ke::ml_kem_768 ? NID_MLKEM768 : NID_MLKEM1024;
}

Result<KePair> ml_kem_pair(Ke method, ByteView seed) {
    const bssl::UniquePtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_id(EVP_PKEY_KEM, nullptr));
    EVP_PKEY* made = nullptr;
    std::size_t seed_size = seed.size();
    if (!context || !EVP_PKEY_CTX_kem_set_params(context.get(), ml_kem_of(method)) ||
        !EVP_PKEY_keygen_init(context.get()) ||
        !EVP_PKEY_keygen_deterministic(context.get(), &made, seed.data(), &seed_size))
        return library_failure(method, "EVP_PKEY_keygen_deterministic");
    const bssl::UniquePtr<EVP_PKEY> key(made);
    std::size_t public_size = 0, private_size = 0;
    EVP_PKEY_get_raw_public_key(key.get(), nullptr, &public_size);
    EVP_PKEY_get_raw_private_key(key.get(), nullptr, &private_size);
    KePair pair{SecretBytes(private_size), Bytes(public_size)};
    if (!EVP_PKEY_get_raw_public_key(key.get(), pair.public_value.data(), &public_size) ||
        !EVP_PKEY_get_raw_private_key(key.get(), pair.private_value.reveal_for_writing().data(), &private_size))
        return library_failure(method, "EVP_PKEY_get_raw_private_key");
    return pair;
}

Result<KeAnswer> ml_kem_encapsulate(Ke method, ByteView peer_public, ByteView seed) {
    const bssl::UniquePtr<EVP_PKEY> key(
        EVP_PKEY_kem_new_raw_public_key(ml_kem_of(method), peer_public.data(), peer_public.size()));
    if (!key) return library_failure(method, "EVP_PKEY_kem_new_raw_public_key");
    const bssl::UniquePtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(key.get(), nullptr));
    std::size_t ciphertext_size = best_key_exchange(method)->shape.responder_size;
    std::size_t secret_size = 32;
    std::size_t seed_size = seed.size();
    KeAnswer answer{Bytes(ciphertext_size), SecretBytes(secret_size)};
    if (!context) return library_failure(method, "EVP_PKEY_CTX_new");
    // FIPS 203 §7.2: the only other reason to fail is a coefficient that is not below the modulus.
    if (!EVP_PKEY_encapsulate_deterministic(context.get(), answer.public_value.data(), &ciphertext_size,
                                            answer.shared_secret.reveal_for_writing().data(), &secret_size, seed.data(),
                                            &seed_size))
        return bad_value(method, "the peer's encapsulation key fails the modulus check");
    return answer;
}

Result<SecretBytes> ml_kem_decapsulate(Ke method, ByteView private_value, ByteView ciphertext) {
    const bssl::UniquePtr<EVP_PKEY> key(
        EVP_PKEY_kem_new_raw_secret_key(ml_kem_of(method), private_value.data(), private_value.size()));
    if (!key) return library_failure(method, "EVP_PKEY_kem_new_raw_secret_key");
    const bssl::UniquePtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(key.get(), nullptr));
    SecretBytes secret(32);
    std::size_t size = secret.size();
    if (!context || !EVP_PKEY_decapsulate(context.get(), secret.reveal_for_writing().data(), &size, ciphertext.data(),
                                          ciphertext.size()))
        return library_failure(method, "EVP_PKEY_decapsulate");
    return secret;
}

// Signatures.

KeyObject share(EVP_PKEY* key) {
    return KeyObject(key, [](const void* object) { EVP_PKEY_free(static_cast<EVP_PKEY*>(const_cast<void*>(object))); });
}

Result<KeyObject> read_public(ByteView spki) {
    CBS input;
    CBS_init(&input, spki.data(), spki.size());
    bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&input));
    ERR_clear_error();
    if (!key || CBS_len(&input) != 0) return fail(Errc::bad_value, "public key", "AWS-LC refuses this public key");
    return share(key.release());
}

Result<KeyObject> read_private(ByteView pkcs8) {
    CBS input;
    CBS_init(&input, pkcs8.data(), pkcs8.size());
    bssl::UniquePtr<EVP_PKEY> key(EVP_parse_private_key(&input));
    ERR_clear_error();
    if (!key) return fail(Errc::bad_value, "private key", "AWS-LC refuses this private key");
    return share(key.release());
}

// ML-DSA, FIPS 204, from the seed if there is one (RFC 9881 §6).

int ml_dsa_of(KeyType type) {
    return type == KeyType::ml_dsa_44 ? NID_MLDSA44 : type == KeyType::ml_dsa_65 ? NID_MLDSA65 : NID_MLDSA87;
}

Result<KeyObject> read_ml_dsa(ByteView pkcs8) {
    const PostQuantumKey file = TRY(read_post_quantum_key(pkcs8));
    const ByteView from = file.seed.empty() ? file.expanded.reveal() : file.seed.reveal();
    bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_pqdsa_new_raw_private_key(ml_dsa_of(file.type), from.data(), from.size()));
    ERR_clear_error();
    if (!key) return fail(Errc::bad_value, "private key", "AWS-LC refuses this private key");
    if (!file.seed.empty() && !file.expanded.empty()) {
        SecretBytes made(file.expanded.size());
        std::size_t size = made.size();
        if (!EVP_PKEY_get_raw_private_key(key.get(), made.reveal_for_writing().data(), &size) ||
            !made.equals(file.expanded.reveal()))
            return fail(Errc::bad_value, "private key", "the seed and the expanded key in the file are not of one key");
    }
    return share(key.release());
}

Result<Bytes> ml_dsa_public(const void* key) {
    auto* pkey = static_cast<EVP_PKEY*>(const_cast<void*>(key));
    std::size_t size = 0;
    EVP_PKEY_get_raw_public_key(pkey, nullptr, &size);
    Bytes octets(size);
    if (!EVP_PKEY_get_raw_public_key(pkey, octets.data(), &size)) return fail(Errc::system, "public key", "AWS-LC has none");
    return octets;
}

const EVP_MD* digest_of(model::SignatureHash hash) {
    switch (hash) {
        case model::SignatureHash::sha1: return EVP_sha1();
        case model::SignatureHash::sha2_256: return EVP_sha256();
        case model::SignatureHash::sha2_384: return EVP_sha384();
        case model::SignatureHash::sha2_512: return EVP_sha512();
        default: return nullptr;  // RFC 8032, FIPS 204: the key's own
    }
}

// RFC 7427 appendix A.4: the salt is as long as the hash (-1), MGF1 uses the same one (the default).
bool set_padding(EVP_PKEY_CTX* context, const SignatureScheme& scheme) {
    if (scheme.kind != SignatureScheme::Kind::rsa_pss) return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, -1) == 1;
}

EVP_PKEY* pkey_of(const void* key) { return static_cast<EVP_PKEY*>(const_cast<void*>(key)); }

Result<Bytes> sign_with(const void* key, const SignatureScheme& scheme, ByteView data) {
    bssl::ScopedEVP_MD_CTX context;
    EVP_PKEY_CTX* key_context = nullptr;
    std::size_t size = 0;
    Bytes signature;
    if (EVP_DigestSignInit(context.get(), &key_context, digest_of(scheme.hash), nullptr, pkey_of(key)) == 1 &&
        set_padding(key_context, scheme) &&
        EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()) == 1) {
        signature.resize(size);
        if (EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) == 1) {
            signature.resize(size);
            return signature;
        }
    }
    ERR_clear_error();
    return fail(Errc::system, "signature", "AWS-LC failed to sign with " + scheme.text());
}

bool verify_with(const void* key, const SignatureScheme& scheme, ByteView data, ByteView signature) {
    bssl::ScopedEVP_MD_CTX context;
    EVP_PKEY_CTX* key_context = nullptr;
    const bool good =
        EVP_DigestVerifyInit(context.get(), &key_context, digest_of(scheme.hash), nullptr, pkey_of(key)) == 1 &&
        set_padding(key_context, scheme) &&
        EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(), data.size()) == 1;
    ERR_clear_error();
    return good;
}

constexpr HashRow hash_rows[] = {
    {Hash::sha1, digest, hmac, make_hmac},
    {Hash::sha2_256, digest, hmac, make_hmac},
    {Hash::sha2_384, digest, hmac, make_hmac},
    {Hash::sha2_512, digest, hmac, make_hmac},
};
constexpr AeadRow aead_rows[] = {
    {AeadKind::aes_gcm, 16, make_aead},
    {AeadKind::aes_gcm, 24, make_aead},
    {AeadKind::aes_gcm, 32, make_aead},
    {AeadKind::chacha20_poly1305, 32, make_aead},
};
constexpr PacketRow packet_rows[] = {
    {PacketMode::aes_gcm, 16, make_packets},
    {PacketMode::aes_gcm, 24, make_packets},
    {PacketMode::aes_gcm, 32, make_packets},
    {PacketMode::chacha20_poly1305, 32, make_packets},
};
constexpr CbcRow cbc_rows[] = {{16, make_cbc}, {24, make_cbc}, {32, make_cbc}};
constexpr KeRow ke_rows[] = {
    {Ke::ecp_256, {64, 64}, 32, ecp_pair, ecp_agree},
    {Ke::ecp_384, {96, 96}, 48, ecp_pair, ecp_agree},
    {Ke::ecp_521, {132, 132}, 66, ecp_pair, ecp_agree},
    {Ke::curve25519, {32, 32}, 32, x25519_pair, x25519_agree},
    {Ke::ml_kem_512, {800, 768, true}, 64, ml_kem_pair, nullptr, ml_kem_encapsulate, ml_kem_decapsulate},
    {Ke::ml_kem_768, {1184, 1088, true}, 64, ml_kem_pair, nullptr, ml_kem_encapsulate, ml_kem_decapsulate},
    {Ke::ml_kem_1024, {1568, 1568, true}, 64, ml_kem_pair, nullptr, ml_kem_encapsulate, ml_kem_decapsulate},
};
constexpr SignatureRow signature_rows[] = {
    {KeyType::rsa, read_public, read_private, sign_with, verify_with},
    {KeyType::ecdsa_256, read_public, read_private, sign_with, verify_with},
    {KeyType::ecdsa_384, read_public, read_private, sign_with, verify_with},
    {KeyType::ecdsa_521, read_public, read_private, sign_with, verify_with},
    {KeyType::ed25519, read_public, read_private, sign_with, verify_with},
    {KeyType::ml_dsa_44, read_public, read_ml_dsa, sign_with, verify_with, ml_dsa_public},
    {KeyType::ml_dsa_65, read_public, read_ml_dsa, sign_with, verify_with, ml_dsa_public},
    {KeyType::ml_dsa_87, read_public, read_ml_dsa, sign_with, verify_with, ml_dsa_public},
};

std::string version() { return std::string(AWSLC_VERSION_NAME " ") + AWSLC_VERSION_NUMBER_STRING; }

// The library measures the jitter of this machine before it has random octets to give.
void gather_entropy() {
    std::uint8_t octet;
    must(RAND_bytes(&octet, 1));
}

}  // namespace

Library aws_lc() {
    return {.name = "AWS-LC",
            .version = version,
            .hashes = hash_rows,
            .aeads = aead_rows,
            .packets = packet_rows,
            .cbcs = cbc_rows,
            .key_exchanges = ke_rows,
            .signatures = signature_rows,
            .prepare = gather_entropy};
}

}  // namespace cygnet::crypto
