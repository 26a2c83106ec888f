#include "crypto/test_pki.h"

#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
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
    // Some extensions want a configuration to look sections up in, though none is named.
    const Handle<CONF, NCONF_free> configuration(NCONF_new(nullptr));
    X509V3_set_nconf(&context, configuration.get());
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    ASSERT(extension && X509_add_ext(x509, extension.get(), -1) == 1);
}

// The Edwards curves hash by themselves.
const EVP_MD* digest_for(const EVP_PKEY* key, const char* hash) {
    const int kind = EVP_PKEY_get_base_id(key);
    const bool edwards = kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448;
    return edwards ? nullptr : EVP_get_digestbyname(hash);
}

Bytes take_octets(std::uint8_t* encoded, int size) {
    ASSERT(size > 0);
    const Bytes der(encoded, encoded + size);
    OPENSSL_free(encoded);
    return der;
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
            default: return nullptr;
        }
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
    for (const auto& [extension, value] : wanted.extensions)
        add_extension(x509.get(), signer, OBJ_txt2nid(extension.c_str()), value);
    ASSERT(X509_sign(x509.get(), issuer_key.get(), digest_for(issuer_key.get(), wanted.hash)) > 0);
    std::uint8_t* encoded = nullptr;
    const int size = i2d_X509(x509.get(), &encoded);
    return take_octets(encoded, size);
}

Bytes make_test_crl(const TestCrl& wanted, ByteView issuer_der, const std::string& issuer_key_pem) {
    const Key key = read_key(issuer_key_pem);
    const Made issuer = read_certificate(issuer_der);
    const Handle<X509_CRL, X509_CRL_free> crl(X509_CRL_new());
    X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.get()));
    const Handle<ASN1_TIME, ASN1_TIME_free> from(ASN1_TIME_set(nullptr, wanted.this_update));
    X509_CRL_set1_lastUpdate(crl.get(), from.get());
    if (wanted.next_update != 0) {
        const Handle<ASN1_TIME, ASN1_TIME_free> to(ASN1_TIME_set(nullptr, wanted.next_update));
        X509_CRL_set1_nextUpdate(crl.get(), to.get());
    }
    for (const Bytes& der : wanted.revoked) {
        const Made certificate = read_certificate(der);
        X509_REVOKED* entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
        X509_REVOKED_set_revocationDate(entry, from.get());
        ASSERT(X509_CRL_add0_revoked(crl.get(), entry) == 1);
    }
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer.get(), nullptr, nullptr, crl.get(), 0);
    const Handle<CONF, NCONF_free> configuration(NCONF_new(nullptr));
    X509V3_set_nconf(&context, configuration.get());
    const auto add = [&](int nid, const std::string& value) {
        if (value.empty()) return;
        const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
        ASSERT(extension && X509_CRL_add_ext(crl.get(), extension.get(), -1) == 1);
    };
    add(NID_authority_key_identifier, "keyid");
    add(NID_issuing_distribution_point, wanted.distribution_point);
    const Handle<ASN1_INTEGER, ASN1_INTEGER_free> number(ASN1_INTEGER_new());
    ASN1_INTEGER_set(number.get(), wanted.number);
    ASSERT(X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, number.get(), 0, 0) == 1);
    ASSERT(X509_CRL_sort(crl.get()) == 1 && X509_CRL_sign(crl.get(), key.get(), digest_for(key.get(), "SHA256")) > 0);
    std::uint8_t* encoded = nullptr;
    const int size = i2d_X509_CRL(crl.get(), &encoded);
    return take_octets(encoded, size);
}

Bytes make_test_ocsp(const TestOcsp& wanted, ByteView certificate_der, ByteView issuer_der, ByteView responder_der,
                     const std::string& responder_key_pem) {
    const Key key = read_key(responder_key_pem);
    const Made certificate = read_certificate(certificate_der), issuer = read_certificate(issuer_der),
               responder = read_certificate(responder_der);
    const Handle<OCSP_CERTID, OCSP_CERTID_free> id(OCSP_cert_to_id(EVP_sha1(), certificate.get(), issuer.get()));
    const Handle<OCSP_BASICRESP, OCSP_BASICRESP_free> basic(OCSP_BASICRESP_new());
    const Handle<ASN1_TIME, ASN1_TIME_free> from(ASN1_GENERALIZEDTIME_set(nullptr, wanted.this_update));
    const Handle<ASN1_TIME, ASN1_TIME_free> to(
        wanted.next_update == 0 ? nullptr : ASN1_GENERALIZEDTIME_set(nullptr, wanted.next_update));
    const bool revoked = wanted.status == TestOcsp::Status::revoked;
    const int status = revoked                                        ? V_OCSP_CERTSTATUS_REVOKED
                       : wanted.status == TestOcsp::Status::good ? V_OCSP_CERTSTATUS_GOOD
                                                                  : V_OCSP_CERTSTATUS_UNKNOWN;
    ASSERT(OCSP_basic_add1_status(basic.get(), id.get(), status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                                  revoked ? from.get() : nullptr, from.get(), to.get()) != nullptr);
    ASSERT(OCSP_basic_sign(basic.get(), responder.get(), key.get(), digest_for(key.get(), "SHA256"), nullptr, 0) == 1);
    const Handle<OCSP_RESPONSE, OCSP_RESPONSE_free> response(
        OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
    std::uint8_t* encoded = nullptr;
    const int size = i2d_OCSP_RESPONSE(response.get(), &encoded);
    return take_octets(encoded, size);
}

}  // namespace cygnet::crypto
