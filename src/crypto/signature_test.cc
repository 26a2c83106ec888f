#include "crypto/signature.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/public_key.h"
#include "crypto/rows.h"
#include "crypto/test_pki.h"

namespace cygnet::crypto {
namespace {

using model::AuthMethod;
using model::SignatureHash;
using Kind = SignatureScheme::Kind;

Bytes octets(std::string_view text) { return *from_hex(text); }

constexpr KeyType all_types[] = {KeyType::rsa,       KeyType::ecdsa_256, KeyType::ecdsa_384,
                                 KeyType::ecdsa_521, KeyType::ed25519,   KeyType::ed448};

const std::string& key_pem(KeyType type) {
    static const std::vector<std::string> keys = [] {
        std::vector<std::string> made;
        for (const KeyType each : all_types) made.push_back(make_test_key(each));
        return made;
    }();
    return keys[static_cast<std::size_t>(type)];
}
PrivateKey key_of(KeyType type) { return *PrivateKey::parse(bytes_of(key_pem(type))); }

std::vector<SignatureScheme> schemes_of(KeyType type) { return schemes_for(type, supported_signature_hashes()); }

TEST(Signature, EveryRowVerifiesWhatEveryOtherSigns) {
    for (const KeyType type : all_types) {
        const auto file = openssl_read_private_key(bytes_of(key_pem(type)));
        ASSERT_TRUE(file);
        for (const Library& from : libraries()) {
            for (const SignatureRow& signer : from.signatures) {
                if (signer.type != type) continue;
                const auto private_key = signer.read_private(file->pkcs8.reveal());
                ASSERT_TRUE(private_key);
                for (const SignatureScheme& scheme : schemes_of(type)) {
                    const auto signature = signer.sign(private_key->get(), scheme, bytes_of("octets"));
                    ASSERT_TRUE(signature) << from.name << ' ' << scheme.text();
                    for (const Library& to : libraries()) {
                        for (const SignatureRow& row : to.signatures) {
                            if (row.type != type) continue;
                            SCOPED_TRACE(std::string(from.name) + " to " + to.name + ", " + scheme.text());
                            const auto public_key = row.read_public(file->spki);
                            ASSERT_TRUE(public_key);
                            const void* key = public_key->get();
                            EXPECT_TRUE(row.verify(key, scheme, bytes_of("octets"), *signature));
                            EXPECT_FALSE(row.verify(key, scheme, bytes_of("octetS"), *signature));
                            Bytes other = *signature;
                            other[other.size() / 2] ^= 1;
                            EXPECT_FALSE(row.verify(key, scheme, bytes_of("octets"), other));
                            EXPECT_FALSE(row.verify(key, scheme, bytes_of("octets"), {}));
                        }
                    }
                }
            }
        }
    }
}

TEST(Signature, AKeyOfEachTypeSignsAndItsPublicKeyVerifies) {
    for (const KeyType type : all_types) {
        const PrivateKey key = key_of(type);
        const PublicKey public_key = key.public_key();
        EXPECT_EQ(public_key.type(), type);
        const auto again = PublicKey::from_spki(public_key.spki());
        ASSERT_TRUE(again);
        for (const SignatureScheme& scheme : schemes_of(type)) {
            const auto signature = sign(key, scheme, bytes_of("octets"));
            ASSERT_TRUE(signature) << scheme.text();
            EXPECT_TRUE(verify(*again, scheme, bytes_of("octets"), *signature));
            EXPECT_EQ(verify(*again, scheme, bytes_of("other"), *signature).error().code, Errc::authentication);
        }
    }
    EXPECT_EQ(key_of(KeyType::rsa).public_key().bits(), 2048U);
    EXPECT_EQ(key_of(KeyType::ecdsa_521).public_key().bits(), 521U);
}

TEST(Signature, SchemesThatDoNotFitTheKeyAreUnsupported) {
    for (const KeyType type : all_types) {
        const PrivateKey key = key_of(type);
        for (const KeyType other : all_types) {
            const SignatureScheme scheme = schemes_of(other).front();
            const std::vector<SignatureScheme> own = schemes_of(type);
            if (std::ranges::find(own, scheme) != own.end()) continue;
            EXPECT_EQ(sign(key, scheme, {}).error().code, Errc::unsupported);
            EXPECT_EQ(verify(key.public_key(), scheme, {}, Bytes(64)).error().code, Errc::unsupported);
        }
    }
    // RFC 8247 §3.2.
    const SignatureScheme sha1{Kind::rsa_pkcs1, SignatureHash::sha1};
    EXPECT_EQ(sign(key_of(KeyType::rsa), sha1, {}).error().code, Errc::unsupported);
}

// RFC 7427 §4 [71, 72]: only hashes that the peer listed.
TEST(Signature, SchemesAreOrderedAndHeldToThePeersHashes) {
    const std::vector<SignatureHash> hashes = {SignatureHash::sha2_512, SignatureHash::sha2_256};
    EXPECT_EQ(schemes_for(KeyType::rsa, hashes),
              (std::vector<SignatureScheme>{{Kind::rsa_pss, SignatureHash::sha2_256},
                                            {Kind::rsa_pss, SignatureHash::sha2_512},
                                            {Kind::rsa_pkcs1, SignatureHash::sha2_256},
                                            {Kind::rsa_pkcs1, SignatureHash::sha2_512}}));
    EXPECT_EQ(schemes_for(KeyType::ecdsa_384, hashes).front().hash, SignatureHash::sha2_512);
    EXPECT_TRUE(schemes_for(KeyType::ed25519, hashes).empty());
    EXPECT_TRUE(schemes_for(KeyType::ecdsa_256, {}).empty());
}

// RFC 8032 §7.1, tests 1 to 3, and §7.4 "Blank", with the RFC 8410 SubjectPublicKeyInfo around the keys.
TEST(Signature, EveryRowGivesTheSignaturesOfRfc8032) {
    struct Case {
        KeyType type;
        const char* secret;
        const char* public_key;
        const char* message;
        const char* signature;
    };
    constexpr Case cases[] = {
        {KeyType::ed25519, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
         "d25bf5f0595bbe24655141438e7a100b"},
        {KeyType::ed25519, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
         "387b2eaeb4302aeeb00d291612bb0c00"},
        {KeyType::ed448,
         "6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f"
         "032e7549a20098f95b",
         "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6c"
         "d1fa1abeafe8256180",
         "",
         "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d78"
         "28c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4db"
         "b61149f05a7363268c71d95808ff2e652600"},
    };
    for (const Case& each : cases) {
        const bool small = each.type == KeyType::ed25519;
        const SignatureScheme scheme{small ? Kind::ed25519 : Kind::ed448, SignatureHash::identity};
        const Bytes pkcs8 =
            concat({octets(small ? "302e020100300506032b657004220420" : "3047020100300506032b6571043b0439"),
                    octets(each.secret)});
        const Bytes spki =
            concat({octets(small ? "302a300506032b6570032100" : "3043300506032b6571033a00"), octets(each.public_key)});
        for (const Library& library : libraries()) {
            for (const SignatureRow& row : library.signatures) {
                if (row.type != each.type) continue;
                const auto key = row.read_private(pkcs8);
                ASSERT_TRUE(key) << library.name;
                EXPECT_EQ(hex(*row.sign(key->get(), scheme, octets(each.message))), each.signature) << library.name;
                const auto public_key = row.read_public(spki);
                ASSERT_TRUE(public_key);
                EXPECT_TRUE(row.verify(public_key->get(), scheme, octets(each.message), octets(each.signature)));
            }
        }
    }
}

// RFC 4754 §8.1: the AUTH payload's data for the message "abc".
TEST(Signature, TheRawSignatureOfRfc4754Verifies) {
    const auto key = PublicKey::from_spki(
        octets("3059301306072a8648ce3d020106082a8648ce3d030107034200042442a5cc0ecd015fa3ca31dc8e2bbc70bf42d60cbca20085"
               "e0822cb04235e9706fc98bd7e50211a4a27102fa3549df79ebcb4bf246b80945cddfe7d509bbfd7d"));
    ASSERT_TRUE(key);
    Bytes signature = octets(
        "cb28e0999b9c7715fd0a80d8e47a77079716cbbf917dd72e97566ea1c066957c86fa3bb4e26cad5bf90b7f81899256ce"
        "7594bb1ea0c89212748bff3b3d5b0315");
    EXPECT_TRUE(verify_old_method(*key, AuthMethod::ecdsa_256, bytes_of("abc"), signature));
    signature.back() ^= 1;
    EXPECT_EQ(verify_old_method(*key, AuthMethod::ecdsa_256, bytes_of("abc"), signature).error().code,
              Errc::authentication);
    signature.pop_back();
    EXPECT_EQ(verify_old_method(*key, AuthMethod::ecdsa_256, bytes_of("abc"), signature).error().code,
              Errc::authentication);
}

TEST(Signature, OldMethodsSignAndVerify) {
    for (const auto& [type, method, size] :
         {std::tuple{KeyType::rsa, AuthMethod::rsa, 256U}, std::tuple{KeyType::ecdsa_256, AuthMethod::ecdsa_256, 64U},
          std::tuple{KeyType::ecdsa_384, AuthMethod::ecdsa_384, 96U},
          std::tuple{KeyType::ecdsa_521, AuthMethod::ecdsa_521, 132U}}) {
        const PrivateKey key = key_of(type);
        // Enough signatures that an r or s with a leading zero octet is among them.
        for (int i = 0; i < (type == KeyType::ecdsa_256 ? 300 : 2); ++i) {
            const auto signature = sign_old_method(key, method, bytes_of("octets"));
            ASSERT_TRUE(signature);
            EXPECT_EQ(signature->size(), size);
            EXPECT_TRUE(verify_old_method(key.public_key(), method, bytes_of("octets"), *signature));
            EXPECT_FALSE(verify_old_method(key.public_key(), method, bytes_of("other"), *signature));
        }
    }
    EXPECT_EQ(sign_old_method(key_of(KeyType::ed25519), AuthMethod::rsa, {}).error().code, Errc::unsupported);
    EXPECT_EQ(sign_old_method(key_of(KeyType::rsa), AuthMethod::shared_key, {}).error().code, Errc::unsupported);
    EXPECT_EQ(sign_old_method(key_of(KeyType::ecdsa_256), AuthMethod::ecdsa_384, {}).error().code, Errc::unsupported);
}

// RFC 7296 §3.8: the RSA method's hash is SHA-1 by default, but senders may take another.
TEST(Signature, TheOldRsaMethodAcceptsSha2) {
    const PrivateKey key = key_of(KeyType::rsa);
    const auto signature = sign(key, {Kind::rsa_pkcs1, SignatureHash::sha2_512}, bytes_of("octets"));
    EXPECT_TRUE(verify_old_method(key.public_key(), AuthMethod::rsa, bytes_of("octets"), *signature));
}

// RFC 7427 appendix A; RFC 8420 appendix A. The PSS forms leave out the trailer field, whose value is
// the default (X.690 §11.5), as the appendix itself asks where it differs from the algorithm's standard.
TEST(AlgorithmIdentifier, IsThatOfTheRfcs) {
    struct Case {
        SignatureScheme scheme;
        const char* der;
    };
    constexpr Case cases[] = {
        {{Kind::rsa_pkcs1, SignatureHash::sha1}, "300d06092a864886f70d0101050500"},
        {{Kind::rsa_pkcs1, SignatureHash::sha2_256}, "300d06092a864886f70d01010b0500"},
        {{Kind::rsa_pkcs1, SignatureHash::sha2_384}, "300d06092a864886f70d01010c0500"},
        {{Kind::rsa_pkcs1, SignatureHash::sha2_512}, "300d06092a864886f70d01010d0500"},
        {{Kind::ecdsa, SignatureHash::sha1}, "300906072a8648ce3d0401"},
        {{Kind::ecdsa, SignatureHash::sha2_256}, "300a06082a8648ce3d040302"},
        {{Kind::ecdsa, SignatureHash::sha2_384}, "300a06082a8648ce3d040303"},
        {{Kind::ecdsa, SignatureHash::sha2_512}, "300a06082a8648ce3d040304"},
        {{Kind::rsa_pss, SignatureHash::sha2_256},
         "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d0609"
         "6086480165030402010500a203020120"},
        {{Kind::ed25519, SignatureHash::identity}, "300506032b6570"},
        {{Kind::ed448, SignatureHash::identity}, "300506032b6571"},
    };
    for (const Case& each : cases) {
        EXPECT_EQ(hex(algorithm_identifier(each.scheme)), each.der) << each.scheme.text();
        const auto parsed = parse_algorithm_identifier(octets(each.der));
        ASSERT_TRUE(parsed) << each.scheme.text();
        EXPECT_EQ(*parsed, each.scheme);
    }
    for (const auto hash : {SignatureHash::sha2_384, SignatureHash::sha2_512}) {
        const SignatureScheme scheme{Kind::rsa_pss, hash};
        EXPECT_EQ(*parse_algorithm_identifier(algorithm_identifier(scheme)), scheme);
    }
}

TEST(AlgorithmIdentifier, AcceptsTheOtherFormsOfPss) {
    // RFC 7427 §A.4.3, with its trailer field; §A.4.1 and §A.4.2, which mean SHA-1.
    const auto with_trailer = parse_algorithm_identifier(
        octets("304606092a864886f70d01010a3039a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d0609"
               "6086480165030402010500a203020120a303020101"));
    ASSERT_TRUE(with_trailer);
    EXPECT_EQ(*with_trailer, (SignatureScheme{Kind::rsa_pss, SignatureHash::sha2_256}));
    for (const char* sha1 : {"300d06092a864886f70d01010a3000",
                             "303e06092a864886f70d01010a3031a00b300906052b0e03021a0500a118301606092a864886f70d01010830"
                             "0906052b0e03021a0500a203020114a303020101"}) {
        const auto parsed = parse_algorithm_identifier(octets(sha1));
        ASSERT_TRUE(parsed);
        EXPECT_EQ(*parsed, (SignatureScheme{Kind::rsa_pss, SignatureHash::sha1}));
    }
}

// RFC 7427 §3 [71]: refused.
TEST(AlgorithmIdentifier, RefusesWhatItDoesNotKnow) {
    for (const char* unknown :
         {"3009060729860048ce380403",      // wrong length
          "300906072a8648ce380403",        // DSA with SHA-1
          "300b0609608648016503040302",    // DSA with SHA-256
          "300c06082a8648ce3d0403020500",  // ECDSA with parameters
          "300706032b65700500",            // Ed25519 with parameters
          // RSA-PSS: a salt of 20 with SHA-256; MGF1 with SHA-1; trailer 2.
          "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d"
          "010108300d06096086480165030402010500a203020114",
          "302306092a864886f70d01010a3016a00f300d06096086480165030402010500a203020120",
          "304606092a864886f70d01010a3039a00f300d06096086480165030402010500a11c301a06092a864886f70d"
          "010108300d06096086480165030402010500a203020120a303020102",
          "300d06092a864886f70d01010b050000", "", "30"})
        EXPECT_FALSE(parse_algorithm_identifier(octets(unknown))) << unknown;
}

TEST(PrivateKey, ReadsPemAndDerAndSaysWhatIsWrong) {
    for (const KeyType type : all_types) {
        const auto file = openssl_read_private_key(bytes_of(key_pem(type)));
        const auto from_der = PrivateKey::parse(file->pkcs8.reveal());
        ASSERT_TRUE(from_der);
        EXPECT_EQ(from_der->public_key().spki(), key_of(type).public_key().spki());
    }
    EXPECT_EQ(PrivateKey::parse(bytes_of("")).error().code, Errc::bad_syntax);
    EXPECT_EQ(
        PrivateKey::parse(bytes_of("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")).error().code,
        Errc::bad_syntax);
    const auto encrypted =
        PrivateKey::parse(bytes_of("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
                                   "AES-128-CBC,00112233445566778899AABBCCDDEEFF\n"
                                   "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END EC PRIVATE KEY-----\n"));
    ASSERT_FALSE(encrypted);
    EXPECT_NE(encrypted.error().detail.find("encrypted"), std::string::npos);
}

TEST(PublicKey, IdsAreHashesOfTheRightOctets) {
    const PublicKey key = key_of(KeyType::ed25519).public_key();
    EXPECT_EQ(key.key_id().size(), 20U);
    EXPECT_NE(key.key_id(), key.spki_hash());
    const ByteView bits = ByteView(key.spki()).last(32);
    Bytes expected(20);
    const std::vector<ByteView> parts = {bits};
    best_hash(Hash::sha1).digest(Hash::sha1, parts, expected);
    EXPECT_EQ(key.key_id(), expected);
}

TEST(PublicKey, OthersThanOursAreUnsupported) {
    // X25519, RFC 8410; P-224.
    EXPECT_EQ(PublicKey::from_spki(concat({octets("302a300506032b656e032100"), Bytes(32, 9)})).error().code,
              Errc::unsupported);
    EXPECT_EQ(PublicKey::from_spki(concat({octets("304e301006072a8648ce3d020106052b81040021033a0004"), Bytes(56, 9)}))
                  .error()
                  .code,
              Errc::unsupported);
    EXPECT_FALSE(PublicKey::from_spki({}));
}

}  // namespace
}  // namespace cygnet::crypto
