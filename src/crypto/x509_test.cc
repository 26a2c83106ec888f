#include "crypto/x509.h"

#include <gtest/gtest.h>

#include "crypto/test_pki.h"

namespace cygnet::crypto {
namespace {

std::string pem_of(ByteView der) {
    // Long enough lines are fine for every reader.
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t i = 0; i < der.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (i + j < der.size() ? der[i + j] : 0U);
        for (std::size_t j = 0; j < 4; ++j) text += i + j <= der.size() ? digits[group >> (18 - 6 * j) & 63] : '=';
        if (i % 48 == 45) text += '\n';
    }
    return text + "\n-----END CERTIFICATE-----\n";
}

constexpr const char* ca_constraints = "critical,CA:TRUE";
constexpr const char* ca_usage = "critical,keyCertSign,cRLSign";

// A root, an intermediate CA below it, and leaves of either.
struct Pki {
    std::string root_key = make_test_key(KeyType::ecdsa_256);
    std::string middle_key = make_test_key(KeyType::ecdsa_256);
    std::string leaf_key = make_test_key(KeyType::ecdsa_256);
    Bytes root =
        issue({.subject = "C=CH, O=Cygnet, CN=root", .basic_constraints = ca_constraints, .key_usage = ca_usage},
              root_key, {}, root_key);
    Bytes middle =
        issue({.subject = "C=CH, O=Cygnet, CN=middle", .basic_constraints = ca_constraints, .key_usage = ca_usage},
              middle_key, root, root_key);

    static Bytes issue(const TestCertificate& wanted, const std::string& key, ByteView issuer,
                       const std::string& issuer_key) {
        return make_test_certificate(wanted, key, issuer, issuer_key);
    }
    Certificate leaf(const TestCertificate& wanted) const { return parse(issue(wanted, leaf_key, middle, middle_key)); }
    static Certificate parse(ByteView der) { return *Certificate::parse(der); }
    Certificate anchor() const { return parse(root); }

