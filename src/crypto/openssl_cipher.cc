// OpenSSL: AES-GCM, ChaCha20-Poly1305 and AES-CBC. Algorithms are fetched once, contexts are kept.
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "crypto/handle.h"
#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

using Algorithm = Handle<EVP_CIPHER, EVP_CIPHER_free>;
using Context = Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

const EVP_CIPHER* fetched(const char* name) {
    EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
    ASSERT(cipher);
    return cipher;
}

// Kept for the life of the process, like a table.
const EVP_CIPHER* aead_of(AeadKind kind, std::size_t key_size) {
    static const EVP_CIPHER* const gcm_128 = fetched("AES-128-GCM");
    static const EVP_CIPHER* const gcm_192 = fetched("AES-192-GCM");
    static const EVP_CIPHER* const gcm_256 = fetched("AES-256-GCM");
    static const EVP_CIPHER* const chacha20 = fetched("ChaCha20-Poly1305");
    if (kind == AeadKind::chacha20_poly1305) return chacha20;
    return key_size == 16 ? gcm_128 : key_size == 24 ? gcm_192 : gcm_256;
}
const EVP_CIPHER* cbc_of(std::size_t key_size) {
    static const EVP_CIPHER* const cbc_128 = fetched("AES-128-CBC");
    static const EVP_CIPHER* const cbc_192 = fetched("AES-192-CBC");
    static const EVP_CIPHER* const cbc_256 = fetched("AES-256-CBC");
    return key_size == 16 ? cbc_128 : key_size == 24 ? cbc_192 : cbc_256;
}

// Reached only if OpenSSL has no memory: it does not fail for sizes that we chose.
void must(int result) { ASSERT(result == 1); }
int as_int(std::size_t size) { return static_cast<int>(size); }

// Text in place, between the start of a message (nonce set) and its end (tag).
void update(EVP_CIPHER_CTX* context, ByteView aad, MutableByteView text) {
    int done = 0;
    if (!aad.empty()) must(EVP_CipherUpdate(context, nullptr, &done, aad.data(), as_int(aad.size())));
    if (!text.empty()) must(EVP_CipherUpdate(context, text.data(), &done, text.data(), as_int(text.size())));
}

void seal(EVP_CIPHER_CTX* context, const std::uint8_t* nonce, ByteView aad, MutableByteView text, MutableByteView icv) {
    must(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce, nullptr));
    update(context, aad, text);
    int done = 0;
    std::array<std::uint8_t, 16> nothing;
    must(EVP_EncryptFinal_ex(context, nothing.data(), &done));
    must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, as_int(icv.size()), icv.data()));
}

// EVP_DecryptFinal_ex compares the tag in constant time.
bool open(EVP_CIPHER_CTX* context, const std::uint8_t* nonce, ByteView aad, MutableByteView text, ByteView icv) {
    must(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce, nullptr));
    must(
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, as_int(icv.size()), const_cast<std::uint8_t*>(icv.data())));
    update(context, aad, text);
    int done = 0;
    std::array<std::uint8_t, 16> nothing;
    return EVP_DecryptFinal_ex(context, nothing.data(), &done) == 1;
}

// A context for each direction: going back and forth would compute the key schedule each time.
class OpensslAead final : public Aead {
public:
    OpensslAead(AeadKind kind, ByteView key, std::size_t /*icv_size*/)
        : encrypt_(EVP_CIPHER_CTX_new()), decrypt_(EVP_CIPHER_CTX_new()) {
        const EVP_CIPHER* cipher = aead_of(kind, key.size());
        must(EVP_EncryptInit_ex2(encrypt_.get(), cipher, key.data(), nullptr, nullptr));
        must(EVP_DecryptInit_ex2(decrypt_.get(), cipher, key.data(), nullptr, nullptr));
    }
    void seal(ByteView nonce, ByteView aad, MutableByteView text, MutableByteView icv) override {
        crypto::seal(encrypt_.get(), nonce.data(), aad, text, icv);
    }
    bool open(ByteView nonce, ByteView aad, MutableByteView text, ByteView icv) override {
        return crypto::open(decrypt_.get(), nonce.data(), aad, text, icv);
    }

private:
    Context encrypt_, decrypt_;
};

