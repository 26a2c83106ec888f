#include "crypto/test_pki.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/handle.h"
#include "crypto/x509.h"

namespace cygnet::crypto {
namespace {

using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using Memory = Handle<BIO, BIO_free>;
using Name = Handle<X509_NAME, X509_NAME_free>;
using Extension = Handle<X509_EXTENSION, X509_EXTENSION_free>;
using Made = Handle<X509, X509_free>;

Key read_key(const std::string& pem) {
    const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
    ASSERT(key);
    return key;
}

Name name_of(const std::string& text) {
    const auto der = parse_distinguished_name(text);
    ASSERT(der);
    const std::uint8_t* at = der->data();
    Name name(d2i_X509_NAME(nullptr, &at, static_cast<long>(der->size())));
    ASSERT(name);
    return name;
}

Made read_certificate(ByteView der) {
    const std::uint8_t* at = der.data();
    Made x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    ASSERT(x509);
    return x509;
}

void add_extension(X509* x509, X509* issuer, int nid, const std::string& value) {
    if (value.empty()) return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    ASSERT(extension && X509_add_ext(x509, extension.get(), -1) == 1);
}

}  // namespace

std::string make_test_key(KeyType type, unsigned rsa_bits) {
    const auto make = [&]() -> EVP_PKEY* {
        switch (type) {
            case KeyType::rsa: return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(rsa_bits));
            case KeyType::ecdsa_256: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
            case KeyType::ecdsa_384: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384");
            case KeyType::ecdsa_521: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521");
            case KeyType::ed25519: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
            case KeyType::ed448: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448");
        }
        return nullptr;
    };
    const Key key(make());
    const Memory memory(BIO_new(BIO_s_mem()));
    ASSERT(key && PEM_write_bio_PrivateKey(memory.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

Bytes make_test_certificate(const TestCertificate& wanted, const std::string& key_pem, ByteView issuer_der,
                            const std::string& issuer_key_pem) {
    const Key key = read_key(key_pem);
    const Key issuer_key = read_key(issuer_key_pem);
    const Made x509(X509_new());
    const Made issuer = issuer_der.empty() ? nullptr : read_certificate(issuer_der);
    X509* signer = issuer ? issuer.get() : x509.get();
    const Name subject = name_of(wanted.subject);
    std::uint64_t serial = 0;
    ASSERT(RAND_bytes(reinterpret_cast<std::uint8_t*>(&serial), sizeof serial) == 1);
    X509_set_version(x509.get(), X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509.get()), serial);
    X509_set_subject_name(x509.get(), subject.get());
    X509_set_issuer_name(x509.get(), X509_get_subject_name(signer));
    X509_set_pubkey(x509.get(), key.get());
    ASN1_TIME_set(X509_getm_notBefore(x509.get()), wanted.not_before);
    ASN1_TIME_set(X509_getm_notAfter(x509.get()), wanted.not_after);
    add_extension(x509.get(), signer, NID_subject_key_identifier, "hash");
    if (issuer) add_extension(x509.get(), signer, NID_authority_key_identifier, "keyid");
    add_extension(x509.get(), signer, NID_basic_constraints, wanted.basic_constraints);
    add_extension(x509.get(), signer, NID_key_usage, wanted.key_usage);
    add_extension(x509.get(), signer, NID_subject_alt_name, wanted.alternative_names);
    add_extension(x509.get(), signer, NID_name_constraints, wanted.name_constraints);
    // The Edwards curves hash by themselves.
    const int kind = EVP_PKEY_get_base_id(issuer_key.get());
    const bool edwards = kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448;
    ASSERT(X509_sign(x509.get(), issuer_key.get(), edwards ? nullptr : EVP_get_digestbyname(wanted.hash)) > 0);
    std::uint8_t* encoded = nullptr;
    const int size = i2d_X509(x509.get(), &encoded);
    ASSERT(size > 0);
    const Bytes der(encoded, encoded + size);
    OPENSSL_free(encoded);
    return der;
}

}  // namespace cygnet::crypto