    Result<Certificate> validate(const Certificate& leaf, std::int64_t now = test_now) const {
        const std::vector<Certificate> intermediates = {parse(middle)}, anchors = {anchor()};
        return validate_path(leaf, intermediates, anchors, now);
    }
};

const Pki& pki() {
    static const Pki made;
    return made;
}

std::string refusal(const Result<Certificate>& result) {
    EXPECT_FALSE(result);
    if (result) return "";
    EXPECT_EQ(result.error().code, Errc::authentication);
    return result.error().detail;
}

TEST(Certificate, ShowsWhatItHolds) {
    const Certificate leaf = pki().leaf({.subject = "C=CH, O=Cygnet, CN=moon",
                                         .alternative_names = "DNS:moon.example,email:moon@example,IP:192.0.2.1,"
                                                              "IP:2001:db8::1,URI:http://ignored.example"});
    EXPECT_EQ(leaf.subject_text(), "C=CH, O=Cygnet, CN=moon");
    EXPECT_EQ(leaf.issuer_text(), "C=CH, O=Cygnet, CN=middle");
    EXPECT_FALSE(leaf.is_ca());
    EXPECT_TRUE(pki().anchor().is_ca());
    EXPECT_EQ(leaf.not_before(), test_not_before);
    EXPECT_EQ(leaf.not_after(), test_not_after);
    std::vector<std::string> texts;
    for (const model::Identity& identity : leaf.identities()) texts.push_back(identity.text(distinguished_name_text));
    EXPECT_EQ(texts, (std::vector<std::string>{"C=CH, O=Cygnet, CN=moon", "moon.example", "moon@example", "192.0.2.1",
                                               "2001:db8::1"}));
    const auto key = leaf.public_key();
    ASSERT_TRUE(key);
    EXPECT_EQ(key->type(), KeyType::ecdsa_256);
    EXPECT_EQ(key->spki(), PrivateKey::parse(bytes_of(pki().leaf_key))->public_key().spki());
}

TEST(Certificate, ReadsPemAndDer) {
    const Certificate root = pki().anchor();
    const std::string pem = pem_of(root.der());
    const auto from_pem = Certificate::parse(bytes_of(pem));
    ASSERT_TRUE(from_pem) << from_pem.error().text();
    EXPECT_EQ(*from_pem, root);
    EXPECT_TRUE(Certificate::parse(bytes_of("Certificate:\n    Data:\n" + pem + "\n\n")));
    EXPECT_EQ(Certificate::parse(bytes_of(pem + pem)).error().code, Errc::trailing);
    EXPECT_EQ(Certificate::parse(concat({root.der(), bytes_of("x")})).error().code, Errc::trailing);
    EXPECT_EQ(Certificate::parse(ByteView(root.der()).first(100)).error().code, Errc::bad_syntax);
    EXPECT_EQ(Certificate::parse(bytes_of("moon")).error().code, Errc::bad_syntax);
    EXPECT_EQ(Certificate::parse({}).error().code, Errc::bad_syntax);
    Bytes changed = root.der();
    changed[1] = 0x84;
    EXPECT_FALSE(Certificate::parse(changed));
}

TEST(ValidatePath, FindsTheWayThroughIntermediates) {
    const Certificate leaf = pki().leaf({.subject = "CN=moon", .key_usage = "digitalSignature"});
    const auto anchor = pki().validate(leaf);
    ASSERT_TRUE(anchor) << anchor.error().text();
    EXPECT_EQ(*anchor, pki().anchor());
    // Without the extension every use is allowed; nonRepudiation signs too (RFC 4945 §5.1.3.2).
    EXPECT_TRUE(pki().validate(pki().leaf({.subject = "CN=moon"})));
    EXPECT_TRUE(pki().validate(pki().leaf({.subject = "CN=moon", .key_usage = "nonRepudiation"})));
}

TEST(ValidatePath, AnIntermediateCanBeTheAnchor) {
    const std::vector<Certificate> anchors = {Pki::parse(pki().middle)};
    const auto anchor = validate_path(pki().leaf({.subject = "CN=moon"}), {}, anchors, test_now);
    ASSERT_TRUE(anchor);
    EXPECT_EQ(*anchor, anchors.front());
}

TEST(ValidatePath, EveryKeyTypeCanSignCertificates) {
    for (const KeyType type :
         {KeyType::rsa, KeyType::ecdsa_384, KeyType::ecdsa_521, KeyType::ed25519, KeyType::ed448}) {
        const std::string key = make_test_key(type);
        const Bytes root =
            Pki::issue({.subject = "CN=ca", .basic_constraints = ca_constraints, .key_usage = ca_usage}, key, {}, key);
        const Bytes leaf = Pki::issue({.subject = "CN=moon"}, pki().leaf_key, root, key);
        const std::vector<Certificate> anchors = {Pki::parse(root)};
        EXPECT_TRUE(validate_path(Pki::parse(leaf), {}, anchors, test_now)) << name_of(type);
    }
}

TEST(ValidatePath, SaysWhichCertificateExpiredAndWhen) {
    const Certificate leaf = pki().leaf({.subject = "C=CH, CN=moon", .not_after = 1790812800});
    EXPECT_EQ(refusal(pki().validate(leaf)), "certificate \"C=CH, CN=moon\" expired on 2026-10-01");
    const Certificate early = pki().leaf({.subject = "CN=moon", .not_before = 1830297600});
    EXPECT_EQ(refusal(pki().validate(early)), "certificate \"CN=moon\" is not valid before 2028-01-01");
    EXPECT_TRUE(pki().validate(early, 1830297601));
    EXPECT_EQ(refusal(pki().validate(pki().leaf({.subject = "CN=moon", .not_after = 2145916800}), test_not_after + 1)),
              "certificate \"C=CH, O=Cygnet, CN=root\" expired on 2036-01-01");
}

TEST(ValidatePath, SaysWhichIssuerIsNotKnown) {
    const Certificate leaf = pki().leaf({.subject = "CN=moon"});
    const std::vector<Certificate> anchors = {pki().anchor()};
    EXPECT_EQ(refusal(validate_path(leaf, {}, anchors, test_now)),
              "certificate \"CN=moon\" has an untrusted issuer: no CA certificate \"C=CH, O=Cygnet, CN=middle\" is "
              "among the trusted ones (x509ca) or was sent");
    EXPECT_NE(refusal(validate_path(leaf, {}, {}, test_now)).find("untrusted issuer"), std::string::npos);
    const Bytes alone = Pki::issue({.subject = "CN=alone"}, pki().leaf_key, {}, pki().leaf_key);
    EXPECT_EQ(refusal(pki().validate(Pki::parse(alone))), "certificate \"CN=alone\" is self-signed and not trusted");
}

TEST(ValidatePath, AForgedSignatureIsNoticed) {
    // Issued in the name of the intermediate CA, with its key id, by another key.
    const Bytes forged = Pki::issue({.subject = "CN=moon"}, pki().leaf_key, pki().middle, pki().leaf_key);
    EXPECT_EQ(refusal(pki().validate(Pki::parse(forged))),
              "certificate \"CN=moon\" has a signature that its issuer's key does not verify");
}

TEST(ValidatePath, AnIssuerMustBeACa) {
    const std::string key = make_test_key(KeyType::ecdsa_256);
    const Bytes issuer = Pki::issue({.subject = "CN=clerk"}, key, pki().root, pki().root_key);
    const Bytes leaf = Pki::issue({.subject = "CN=moon"}, pki().leaf_key, issuer, key);
    const std::vector<Certificate> intermediates = {Pki::parse(issuer)}, anchors = {pki().anchor()};
    EXPECT_EQ(refusal(validate_path(Pki::parse(leaf), intermediates, anchors, test_now)),
              "certificate \"CN=clerk\" issued a certificate but is not a CA (basic constraints)");
}

TEST(ValidatePath, AnIssuerMustBeAllowedToSignCertificates) {
    const std::string key = make_test_key(KeyType::ecdsa_256);
    const Bytes issuer =
        Pki::issue({.subject = "CN=clerk", .basic_constraints = ca_constraints, .key_usage = "critical,cRLSign"}, key,
                   pki().root, pki().root_key);
    const Bytes leaf = Pki::issue({.subject = "CN=moon"}, pki().leaf_key, issuer, key);
    const std::vector<Certificate> intermediates = {Pki::parse(issuer)}, anchors = {pki().anchor()};
    const std::string why = refusal(validate_path(Pki::parse(leaf), intermediates, anchors, test_now));
    EXPECT_NE(why.find("keyCertSign"), std::string::npos) << why;
}

TEST(ValidatePath, PathLengthsAreKept) {
    const std::string key = make_test_key(KeyType::ecdsa_256);
    const Bytes root =
        Pki::issue({.subject = "CN=short", .basic_constraints = "critical,CA:TRUE,pathlen:0", .key_usage = ca_usage},
                   key, {}, key);
    const Bytes below = Pki::issue({.subject = "CN=below", .basic_constraints = ca_constraints, .key_usage = ca_usage},
                                   pki().middle_key, root, key);
    const Bytes leaf = Pki::issue({.subject = "CN=moon"}, pki().leaf_key, below, pki().middle_key);
    const std::vector<Certificate> intermediates = {Pki::parse(below)}, anchors = {Pki::parse(root)};
    const std::string why = refusal(validate_path(Pki::parse(leaf), intermediates, anchors, test_now));
    EXPECT_NE(why.find("path length allows"), std::string::npos) << why;
}

TEST(ValidatePath, NameConstraintsAreKept) {
    const std::string key = make_test_key(KeyType::ecdsa_256);
    const Bytes ca = Pki::issue({.subject = "CN=narrow",
                                 .basic_constraints = ca_constraints,
                                 .key_usage = ca_usage,
                                 .name_constraints = "critical,permitted;DNS:example"},
                                key, {}, key);
    const std::vector<Certificate> anchors = {Pki::parse(ca)};
    const auto leaf = [&](const char* names) {
        return Pki::parse(Pki::issue({.subject = "CN=moon", .alternative_names = names}, pki().leaf_key, ca, key));
    };
    EXPECT_TRUE(validate_path(leaf("DNS:moon.example"), {}, anchors, test_now));
    EXPECT_EQ(refusal(validate_path(leaf("DNS:moon.test"), {}, anchors, test_now)),
              "certificate \"CN=moon\" has a name outside of its CA's name constraints");
}

TEST(ValidatePath, WeakKeysAndHashesAreRefused) {
    const std::string weak = make_test_key(KeyType::rsa, 1024);
    EXPECT_EQ(
        refusal(pki().validate(Pki::parse(Pki::issue({.subject = "CN=moon"}, weak, pki().middle, pki().middle_key)))),
        "certificate \"CN=moon\" has a weak key (RSA keys need 2048 bits)");
    EXPECT_EQ(refusal(pki().validate(pki().leaf({.subject = "CN=moon", .hash = "SHA1"}))),
              "certificate \"CN=moon\" is signed with a weak hash (SHA-1 or older)");
}

TEST(ValidatePath, ALeafMustBeAllowedToSign) {
    EXPECT_EQ(refusal(pki().validate(pki().leaf({.subject = "CN=moon", .key_usage = "critical,keyEncipherment"}))),
              "certificate \"CN=moon\" may not sign: its key usage lacks digitalSignature");
}

TEST(Certificate, NamesWithControlCharactersAreNoIdentities) {
    // OpenSSL's notation cannot write a NUL, so the octet is changed in a finished certificate.
    Bytes der = pki().leaf({.subject = "CN=moon", .alternative_names = "DNS:moonXexample"}).der();
    const std::string_view text = text_of(der);
    der[text.find("moonXexample") + 4] = 0;
    const auto certificate = Certificate::parse(der);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(certificate->identities().size(), 1U);
}

}  // namespace
}  // namespace cygnet::crypto
