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

#include "crypto/der.h"
#include "crypto/handle.h"
#include "crypto/public_key.h"
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

// ---- ML-DSA and SLH-DSA, with which OpenSSL may not sign: it signs with a stand-in, then the DER is put together anew ----

Bytes pkcs8_of(KeyType type, ByteView private_key) {
    const Bytes oid = der::element(der::object_identifier, {der::oid_content(one_way_of(type)->oid)});
    const Bytes version = der::element(der::integer, {Bytes{0}});
    return der::element(der::sequence, {version, der::element(der::sequence, {oid}), der::element(der::octet_string, {private_key})});
}

std::string text_in(BIO* memory) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory, &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string pem_of(ByteView pkcs8) {
    const Memory memory(BIO_new(BIO_s_mem()));
    ASSERT(PEM_write_bio(memory.get(), "PRIVATE KEY", "", pkcs8.data(), static_cast<long>(pkcs8.size())) > 0);
    return text_in(memory.get());
}

std::string make_ml_dsa_key(KeyType type) {
    Bytes seed(32);
    ASSERT(RAND_bytes(seed.data(), static_cast<int>(seed.size())) == 1);
    constexpr std::uint8_t seed_tag = 0x80;  // RFC 9881 §6
    return pem_of(pkcs8_of(type, der::element(seed_tag, {seed})));
}

// Made from random seeds by the generator of ACVP vectors of NIST: nobody here can make keys of SLH-DSA.
constexpr const char* slh_dsa_keys[] = {
    "f696484048ec21f96cf50a56d0759c448f3779752f0383d37449690694cf7a685ef56915bb461280cd7a1428bf89ecfbace44265b801314a"
    "0d20a6006c9ff1e6",
    "1eaae6bb91b27cd748c402c4111140d5a942cf3c95ff7977f88d2ef515bb26d067b4319d2f67bae52055dcd010a25a16220b1ddabbed69f5"
    "03b5f07cbba7f134",
    "a9f93c7b791356b66afcceb745a548c7f6b185e4f45ec1ff1a22acdd96e7a6d8d290f4ecb0e97b42c65ce45583da8ad8c9c02f34daf33568"
    "1f00668a6b4209caad8f0a98afd3cb6a10ac13a54b552951257a36f005a60e3f1d4fc605c6c69ca8",
    "f7ecfc9143ee45e44f5e98fd9ca1455340ec5db4fb098534365ebbfbcc57d34dde0999aa0c3992d155b9d6be993cb9d7f04ca9d2e28afca5"
    "2ea1c8178445cad8c8f4efc9d99f4753b1170ff7df5359a4277f8ef072a833ee58c420a436928774",
    "ad10ad3409a90c4b24ab0da526f289209abcb1f05c86c7e4437a144c91e1c8674bb0634876c4471d23c2f3a041a9830dad41945642da3487"
    "ce5d2e9e2be9a1d4b2ea4b9157c191935629e8914ab581799f366ecc13a153ba88961ebd2d25e7b8126760d273e037dc76cff5eddecabead"
    "489f8a725be650544c1e3145042d0c2a",
    "edb1483bd9db934a5c0970c76e96adac58c2786f5525cce741206154222b1bada4b54a813a208ad3472c64bef72aa37ad944484a7525b3bf"
    "ab58b72d5878adcc36b35aefaeef610994159ba32295631c237f59d285e62248442d5ccca196973d3dfe70c01bd69e90313ba13437891e8a"
    "ebbfb4d42fcccdfdf98655b272757553",
    "6de62e3465a55c9c78a07d265be8540b3e58b0801a124d07ff12b438d5202ea0f08e01a57a272b738fa8ea2f465d59400b96b2f9934daa0d"
    "a7c9873550013599",
    "b585d4eb01085111a172a87688d0032e3381a9e9a35fdd6ef2f8aeb3b40eb5cea27e9866875fd15dfb375e035774304b8c608a901a619433"
    "4b70b7c8d4e2bf82",
    "85da83b47129711a63c2c2f6a5bcb701237b2b0b66814eec9fcc1c560992a5962a826338e5c2f03bdea549e2bccd8463311e8eadb8a321c1"
    "bf80f61581df0da196f0f694b5c335bcdf767cdad5dab7542ecb362183467bd0fc5b334a7d615f61",
    "daa360ecbb51bcb33f5d36f92fffe77c2de7ed43d281dcb5fd68cfa0ce19df2eb36398ffaef28a6ac96ae6cec608b0545dab087c2e696072"
    "c3a207a25c42fbc1aa96fb8ec2a5af71caf5215b739f48ee14fbbe4b0ce50dbf8104998ca133e19c",
    "793871afccb50f4035b9788c7292b717939aa28f5094d99ee262047b15e42deb92568f82621d1ee33a233b858296887279ff85cfda7f5c41"
    "5b714e9451cb20a6e23d931a7e2679eb15c2d3727552a5a5686b13f319c17c48fcae2ca136d9fe223b5f3c9b72d1318ec5c1819123891469"
    "1955fbd06947ce3e7010809fd3d31832",
    "ec5fd75f942b76a278c3f4df4c25b0dd5db712a253cc8b9c22287befafbeb6257e53018e4f2b21f571e02c8b128f401ed16391b74336ddd7"
    "19a0306db181135395e8f648fb380f083398e4a3400c07724162fa30e25e8d3784a2e90fdf27cdbb4456b4892b3a49fd6de7cdae86d7432b"
    "f8f651e09b2920ad7d0618ccf70135e8",
};

