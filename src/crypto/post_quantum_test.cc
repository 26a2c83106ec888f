// ML-DSA and SLH-DSA: keys, signatures, certificates, CRLs and OCSP responses.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "crypto/der.h"
#include "crypto/public_key.h"
#include "crypto/revocation.h"
#include "crypto/rows.h"
#include "crypto/test_pki.h"
#include "crypto/x509.h"

namespace cygnet::crypto {
namespace {

using model::SignatureHash;

// Those that this build computes and that sign quickly.
std::vector<KeyType> types() {
    std::vector<KeyType> all = {KeyType::ml_dsa_44, KeyType::ml_dsa_65, KeyType::ml_dsa_87};
    for (const KeyType type : {KeyType::slh_dsa_sha2_128f, KeyType::slh_dsa_shake_128f})
        if (supports(type)) all.push_back(type);
    return all;
}

SignatureScheme scheme_of(KeyType type) { return {one_way_of(type)->kind, SignatureHash::identity}; }

const std::string& pem_of(KeyType type) {
    static std::map<KeyType, std::string> made;
    std::string& pem = made[type];
    if (pem.empty()) pem = make_test_key(type);
    return pem;
}
PrivateKey key_of(KeyType type) { return *PrivateKey::parse(bytes_of(pem_of(type))); }

TEST(PostQuantum, SignsAndVerifies) {
    for (const KeyType type : types()) {
        SCOPED_TRACE(name_of(type));
        const PrivateKey key = key_of(type);
        EXPECT_EQ(key.public_key().type(), type);
        const auto signature = sign(key, scheme_of(type), bytes_of("octets"));
        ASSERT_TRUE(signature);
        EXPECT_EQ(signature->size(), one_way_of(type)->signature_octets);
        const auto again = PublicKey::from_spki(key.public_key().spki());
        ASSERT_TRUE(again);
        EXPECT_TRUE(verify(*again, scheme_of(type), bytes_of("octets"), *signature));
        EXPECT_EQ(verify(*again, scheme_of(type), bytes_of("octetS"), *signature).error().code, Errc::authentication);
    }
}

TEST(PostQuantum, SignaturesOfAnotherLengthOrKeyDoNotVerify) {
    for (const KeyType type : types()) {
        SCOPED_TRACE(name_of(type));
        const PrivateKey key = key_of(type);
        const Bytes good = *sign(key, scheme_of(type), bytes_of("octets"));
        const auto refused = [&](const Bytes& signature) {
            return !verify(key.public_key(), scheme_of(type), bytes_of("octets"), signature);
        };
        EXPECT_TRUE(refused({}));
        EXPECT_TRUE(refused(Bytes(good.begin(), good.end() - 1)));
        EXPECT_TRUE(refused(concat({good, Bytes{0}})));
        for (const std::size_t place : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
            Bytes changed = good;
            changed[place] ^= 1;
            EXPECT_TRUE(refused(changed)) << place;
        }
        for (const KeyType other : types()) {
            if (other == type) continue;
            const auto verified = verify(key_of(other).public_key(), scheme_of(type), bytes_of("octets"), good);
            EXPECT_EQ(verified.error().code, Errc::unsupported);
        }
    }
}

// pqc-auth §3.2.1: the hash is Identity, and a peer that did not announce it gets no such signature.
TEST(PostQuantum, GoesWithTheIdentityHashAlone) {
    constexpr SignatureHash sha2[] = {SignatureHash::sha2_256, SignatureHash::sha2_512};
    for (const KeyType type : types()) {
        EXPECT_TRUE(schemes_for(type, sha2).empty());
        EXPECT_EQ(schemes_for(type, supported_signature_hashes()), std::vector{scheme_of(type)});
        const SignatureScheme hashed{scheme_of(type).kind, SignatureHash::sha2_256};
        EXPECT_EQ(sign(key_of(type), hashed, {}).error().code, Errc::unsupported);
        EXPECT_EQ(sign_old_method(key_of(type), model::AuthMethod::rsa, {}).error().code, Errc::unsupported);
    }
}

// pqc-auth appendix B.
TEST(PostQuantum, TheAlgorithmIdentifiersAreThoseOfTheDraft) {
    unsigned last = 0x11;
    for (const OneWay& each : one_way_keys()) {
        if (!is_post_quantum(each.type)) continue;
        const Bytes expected = *from_hex("300b06096086480165030403" + hex(Bytes{static_cast<std::uint8_t>(last)}));
        EXPECT_EQ(algorithm_identifier({each.kind, SignatureHash::identity}), expected) << each.name;
        const auto parsed = parse_algorithm_identifier(expected);
        ASSERT_TRUE(parsed) << each.name;
        EXPECT_EQ(parsed->text(), each.name);
        ++last;
    }
    EXPECT_EQ(last, 0x20u);
    // With parameters (NULL); HashML-DSA-65 and HashSLH-DSA-SHAKE-256f.
    EXPECT_FALSE(parse_algorithm_identifier(*from_hex("300d06096086480165030403120500")));
    for (const char* prehash : {"300b0609608648016503040321", "300b060960864801650304032e"}) {
        const auto refused = parse_algorithm_identifier(*from_hex(prehash));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::unsupported);
        EXPECT_NE(refused.error().detail.find("HashML-DSA"), std::string::npos) << refused.error().detail;
    }
}

TEST(PostQuantum, PublicKeysOfAnotherLengthOrWithParametersAreRefused) {
    for (const KeyType type : types()) {
        const std::size_t size = one_way_of(type)->public_octets;
        for (const std::size_t wrong : {std::size_t{0}, size - 1, size + 1})
            EXPECT_EQ(PublicKey::from_spki(post_quantum_spki(type, Bytes(wrong))).error().code, Errc::bad_length);
        const Bytes oid = der::element(der::object_identifier, {der::oid_content(one_way_of(type)->oid)});
        const Bytes algorithm = der::element(der::sequence, {oid, Bytes{der::null, 0}});
        const Bytes bits = der::element(der::bit_string, {Bytes(size + 1)});
        EXPECT_EQ(PublicKey::from_spki(der::element(der::sequence, {algorithm, bits})).error().code, Errc::bad_value);
    }
}

Bytes pkcs8(KeyType type, ByteView private_key, ByteView behind = {}) {
    const Bytes oid = der::element(der::object_identifier, {der::oid_content(one_way_of(type)->oid)});
    const Bytes algorithm = der::element(der::sequence, {oid});
    return der::element(der::sequence, {der::element(der::integer, {Bytes{1}}), algorithm,
                                        der::element(der::octet_string, {private_key}), behind});
}

TEST(PostQuantum, PrivateKeysOfAnotherFormAreRefused) {
    constexpr std::uint8_t seed_tag = 0x80, public_tag = 0x81;
    const Bytes seed = der::element(seed_tag, {Bytes(32, 7)});
    const auto good = PrivateKey::parse(pkcs8(KeyType::ml_dsa_44, seed));
    ASSERT_TRUE(good) << good.error().text();
    for (const Bytes& wrong : {Bytes{}, der::element(seed_tag, {Bytes(31)}), der::element(der::octet_string, {Bytes(32)}),
                               der::element(der::octet_string, {Bytes(2561)}), concat({seed, Bytes{0}}), Bytes(32, 7),
                               der::element(der::sequence, {der::element(der::octet_string, {Bytes(32)})})})
        EXPECT_FALSE(PrivateKey::parse(pkcs8(KeyType::ml_dsa_44, wrong))) << hex(wrong).substr(0, 80);
    // The public key that stands beside it (RFC 5958 §2) must be its own.
    const Bytes own = keep(ByteView(good->public_key().spki()).last(1312));
    Bytes other = own;
    other[100] ^= 1;
    const auto with = [&](const Bytes& key) {
        return PrivateKey::parse(pkcs8(KeyType::ml_dsa_44, seed, der::element(public_tag, {Bytes{0}, key})));
    };
    EXPECT_TRUE(with(own));
    EXPECT_EQ(with(other).error().code, Errc::bad_value);
}

// ---- certificates ---------------------------------------------------------------------------------------

constexpr const char* ca_constraints = "critical,CA:TRUE";
constexpr const char* ca_usage = "critical,keyCertSign,cRLSign";

// A root, an intermediate CA and a leaf, each with a key of its own type.
struct Chain {
    std::string root_key, middle_key, leaf_key;
    Bytes root, middle, leaf;

