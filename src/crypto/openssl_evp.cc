#include "crypto/openssl_evp.h"

#include <openssl/evp.h>

#include <array>

namespace cygnet::crypto::evp {
namespace {

constexpr std::size_t ccm_nonce_size = 11;  // RFC 4309 §4

const EVP_CIPHER* fetched(const char* name) {
    EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
    ASSERT(cipher);
    return cipher;
}

// The three key sizes of an AES mode.
struct Sizes {
    const EVP_CIPHER *of_128, *of_192, *of_256;
    Sizes(const char* a, const char* b, const char* c) : of_128(fetched(a)), of_192(fetched(b)), of_256(fetched(c)) {}
    const EVP_CIPHER* of(std::size_t key_size) const {
        return key_size == 16 ? of_128 : key_size == 24 ? of_192 : of_256;
    }
};

int as_int(std::size_t size) { return static_cast<int>(size); }

void add_aad(EVP_CIPHER_CTX* context, bool ccm, Parts aad, std::size_t text_size) {
    int done = 0;
    if (ccm) must(EVP_CipherUpdate(context, nullptr, &done, nullptr, as_int(text_size)));
    for (const ByteView part : aad)
        if (!part.empty()) must(EVP_CipherUpdate(context, nullptr, &done, part.data(), as_int(part.size())));
}

// CCM computes its ICV with the text, even where there is none.
bool finish_empty(EVP_CIPHER_CTX* context) {
    std::uint8_t nothing = 0;
    int done = 0;
    return EVP_CipherUpdate(context, &nothing, &done, &nothing, 0) == 1;
}

}  // namespace

const EVP_CIPHER* aead_of(AeadKind kind, std::size_t key_size) {
    static const Sizes gcm("AES-128-GCM", "AES-192-GCM", "AES-256-GCM");
    static const Sizes ccm("AES-128-CCM", "AES-192-CCM", "AES-256-CCM");
    static const EVP_CIPHER* const chacha20 = fetched("ChaCha20-Poly1305");
    if (kind == AeadKind::chacha20_poly1305) return chacha20;
    return (kind == AeadKind::aes_ccm ? ccm : gcm).of(key_size);
}
const EVP_CIPHER* cbc_of(std::size_t key_size) {
    static const Sizes cbc("AES-128-CBC", "AES-192-CBC", "AES-256-CBC");
    return cbc.of(key_size);
}
const EVP_CIPHER* ctr_of(std::size_t key_size) {
    static const Sizes ctr("AES-128-CTR", "AES-192-CTR", "AES-256-CTR");
    return ctr.of(key_size);
}

void set_key(EVP_CIPHER_CTX* context, const EVP_CIPHER* cipher, bool ccm, ByteView key, std::size_t icv_size,
             bool encrypt) {
    const int direction = encrypt ? 1 : 0;
    // To name the cipher that the context has already would make it begin anew, with memory of its own.
    if (EVP_CIPHER_CTX_get0_cipher(context) == cipher) cipher = nullptr;
    if (ccm) {
        must(EVP_CipherInit_ex2(context, cipher, nullptr, nullptr, direction, nullptr));
        must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, as_int(ccm_nonce_size), nullptr));
        must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, as_int(icv_size), nullptr));
        cipher = nullptr;
    }
    must(EVP_CipherInit_ex2(context, cipher, key.data(), nullptr, direction, nullptr));
}

void seal(EVP_CIPHER_CTX* context, bool ccm, const std::uint8_t* nonce, Parts aad, MutableByteView text,
          MutableByteView icv) {
    must(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce, nullptr));
    add_aad(context, ccm, aad, text.size());
    ASSERT(ccm && text.empty() ? finish_empty(context) : update(context, text));
    int done = 0;
    std::array<std::uint8_t, 16> nothing;
    must(EVP_EncryptFinal_ex(context, nothing.data(), &done));
    must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, as_int(icv.size()), icv.data()));
}

bool open(EVP_CIPHER_CTX* context, bool ccm, const std::uint8_t* nonce, Parts aad, MutableByteView text, ByteView icv) {
    must(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce, nullptr));
    must(
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, as_int(icv.size()), const_cast<std::uint8_t*>(icv.data())));
    add_aad(context, ccm, aad, text.size());
    // CCM checks the ICV where it decrypts, the others at their end.
    if (ccm) return text.empty() ? finish_empty(context) : update(context, text);
    update(context, text);
    int done = 0;
    std::array<std::uint8_t, 16> nothing;
    return EVP_DecryptFinal_ex(context, nothing.data(), &done) == 1;
}

bool update(EVP_CIPHER_CTX* context, MutableByteView text) {
    int done = 0;
    return text.empty() || EVP_CipherUpdate(context, text.data(), &done, text.data(), as_int(text.size())) == 1;
}

}  // namespace cygnet::crypto::evp