std::string make_slh_dsa_key(KeyType type) {
    const auto place = static_cast<std::size_t>(type) - static_cast<std::size_t>(KeyType::slh_dsa_sha2_128s);
    return pem_of(pkcs8_of(type, *from_hex(slh_dsa_keys[place])));
}

PrivateKey parse_key(const std::string& pem) {
    auto key = PrivateKey::parse(bytes_of(pem));
    ASSERT(key);
    return *std::move(key);
}

bool is_post_quantum_key(const std::string& pem) { return post_quantum_pkcs8(bytes_of(pem)).has_value(); }

Key stand_in() { return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")); }
Key key_or_stand_in(const std::string& pem) { return is_post_quantum_key(pem) ? stand_in() : read_key(pem); }

// What a signed structure has as its algorithm when `key` signs it; `said` is what it has now.
Bytes algorithm_for(const PrivateKey& key, ByteView said) {
    const OneWay* one_way = one_way_of(key.public_key().type());
    return one_way == nullptr ? keep(said) : algorithm_identifier({one_way->kind, model::SignatureHash::identity});
}

Bytes signed_structure(ByteView content, ByteView algorithm, const PrivateKey& key, ByteView behind = {}) {
    const auto signature = sign(key, *parse_algorithm_identifier(algorithm), content);
    ASSERT(signature);
    const Bytes no_unused_bits{0};
    return der::element(der::sequence, {content, algorithm, der::element(der::bit_string, {no_unused_bits, *signature}), behind});
}

// A certificate or CRL with another public key (if there is one), signed by `key`.
Bytes signed_anew(ByteView der, ByteView spki, const PrivateKey& key) {
    constexpr unsigned algorithm_place = 1, spki_place = 5;  // among the SEQUENCEs: issuer, validity and subject lie between
    ByteView parts = *der::expect_only(der, der::sequence);
    ByteView fields = *der::expect(parts, der::sequence);
    const Bytes algorithm = algorithm_for(key, der::read(parts)->whole);
    Bytes content;
    for (unsigned sequences = 0; !fields.empty();) {
        const der::Element field = *der::read(fields);
        const unsigned place = field.tag == der::sequence ? ++sequences : 0;
        append(content, place == algorithm_place ? ByteView(algorithm) : place == spki_place && !spki.empty() ? spki : field.whole);
    }
    return signed_structure(der::element(der::sequence, {content}), algorithm, key);
}

// The same for an OCSP response, with the certificate of who signs it.
Bytes signed_anew_response(ByteView der, ByteView responder, const PrivateKey& key) {
    ByteView outer = *der::expect_only(der, der::sequence);
    const der::Element status = *der::read(outer);
    ByteView typed = *der::expect_only(*der::expect_only(outer, der::explicit_tag(0)), der::sequence);
    const der::Element type = *der::read(typed);
    ByteView basic = *der::expect_only(*der::expect_only(typed, der::octet_string), der::sequence);
    const der::Element content = *der::read(basic);
    const Bytes certificates = der::element(der::explicit_tag(0), {der::element(der::sequence, {responder})});
    const Bytes made = signed_structure(content.whole, algorithm_for(key, der::read(basic)->whole), key, certificates);
    const Bytes bytes = der::element(der::sequence, {type.whole, der::element(der::octet_string, {made})});
    return der::element(der::sequence, {status.whole, der::element(der::explicit_tag(0), {bytes})});
}

}  // namespace

std::string make_test_key(KeyType type, unsigned rsa_bits) {
    if (type >= KeyType::slh_dsa_sha2_128s) return make_slh_dsa_key(type);
    if (is_post_quantum(type)) return make_ml_dsa_key(type);
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
    return text_in(memory.get());
}

Bytes make_test_certificate(const TestCertificate& wanted, const std::string& key_pem, ByteView issuer_der,
                            const std::string& issuer_key_pem) {
    const Key key = key_or_stand_in(key_pem);
    const Key issuer_key = key_or_stand_in(issuer_key_pem);
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
    const std::string own_id = is_post_quantum_key(key_pem) ? hex(parse_key(key_pem).public_key().key_id()) : "hash";
    add_extension(x509.get(), signer, NID_subject_key_identifier, own_id);
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
    const Bytes der = take_octets(encoded, size);
    if (!is_post_quantum_key(key_pem) && !is_post_quantum_key(issuer_key_pem)) return der;
    return signed_anew(der, parse_key(key_pem).public_key().spki(), parse_key(issuer_key_pem));
}

Bytes make_test_crl(const TestCrl& wanted, ByteView issuer_der, const std::string& issuer_key_pem) {
    const Key key = key_or_stand_in(issuer_key_pem);
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
    const Bytes der = take_octets(encoded, size);
    return is_post_quantum_key(issuer_key_pem) ? signed_anew(der, {}, parse_key(issuer_key_pem)) : der;
}

Bytes make_test_ocsp(const TestOcsp& wanted, ByteView certificate_der, ByteView issuer_der, ByteView responder_der,
                     const std::string& responder_key_pem) {
    const bool post_quantum = is_post_quantum_key(responder_key_pem);
    const Key key = key_or_stand_in(responder_key_pem);
    const Made certificate = read_certificate(certificate_der), issuer = read_certificate(issuer_der),
               responder = read_certificate(responder_der);
    if (post_quantum) X509_set_pubkey(responder.get(), key.get());
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
    const Bytes der = take_octets(encoded, size);
    return post_quantum ? signed_anew_response(der, responder_der, parse_key(responder_key_pem)) : der;
}

}  // namespace cygnet::crypto