    explicit Chain(std::array<KeyType, 3> of)
        : root_key(make_test_key(of[0])), middle_key(make_test_key(of[1])), leaf_key(make_test_key(of[2])),
          root(make_test_certificate({.subject = "CN=root", .basic_constraints = ca_constraints, .key_usage = ca_usage},
                                     root_key, {}, root_key)),
          middle(make_test_certificate({.subject = "CN=middle", .basic_constraints = ca_constraints, .key_usage = ca_usage},
                                       middle_key, root, root_key)),
          leaf(make_test_certificate({.subject = "CN=leaf", .alternative_names = "DNS:leaf.example"}, leaf_key, middle,
                                     middle_key)) {}

    Result<ValidPath> validate() const {
        const auto read = [](const Bytes& der) { return Certificate::parse(der); };
        const auto top = read(root), between = read(middle), end = read(leaf);
        if (!top || !between || !end) return fail(Errc::bad_syntax, "certificate");
        return validate_path(*end, {&*between, 1}, {&*top, 1}, {.now = test_now});
    }
};

std::string refusal(const Result<ValidPath>& result) { return result ? "" : result.error().detail; }

// Pure, and mixed in every order.
TEST(PostQuantumPath, IsValidWithKeysOfAnyKind) {
    using enum KeyType;
    std::vector<std::array<KeyType, 3>> chains = {
        {ml_dsa_87, ml_dsa_87, ml_dsa_87}, {ml_dsa_44, ml_dsa_65, ml_dsa_87}, {ecdsa_256, ecdsa_256, ml_dsa_65},
        {ecdsa_256, ml_dsa_65, ecdsa_256}, {ml_dsa_65, ml_dsa_44, rsa},       {ml_dsa_65, ecdsa_256, ed25519}};
    if (supports(slh_dsa_sha2_128f)) chains.push_back({slh_dsa_sha2_128f, ml_dsa_65, ml_dsa_44});
    for (const auto& of : chains) {
        const Chain chain(of);
        const auto path = chain.validate();
        ASSERT_TRUE(path) << name_of(of[0]) << ' ' << name_of(of[1]) << ' ' << name_of(of[2]) << ": " << refusal(path);
        EXPECT_EQ(path->certificates.size(), 3u);
        EXPECT_EQ(path->leaf().public_key()->type(), of[2]);
    }
}

// Every octet of a signature counts, and every octet of what is signed.
TEST(PostQuantumPath, ACertificateThatWasChangedIsRefused) {
    const Chain good({KeyType::ml_dsa_65, KeyType::ml_dsa_65, KeyType::ml_dsa_65});
    ASSERT_TRUE(good.validate());
    for (Bytes Chain::* which : {&Chain::leaf, &Chain::middle}) {
        const std::size_t size = (good.*which).size();
        const std::size_t signature = size - one_way_of(KeyType::ml_dsa_65)->signature_octets;
        for (const std::size_t place : {signature, signature + 1000, size - 1}) {
            Chain changed = good;
            (changed.*which)[place] ^= 0x10;
            EXPECT_NE(refusal(changed.validate()).find("signature that its issuer's key does not verify"), std::string::npos)
                << place << refusal(changed.validate());
        }
        // The last octet of its own public key's first half: something that nobody looks at but the signature.
        Chain changed = good;
        (changed.*which)[1000] ^= 0x10;
        EXPECT_FALSE(changed.validate());
    }
}

TEST(PostQuantumPath, AnotherKeyOfTheIssuersNameDoesNotDo) {
    const Chain chain({KeyType::ml_dsa_65, KeyType::ml_dsa_65, KeyType::ml_dsa_65});
    for (const KeyType type : {KeyType::ml_dsa_65, KeyType::ml_dsa_44, KeyType::ecdsa_256}) {
        const std::string stranger = make_test_key(type);
        Chain other = chain;
        other.leaf = make_test_certificate({.subject = "CN=leaf"}, chain.leaf_key, chain.middle, stranger);
        EXPECT_NE(refusal(other.validate()), "") << name_of(type);
        const bool same = type == KeyType::ml_dsa_65;  // else the algorithm gives it away before the signature does
        EXPECT_EQ(refusal(other.validate()).find("issuer's key does not verify") != std::string::npos, same);
        other = chain;
        other.middle = make_test_certificate({.subject = "CN=middle", .basic_constraints = ca_constraints, .key_usage = ca_usage},
                                             chain.middle_key, chain.root, stranger);
        EXPECT_NE(refusal(other.validate()), "") << name_of(type);
    }
}

// The algorithm is named twice, inside and outside of what is signed; the octet that differs is the last of the OID.
TEST(PostQuantumPath, AnotherAlgorithmThanTheIssuersIsRefused) {
    const Chain good({KeyType::ml_dsa_65, KeyType::ml_dsa_65, KeyType::ml_dsa_65});
    const Bytes said = algorithm_identifier(scheme_of(KeyType::ml_dsa_65));
    for (const int last : {0x11, 0x13, 0x14, 0x21, 0x7f})
        for (const auto& [inside, outside] : {std::pair{true, false}, std::pair{false, true}, std::pair{true, true}}) {
            Chain changed = good;
            auto first = std::ranges::search(changed.leaf, said);
            ASSERT_FALSE(first.empty());
            // Between them lies that of the leaf's own key.
            const auto second = std::find_end(changed.leaf.begin(), changed.leaf.end(), said.begin(), said.end());
            if (inside) *(first.end() - 1) = static_cast<std::uint8_t>(last);
            if (outside) *(second + static_cast<std::ptrdiff_t>(said.size()) - 1) = static_cast<std::uint8_t>(last);
            EXPECT_FALSE(changed.validate()) << last << inside << outside;
        }
}

// What stands for every path stands for these: dates, constraints, usage.
TEST(PostQuantumPath, TheOtherRulesHold) {
    const Chain chain({KeyType::ml_dsa_44, KeyType::ml_dsa_44, KeyType::ml_dsa_44});
    const auto with_leaf = [&](const TestCertificate& wanted) {
        Chain other = chain;
        other.leaf = make_test_certificate(wanted, chain.leaf_key, chain.middle, chain.middle_key);
        return refusal(other.validate());
    };
    EXPECT_EQ(with_leaf({.subject = "CN=leaf"}), "");
    EXPECT_NE(with_leaf({.subject = "CN=leaf", .not_after = test_now - 1}).find("expired"), std::string::npos);
    EXPECT_NE(with_leaf({.subject = "CN=leaf", .key_usage = "critical,keyEncipherment"}).find("key usage"), std::string::npos);
    Chain other = chain;
    other.middle = make_test_certificate({.subject = "CN=middle"}, chain.middle_key, chain.root, chain.root_key);
    EXPECT_NE(refusal(other.validate()).find("not a CA"), std::string::npos) << refusal(other.validate());
}

// ---- revocation -----------------------------------------------------------------------------------------

TEST(PostQuantumRevocation, CrlsAndOcspResponsesAreVerified) {
    const Chain chain({KeyType::ml_dsa_65, KeyType::ml_dsa_65, KeyType::ecdsa_256});
    const auto path = chain.validate();
    ASSERT_TRUE(path) << refusal(path);
    const Certificate& issuer = path->certificates[1];
    for (const bool revoked : {false, true}) {
        const auto expected = revoked ? Verdict::Standing::revoked : Verdict::Standing::good;
        const Bytes crl_der = make_test_crl({.revoked = revoked ? std::vector<Bytes>{chain.leaf} : std::vector<Bytes>{}},
                                            chain.middle, chain.middle_key);
        const auto crl = Crl::parse(crl_der);
        ASSERT_TRUE(crl);
        EXPECT_TRUE(crl->is_signed_by(issuer));
        EXPECT_EQ(judge_by_crls(path->certificates, 0, {}, {&*crl, 1}, test_now).standing, expected);
        Bytes changed = crl_der;
        changed.back() ^= 1;
        const auto other = Crl::parse(changed);
        ASSERT_TRUE(other);
        EXPECT_FALSE(other->is_signed_by(issuer));
        EXPECT_EQ(judge_by_crls(path->certificates, 0, {}, {&*other, 1}, test_now).standing, Verdict::Standing::unknown);

        const auto status = revoked ? TestOcsp::Status::revoked : TestOcsp::Status::good;
        Bytes response = make_test_ocsp({.status = status}, chain.leaf, chain.middle, chain.middle, chain.middle_key);
        const auto judge = [&] { return judge_by_ocsp(response, path->leaf(), issuer, {}, test_now); };
        EXPECT_EQ(judge().standing, expected) << judge().detail;
        response[response.size() - chain.middle.size() - 100] ^= 1;  // in its signature, before the certificate
        EXPECT_EQ(judge().standing, Verdict::Standing::unknown);
    }
}

}  // namespace
}  // namespace cygnet::crypto
