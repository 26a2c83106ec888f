#include "crypto/x509.h"

#include <gtest/gtest.h>

#include <algorithm>

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

    Result<ValidPath> validate(const Certificate& leaf, std::int64_t now = test_now) const {
        const std::vector<Certificate> intermediates = {parse(middle)}, anchors = {anchor()};
        return validate_path(leaf, intermediates, anchors, {.now = now});
    }
};

const Pki& pki() {
    static const Pki made;
    return made;
}

std::string refusal(const Result<ValidPath>& result) {
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
    EXPECT_EQ(anchor->anchor(), pki().anchor());
    // Without the extension every use is allowed; nonRepudiation signs too (RFC 4945 §5.1.3.2).
    EXPECT_TRUE(pki().validate(pki().leaf({.subject = "CN=moon"})));
    EXPECT_TRUE(pki().validate(pki().leaf({.subject = "CN=moon", .key_usage = "nonRepudiation"})));
}

TEST(ValidatePath, AnIntermediateCanBeTheAnchor) {
    const std::vector<Certificate> anchors = {Pki::parse(pki().middle)};
    const auto anchor = validate_path(pki().leaf({.subject = "CN=moon"}), {}, anchors, {.now = test_now});
    ASSERT_TRUE(anchor);
    EXPECT_EQ(anchor->anchor(), anchors.front());
}