// Contexts are not for several threads: each thread has one and gives it this key for a batch.
class OpensslPacketCipher final : public PacketCipher {
public:
    OpensslPacketCipher(AeadKind kind, ByteView key)
        : cipher_(aead_of(kind, key.size())), key_(SecretBytes::copy_of(key)) {}

    void seal(std::span<AeadPacket> batch) const override {
        EVP_CIPHER_CTX* context = context_of_thread();
        must(EVP_EncryptInit_ex2(context, cipher_, key_.reveal().data(), nullptr, nullptr));
        for (AeadPacket& packet : batch)
            crypto::seal(context, packet.nonce.data(), {packet.aad, packet.aad_size}, {packet.text, packet.text_size},
                         {packet.icv, icv_size});
        forget_key(context);
    }
    void open(std::span<AeadPacket> batch) const override {
        EVP_CIPHER_CTX* context = context_of_thread();
        must(EVP_DecryptInit_ex2(context, cipher_, key_.reveal().data(), nullptr, nullptr));
        for (AeadPacket& packet : batch)
            packet.authentic = crypto::open(context, packet.nonce.data(), {packet.aad, packet.aad_size},
                                            {packet.text, packet.text_size}, {packet.icv, icv_size});
        forget_key(context);
    }
    const char* implementation() const override { return "OpenSSL"; }

private:
    static constexpr std::size_t icv_size = 16;

    static EVP_CIPHER_CTX* context_of_thread() {
        thread_local const Context context(EVP_CIPHER_CTX_new());
        ASSERT(context);
        return context.get();
    }
    // The context outlives the SA: another key takes the place of this one.
    void forget_key(EVP_CIPHER_CTX* context) const {
        static constexpr std::array<std::uint8_t, 32> zeros{};
        must(EVP_EncryptInit_ex2(context, cipher_, zeros.data(), nullptr, nullptr));
    }

    const EVP_CIPHER* cipher_;
    SecretBytes key_;
};

class OpensslCbc final : public Cbc {
public:
    explicit OpensslCbc(ByteView key) : encrypt_(EVP_CIPHER_CTX_new()), decrypt_(EVP_CIPHER_CTX_new()) {
        must(EVP_EncryptInit_ex2(encrypt_.get(), cbc_of(key.size()), key.data(), nullptr, nullptr));
        must(EVP_DecryptInit_ex2(decrypt_.get(), cbc_of(key.size()), key.data(), nullptr, nullptr));
    }
    void encrypt(ByteView iv, MutableByteView text) override { run(encrypt_.get(), iv, text); }
    void decrypt(ByteView iv, MutableByteView text) override { run(decrypt_.get(), iv, text); }

private:
    static void run(EVP_CIPHER_CTX* context, ByteView iv, MutableByteView text) {
        must(EVP_CipherInit_ex2(context, nullptr, nullptr, iv.data(), -1, nullptr));
        // The padding is part of the text: RFC 7296 §3.14 defines its own.
        must(EVP_CIPHER_CTX_set_padding(context, 0));
        update(context, {}, text);
    }
    Context encrypt_, decrypt_;
};

std::unique_ptr<Aead> make_aead(AeadKind kind, ByteView key, std::size_t icv_size) {
    return std::make_unique<OpensslAead>(kind, key, icv_size);
}
std::unique_ptr<PacketCipher> make_packet_cipher(AeadKind kind, ByteView key) {
    return std::make_unique<OpensslPacketCipher>(kind, key);
}
std::unique_ptr<Cbc> make_cbc(ByteView key) { return std::make_unique<OpensslCbc>(key); }

constexpr AeadRow aead_rows[] = {
    {AeadKind::aes_gcm, 16, make_aead, make_packet_cipher},
    {AeadKind::aes_gcm, 24, make_aead, make_packet_cipher},
    {AeadKind::aes_gcm, 32, make_aead, make_packet_cipher},
    {AeadKind::chacha20_poly1305, 32, make_aead, make_packet_cipher},
};
constexpr CbcRow cbc_rows[] = {{16, make_cbc}, {24, make_cbc}, {32, make_cbc}};

}  // namespace

std::span<const AeadRow> openssl_aeads() { return aead_rows; }
std::span<const CbcRow> openssl_cbcs() { return cbc_rows; }

}  // namespace cygnet::crypto
