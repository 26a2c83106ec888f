// OpenSSL: signatures, and the files that private keys come in.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/handle.h"
#include "crypto/public_key.h"
#include "crypto/rows.h"

namespace cygnet::crypto {
namespace {

using model::SignatureHash;
using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Memory = Handle<BIO, BIO_free>;
using Pkcs8 = Handle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;

// What OpenSSL said first, and its queue is empty again.
std::string last_error() {
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_get_error(), text.data(), text.size());
    ERR_clear_error();
    return text.data();
}

KeyObject share(EVP_PKEY* key) {
    return KeyObject(key, [](const void* object) { EVP_PKEY_free(static_cast<EVP_PKEY*>(const_cast<void*>(object))); });
}

Result<KeyObject> read_public(ByteView spki) {
    const std::uint8_t* at = spki.data();
    Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
    if (!key || at != spki.data() + spki.size()) return fail(Errc::bad_value, "public key", last_error());
    return share(key.release());
}

Result<KeyObject> read_private(ByteView pkcs8) {
    const std::uint8_t* at = pkcs8.data();
    Key key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(pkcs8.size())));
    if (!key) return fail(Errc::bad_value, "private key", last_error());
    return share(key.release());
}

const char* digest_name(SignatureHash hash) {
    switch (hash) {
        case SignatureHash::sha1: return "SHA1";
        case SignatureHash::sha2_256: return "SHA256";
        case SignatureHash::sha2_384: return "SHA384";
        case SignatureHash::sha2_512: return "SHA512";
        default: return nullptr;  // RFC 8032: the key's own
    }
}

// RFC 7427 appendix A.4: the salt is as long as the hash, MGF1 uses the same one (the default).
bool set_padding(EVP_PKEY_CTX* context, const SignatureScheme& scheme) {
    if (scheme.kind != SignatureScheme::Kind::rsa_pss) return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

EVP_PKEY* pkey_of(const void* key) { return static_cast<EVP_PKEY*>(const_cast<void*>(key)); }

Result<Bytes> sign_with(const void* key, const SignatureScheme& scheme, ByteView data) {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* key_context = nullptr;
    std::size_t size = 0;
    if (!context ||
        EVP_DigestSignInit_ex(context.get(), &key_context, digest_name(scheme.hash), nullptr, nullptr, pkey_of(key),
                              nullptr) != 1 ||
        !set_padding(key_context, scheme) ||
        EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()) != 1)
        return fail(Errc::system, "signature", last_error());
    Bytes signature(size);
    if (EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) != 1)
        return fail(Errc::system, "signature", last_error());
    signature.resize(size);
    return signature;
}

bool verify_with(const void* key, const SignatureScheme& scheme, ByteView data, ByteView signature) {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* key_context = nullptr;
    const bool good =
        context &&
        EVP_DigestVerifyInit_ex(context.get(), &key_context, digest_name(scheme.hash), nullptr, nullptr, pkey_of(key),
                                nullptr) == 1 &&
        set_padding(key_context, scheme) &&
        EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(), data.size()) == 1;
    ERR_clear_error();
    return good;
}

// An encrypted file has no one here to ask for its password.
int refuse_password(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

Key read_key_file(ByteView pem_or_der, bool& encrypted) {
    const std::uint8_t* at = pem_or_der.data();
    if (text_of(pem_or_der).find("-----BEGIN") == std::string_view::npos)
        return Key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(pem_or_der.size())));
    const Memory memory(BIO_new_mem_buf(pem_or_der.data(), static_cast<int>(pem_or_der.size())));
    return Key(PEM_read_bio_PrivateKey(memory.get(), nullptr, refuse_password, &encrypted));
}

#if OPENSSL_VERSION_NUMBER >= 0x30500000L
Result<Bytes> public_of(const void* key) {
    std::uint8_t* encoded = nullptr;
    const int size = i2d_PUBKEY(pkey_of(key), &encoded);
    if (size <= 0) return fail(Errc::system, "public key", last_error());
    const Bytes spki(encoded, encoded + size);
    OPENSSL_free(encoded);
    return keep(TRY(read_public_key_facts(spki)).key_bits);
}
#endif

constexpr SignatureRow rows[] = {
    {KeyType::rsa, read_public, read_private, sign_with, verify_with},
    {KeyType::ecdsa_256, read_public, read_private, sign_with, verify_with},
    {KeyType::ecdsa_384, read_public, read_private, sign_with, verify_with},
    {KeyType::ecdsa_521, read_public, read_private, sign_with, verify_with},
    {KeyType::ed25519, read_public, read_private, sign_with, verify_with},
    {KeyType::ed448, read_public, read_private, sign_with, verify_with},
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
    {KeyType::ml_dsa_44, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::ml_dsa_65, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::ml_dsa_87, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_sha2_128s, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_sha2_128f, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_sha2_192s, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_sha2_192f, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_sha2_256s, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_sha2_256f, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_shake_128s, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_shake_128f, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_shake_192s, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_shake_192f, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_shake_256s, read_public, read_private, sign_with, verify_with, public_of},
    {KeyType::slh_dsa_shake_256f, read_public, read_private, sign_with, verify_with, public_of},
#endif
};

}  // namespace

std::span<const SignatureRow> openssl_signatures() { return rows; }

Result<KeyFile> openssl_read_private_key(ByteView pem_or_der) {
    bool encrypted = false;
    const Key key = read_key_file(pem_or_der, encrypted);
    if (encrypted) {
        ERR_clear_error();
        return fail(Errc::unsupported, "private key", "the key is encrypted: store it without a password");
    }
    if (!key) {
        ERR_clear_error();
        return fail(Errc::bad_syntax, "private key", "neither PEM nor DER of a private key");
    }
    KeyFile file;
    const Pkcs8 pkcs8(EVP_PKEY2PKCS8(key.get()));
    std::uint8_t* encoded = nullptr;
    if (const int size = pkcs8 ? i2d_PKCS8_PRIV_KEY_INFO(pkcs8.get(), &encoded) : 0; size > 0) {
        file.pkcs8 = SecretBytes::copy_of({encoded, static_cast<std::size_t>(size)});
        OPENSSL_clear_free(encoded, static_cast<std::size_t>(size));
    }
    encoded = nullptr;
    if (const int size = i2d_PUBKEY(key.get(), &encoded); size > 0) {
        file.spki.assign(encoded, encoded + size);
        OPENSSL_free(encoded);
    }
    if (file.pkcs8.empty() || file.spki.empty()) return fail(Errc::unsupported, "private key", last_error());
    return file;
}

}  // namespace cygnet::crypto
