// OpenSSL: AES-GCM, AES-CCM, ChaCha20-Poly1305 and AES-CBC for single messages. Contexts are kept.
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "crypto/openssl_evp.h"

namespace cygnet::crypto {
namespace {

using evp::Context;
using evp::must;

// A context for each direction: going back and forth would compute the key schedule each time.
class OpensslAead final : public Aead {
public:
    OpensslAead(AeadKind kind, ByteView key, std::size_t icv_size)
        : encrypt_(EVP_CIPHER_CTX_new()), decrypt_(EVP_CIPHER_CTX_new()), ccm_(kind == AeadKind::aes_ccm) {
        evp::set_key(encrypt_.get(), evp::aead_of(kind, key.size()), ccm_, key, icv_size, true);
        evp::set_key(decrypt_.get(), evp::aead_of(kind, key.size()), ccm_, key, icv_size, false);
    }
    void seal(ByteView nonce, ByteView aad, MutableByteView text, MutableByteView icv) override {
        evp::seal(encrypt_.get(), ccm_, nonce.data(), {&aad, 1}, text, icv);
    }
    bool open(ByteView nonce, ByteView aad, MutableByteView text, ByteView icv) override {
        return evp::open(decrypt_.get(), ccm_, nonce.data(), {&aad, 1}, text, icv);
    }

private:
    Context encrypt_, decrypt_;
    bool ccm_;
};

class OpensslCbc final : public Cbc {
public:
    explicit OpensslCbc(ByteView key) : encrypt_(EVP_CIPHER_CTX_new()), decrypt_(EVP_CIPHER_CTX_new()) {
        must(EVP_EncryptInit_ex2(encrypt_.get(), evp::cbc_of(key.size()), key.data(), nullptr, nullptr));
        must(EVP_DecryptInit_ex2(decrypt_.get(), evp::cbc_of(key.size()), key.data(), nullptr, nullptr));
    }
    void encrypt(ByteView iv, MutableByteView text) override { run(encrypt_.get(), iv, text); }
    void decrypt(ByteView iv, MutableByteView text) override { run(decrypt_.get(), iv, text); }

private:
    static void run(EVP_CIPHER_CTX* context, ByteView iv, MutableByteView text) {
        must(EVP_CipherInit_ex2(context, nullptr, nullptr, iv.data(), -1, nullptr));
        // The padding is part of the text: RFC 7296 §3.14 defines its own.
        must(EVP_CIPHER_CTX_set_padding(context, 0));
        evp::update(context, text);
    }
    Context encrypt_, decrypt_;
};

std::unique_ptr<Aead> make_aead(AeadKind kind, ByteView key, std::size_t icv_size) {
    return std::make_unique<OpensslAead>(kind, key, icv_size);
}
std::unique_ptr<Cbc> make_cbc(ByteView key) { return std::make_unique<OpensslCbc>(key); }

constexpr AeadRow aead_rows[] = {
    {AeadKind::aes_gcm, 16, make_aead},           {AeadKind::aes_gcm, 24, make_aead},
    {AeadKind::aes_gcm, 32, make_aead},           {AeadKind::aes_ccm, 16, make_aead},
    {AeadKind::aes_ccm, 24, make_aead},           {AeadKind::aes_ccm, 32, make_aead},
    {AeadKind::chacha20_poly1305, 32, make_aead},
};
constexpr CbcRow cbc_rows[] = {{16, make_cbc}, {24, make_cbc}, {32, make_cbc}};

}  // namespace

std::span<const AeadRow> openssl_aeads() { return aead_rows; }
std::span<const CbcRow> openssl_cbcs() { return cbc_rows; }

}  // namespace cygnet::crypto