TEST(ValidatePath, EveryKeyTypeCanSignCertificates) {
    for (const KeyType type :
         {KeyType::rsa, KeyType::ecdsa_384, KeyType::ecdsa_521, KeyType::ed25519, KeyType::ed448}) {
        const std::string key = make_test_key(type);
        const Bytes root =
            Pki::issue({.subject = "CN=ca", .basic_constraints = ca_constraints, .key_usage = ca_usage}, key, {}, key);
        const Bytes leaf = Pki::issue({.subject = "CN=moon"}, pki().leaf_key, root, key);
        const std::vector<Certificate> anchors = {Pki::parse(root)};
        EXPECT_TRUE(validate_path(Pki::parse(leaf), {}, anchors, {.now = test_now})) << name_of(type);
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
    EXPECT_EQ(refusal(validate_path(leaf, {}, anchors, {.now = test_now})),
              "certificate \"CN=moon\" has an untrusted issuer: no CA certificate \"C=CH, O=Cygnet, CN=middle\" is "
              "among the trusted ones (x509ca) or was sent");
    EXPECT_NE(refusal(validate_path(leaf, {}, {}, {.now = test_now})).find("untrusted issuer"), std::string::npos);
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
    EXPECT_EQ(refusal(validate_path(Pki::parse(leaf), intermediates, anchors, {.now = test_now})),
              "certificate \"CN=clerk\" issued a certificate but is not a CA (basic constraints)");
}

TEST(ValidatePath, AnIssuerMustBeAllowedToSignCertificates) {
    const std::string key = make_test_key(KeyType::ecdsa_256);
    const Bytes issuer =
        Pki::issue({.subject = "CN=clerk", .basic_constraints = ca_constraints, .key_usage = "critical,cRLSign"}, key,
                   pki().root, pki().root_key);
    const Bytes leaf = Pki::issue({.subject = "CN=moon"}, pki().leaf_key, issuer, key);
    const std::vector<Certificate> intermediates = {Pki::parse(issuer)}, anchors = {pki().anchor()};
    const std::string why = refusal(validate_path(Pki::parse(leaf), intermediates, anchors, {.now = test_now}));
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
    const std::string why = refusal(validate_path(Pki::parse(leaf), intermediates, anchors, {.now = test_now}));
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
    EXPECT_TRUE(validate_path(leaf("DNS:moon.example"), {}, anchors, {.now = test_now}));
    EXPECT_EQ(refusal(validate_path(leaf("DNS:moon.test"), {}, anchors, {.now = test_now})),
              "certificate \"CN=moon\" has a name outside of its CA's name constraints");
}

// RFC 8247 §3 [73]: below 2048 bits.
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

// RFC 4945 §5.1.3.12: a critical extension must be understood, and then it must name IKE; operators may insist on that for
// one that is not critical.
TEST(ValidatePath, ExtendedKeyUsagesMustIncludeIke) {
    const auto path = [](const char* usage, bool required) {
        const Certificate leaf = pki().leaf({.subject = "CN=moon", .extensions = {{"extendedKeyUsage", usage}}});
        const std::vector<Certificate> intermediates = {Pki::parse(pki().middle)}, anchors = {pki().anchor()};
        return validate_path(leaf, intermediates, anchors, {.now = test_now, .require_ike_usage = required});
    };
    constexpr const char* why = "certificate \"CN=moon\" is not meant for IKE: its extended key usage has neither "
                                "ipsecIKE nor anyExtendedKeyUsage";
    for (const bool required : {false, true})
        for (const char* usage : {"ipsecIKE", "critical,ipsecIKE,serverAuth", "anyExtendedKeyUsage"})
            EXPECT_TRUE(path(usage, required)) << usage;
    EXPECT_TRUE(path("serverAuth,clientAuth", false));
    EXPECT_EQ(refusal(path("serverAuth,clientAuth", true)), why);
    EXPECT_EQ(refusal(path("critical,serverAuth", false)), why);
}

// RFC 5280 §6.1: the policies that an operator asks for must be valid on the whole path.
TEST(ValidatePath, PoliciesThatAreAskedForMustBeValidForThePath) {
    const std::string middle_key = make_test_key(KeyType::ecdsa_256);
    const Bytes middle = Pki::issue({.subject = "CN=middle",
                                     .basic_constraints = ca_constraints,
                                     .extensions = {{"certificatePolicies", "1.2.3.4,1.2.3.5"}}},
                                    middle_key, pki().root, pki().root_key);
    const auto path = [&](const char* of_leaf, std::vector<std::string> wanted) {
        TestCertificate leaf{.subject = "CN=moon"};
        if (of_leaf != nullptr) leaf.extensions = {{"certificatePolicies", of_leaf}};
        const Bytes der = Pki::issue(leaf, pki().leaf_key, middle, middle_key);
        const std::vector<Certificate> intermediates = {Pki::parse(middle)}, anchors = {pki().anchor()};
        return validate_path(Pki::parse(der), intermediates, anchors, {.now = test_now, .policies = std::move(wanted)});
    };
    EXPECT_TRUE(path("1.2.3.4", {}));
    EXPECT_TRUE(path("1.2.3.4", {"1.2.3.4"}));
    EXPECT_TRUE(path("1.2.3.5", {"1.2.3.4", "1.2.3.5"}));
    EXPECT_FALSE(path("1.2.3.6", {"1.2.3.6"}));  // not in the CA's certificate
    EXPECT_FALSE(path("1.2.3.5", {"1.2.3.4"}));
    EXPECT_NE(refusal(path(nullptr, {"1.2.3.4"})).find("certificate policies"), std::string::npos);
}

// hostile-inputs E3, RFC 5280 §4.2.1.10: every form of name that IKE uses, excluded and not permitted.
TEST(ValidatePath, NamesOutsideOfConstraintsAreRefused) {
    const auto path = [](const char* constraints, const char* subject, const char* names) {
        const std::string key = make_test_key(KeyType::ecdsa_256);
        const Bytes middle = Pki::issue(
            {.subject = "CN=middle", .basic_constraints = ca_constraints, .name_constraints = constraints}, key,
            pki().root, pki().root_key);
        const Bytes leaf = Pki::issue({.subject = subject, .alternative_names = names}, pki().leaf_key, middle, key);
        const std::vector<Certificate> intermediates = {Pki::parse(middle)}, anchors = {pki().anchor()};
        return validate_path(Pki::parse(leaf), intermediates, anchors, {.now = test_now});
    };
    struct Row {
        const char *constraints, *inside, *outside;
    };
    constexpr Row rows[] = {
        {"critical,excluded;DNS:bad.example", "DNS:good.example", "DNS:vpn.bad.example"},
        {"critical,permitted;DNS:good.example", "DNS:vpn.good.example", "DNS:bad.example"},
        {"critical,permitted;email:good.example", "email:moon@good.example", "email:moon@bad.example"},
        {"critical,excluded;email:bad.example", "email:moon@good.example", "email:moon@bad.example"},
        {"critical,permitted;IP:192.0.2.0/255.255.255.0", "IP:192.0.2.7", "IP:198.51.100.7"},
        {"critical,excluded;IP:192.0.2.0/255.255.255.0", "IP:198.51.100.7", "IP:192.0.2.7"},
        {"critical,excluded;IP:2001:db8::/ffff:ffff:0:0:0:0:0:0", "IP:2001:db9::1", "IP:2001:db8::1"},
    };
    for (const Row& row : rows) {
        EXPECT_TRUE(path(row.constraints, "CN=moon", row.inside)) << row.constraints;
        const auto outside = path(row.constraints, "CN=moon", row.outside);
        EXPECT_EQ(refusal(outside), "certificate \"CN=moon\" has a name outside of its CA's name constraints")
            << row.constraints;
    }
}

// hostile-inputs E7: UTCTime ends in 2049, GeneralizedTime in 9999; other dates are no certificate.
TEST(Certificate, DatesOfAnyCenturyAreRead) {
    constexpr std::int64_t year_2038 = 2147483648, year_2050 = 2524608000, year_9999 = 253402300799, year_1950 = -631152000;
    for (const std::int64_t end : {year_2038 - 1, year_2038, year_2050 - 1, year_2050, year_9999}) {
        const Certificate leaf = pki().leaf({.subject = "CN=moon", .not_before = year_1950, .not_after = end});
        EXPECT_EQ(leaf.not_before(), year_1950);
        EXPECT_EQ(leaf.not_after(), end);
    }
    const Bytes good = pki().leaf({.subject = "CN=moon"}).der();
    const std::size_t at = text_of(good).find("260101000000Z");
    ASSERT_NE(at, std::string::npos);
    for (const std::string_view junk : {"261301000000Z", "260132000000Z", "260101250000Z", "2601010000606", "-60101000000Z",
                                        "260101000060Z", "26010100+0100", "             "}) {
        Bytes bad = good;
        std::ranges::copy(bytes_of(junk), bad.begin() + static_cast<std::ptrdiff_t>(at));
        EXPECT_FALSE(Certificate::parse(bad)) << junk;
    }
}

// hostile-inputs E1: lengths and nesting that lie cost nothing and are no certificate.
TEST(Certificate, AsnOneThatLiesIsRefused) {
    Bytes nested;
    for (int depth = 0; depth < 1000; ++depth) {
        const std::uint8_t tag = depth % 2 == 0 ? 0x30 : 0xa0;
        nested = depth == 0 ? Bytes{0x30, 0x00} : [&] {
            Bytes around{tag, 0x82, static_cast<std::uint8_t>(nested.size() >> 8), static_cast<std::uint8_t>(nested.size())};
            append(around, nested);
            return around;
        }();
    }
    EXPECT_FALSE(Certificate::parse(nested));
    const Bytes good = pki().leaf({.subject = "CN=moon"}).der();
    const std::vector<Bytes> heads = {{0x30, 0x80}, {0x30, 0xff}, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
                                      {0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x30, 0x83, 0x00}};
    for (const Bytes& head : heads) {
        Bytes bad = head;
        append(bad, ByteView(good).subspan(4));
        EXPECT_FALSE(Certificate::parse(bad)) << hex(head);
    }
    Bytes indefinite = {0x30, 0x80};
    append(indefinite, ByteView(good).subspan(4));
    append(indefinite, Bytes{0, 0});
    EXPECT_FALSE(Certificate::parse(indefinite));
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
