#include "crypto/job.h"

#include <gtest/gtest.h>

#include "crypto/test_pki.h"

namespace cygnet::crypto {
namespace {

using model::AuthMethod;
using model::Identity;
using model::Ke;

struct World {
    std::string ca_key = make_test_key(KeyType::ecdsa_256);
    Bytes ca = make_test_certificate({.subject = "CN=ca", .basic_constraints = "critical,CA:TRUE"}, ca_key, {}, ca_key);
    std::string key = make_test_key(KeyType::ed25519);
    Bytes leaf =
        make_test_certificate({.subject = "C=CH, CN=moon", .alternative_names = "DNS:Moon.example"}, key, ca, ca_key);
    Bytes octets = keep(bytes_of("signed octets"));

    SignedAuth sign() const {
        SignJob job{.key = *PrivateKey::parse(bytes_of(key)),
                    .scheme = {SignatureScheme::Kind::ed25519, model::SignatureHash::identity},
                    .octets = octets};
        auto result = run(std::move(job));
        return *std::get<Result<SignedAuth>>(result);
    }
    VerifyJob job() const {
        const SignedAuth auth = sign();
        VerifyJob job;
        job.certificates = {leaf};
        job.anchors = {*Certificate::parse(ca)};
        job.rules.now = test_now;
        job.method = auth.method;
        job.auth_data = auth.auth_data;
        job.octets = octets;
        job.identity = Identity::parse("moon.example");
        return job;
    }
};

const World& world() {
    static const World made;
    return made;
}

Result<VerifiedPeer> verify(VerifyJob job) { return std::get<Result<VerifiedPeer>>(run(std::move(job))); }

std::string refusal(VerifyJob job) {
    const auto result = verify(std::move(job));
    EXPECT_FALSE(result);
    return result ? "" : result.error().detail;
}

TEST(Job, KeyExchangesRunInTheirThreeSteps) {
    JobResult offered = run(KeOfferJob{Ke::curve25519});
    auto& offer = std::get<Result<KeOffer>>(offered);
    ASSERT_TRUE(offer);
    JobResult answered = run(KeAnswerJob{Ke::curve25519, offer->public_value});
    auto& answer = std::get<Result<KeAnswer>>(answered);
    ASSERT_TRUE(answer);
    JobResult finished = run(KeFinishJob{std::move(*offer), answer->public_value});
    auto& secret = std::get<Result<SecretBytes>>(finished);
    ASSERT_TRUE(secret);
    EXPECT_TRUE(secret->equals(answer->shared_secret.reveal()));
    EXPECT_FALSE(std::get<Result<KeAnswer>>(run(KeAnswerJob{Ke::curve25519, Bytes(31)})));
}

TEST(Job, OperationsOnSmallCurvesAreBriefAndThoseOnLongNumbersAreNot) {
    EXPECT_TRUE(is_brief(KeOfferJob{Ke::curve25519}));
    EXPECT_TRUE(is_brief(KeAnswerJob{Ke::ml_kem_768, {}}));
    EXPECT_FALSE(is_brief(KeOfferJob{Ke::modp_2048}));
    const auto signing_with = [](KeyType type) {
        return SignJob{.key = *PrivateKey::parse(bytes_of(make_test_key(type))), .scheme = {}, .octets = {}};
    };
    EXPECT_TRUE(is_brief(signing_with(KeyType::ecdsa_256)));
    EXPECT_FALSE(is_brief(signing_with(KeyType::rsa)));
    EXPECT_FALSE(is_brief(PuzzleJob{}));
}

// RFC 7427 §3: length, AlgorithmIdentifier, signature.
// RFC 7427 §3 [71]: one octet of length, the identifier, the signature.
TEST(Job, SignatureAuthDataStartsWithItsAlgorithm) {
    const SignedAuth auth = world().sign();
    EXPECT_EQ(auth.method, AuthMethod::digital_signature);
    EXPECT_EQ(hex(ByteView(auth.auth_data).first(8)), "07300506032b6570");
    EXPECT_EQ(auth.auth_data.size(), 8U + 64U);
}

TEST(Job, APeerIsVerifiedByPathIdentityAndSignature) {
    for (const char* identity : {"moon.example", "MOON.example"}) {
        VerifyJob job = world().job();
        job.identity = Identity::parse(identity);
        const auto peer = verify(std::move(job));
        ASSERT_TRUE(peer) << peer.error().text();
        EXPECT_EQ(peer->scheme, "Ed25519");
        EXPECT_EQ(peer->leaf.der(), world().leaf);
        EXPECT_EQ(peer->anchor.der(), world().ca);
    }
    VerifyJob job = world().job();
    job.identity = Identity::parse("C=CH, CN=moon", parse_distinguished_name);
    EXPECT_TRUE(verify(std::move(job)));
}

// RFC 4301 §4.4.3.2 [64]: the identity is the subject or a subjectAltName.
TEST(Job, AnIdentityThatTheCertificateDoesNotNameIsRefused) {
    for (const char* identity : {"sun.example", "*.example", "*", "192.0.2.1", "@#6d6f6f6e"}) {
        VerifyJob job = world().job();
        job.identity = Identity::parse(identity);
        const std::string why = refusal(std::move(job));
        EXPECT_NE(why.find("certificate \"C=CH, CN=moon\" is not for the identity"), std::string::npos) << why;
    }
    VerifyJob job = world().job();
    job.identity = Identity{};
    EXPECT_FALSE(verify(std::move(job)));
}

TEST(Job, ASignatureOverOtherOctetsIsRefused) {
    VerifyJob job = world().job();
    job.octets.back() ^= 1;
    const auto result = verify(std::move(job));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::authentication);
    job = world().job();
    job.auth_data.back() ^= 1;
    EXPECT_FALSE(verify(std::move(job)));
}

TEST(Job, AuthDataOfAnyLengthIsHarmless) {
    const VerifyJob good = world().job();
    for (std::size_t size = 0; size < good.auth_data.size(); ++size) {
        VerifyJob job = good;
        job.auth_data.resize(size);
        EXPECT_FALSE(verify(std::move(job))) << size;
    }
}

TEST(Job, APeerWithoutAValidCertificateIsRefused) {
    VerifyJob none = world().job();
    none.certificates.clear();
    EXPECT_EQ(refusal(std::move(none)), "the peer sent no certificate");
    VerifyJob garbage = world().job();
    garbage.certificates = {Bytes(40, 0x30)};
    EXPECT_FALSE(verify(std::move(garbage)));
    VerifyJob stranger = world().job();
    stranger.anchors.clear();
    EXPECT_NE(refusal(std::move(stranger)).find("untrusted issuer"), std::string::npos);
    VerifyJob expired = world().job();
    expired.rules.now = test_not_after + 1;
    EXPECT_NE(refusal(std::move(expired)).find("expired on 2036-01-01"), std::string::npos);
}

TEST(Job, UnreadableCertificatesAfterTheFirstDoNoHarm) {
    VerifyJob job = world().job();
    job.certificates.push_back(keep(bytes_of("garbage")));
    EXPECT_TRUE(verify(std::move(job)));
}

TEST(Job, PinnedCertificatesAreTrustedAndNoOthers) {
    VerifyJob job = world().job();
    job.anchors.clear();
    job.pinned = {*Certificate::parse(world().leaf)};
    EXPECT_TRUE(verify(job));
    job.pinned = {*Certificate::parse(world().ca)};
    EXPECT_NE(refusal(std::move(job)).find("not one of those that the connection names"), std::string::npos);
}

TEST(Job, OldMethodsWorkBothWays) {
    World other;
    other.key = make_test_key(KeyType::ecdsa_384);
    other.leaf = make_test_certificate({.subject = "CN=moon", .alternative_names = "DNS:moon.example"}, other.key,
                                       other.ca, other.ca_key);
    auto signed_auth =
        run(SignJob{.key = *PrivateKey::parse(bytes_of(other.key)),
                    .octets = other.octets,
                    .old_method = true,
                    .method = AuthMethod::ecdsa_384});
    const auto& auth = std::get<Result<SignedAuth>>(signed_auth);
    ASSERT_TRUE(auth);
    EXPECT_EQ(auth->auth_data.size(), 96U);
    VerifyJob job = world().job();
    job.certificates = {other.leaf};
    job.anchors = {*Certificate::parse(other.ca)};
    job.method = auth->method;
    job.auth_data = auth->auth_data;
    const auto peer = verify(job);
    ASSERT_TRUE(peer) << peer.error().text();
    job.method = AuthMethod::ecdsa_256;
    EXPECT_FALSE(verify(std::move(job)));
}

// ---- remembered paths -------------------------------------------------------------------------------

class RememberedPaths : public testing::Test {
protected:
    VerifyJob job() const {
        VerifyJob job = world().job();
        job.chains = chains;
        return job;
    }
    std::shared_ptr<ChainCache> chains = std::make_shared<ChainCache>();
};

TEST_F(RememberedPaths, ServeTheNextHandshakeWithoutTheChainThatCameWithTheFirst) {
    World far;
    const std::string middle_key = make_test_key(KeyType::ecdsa_256);
    const Bytes middle = make_test_certificate({.subject = "CN=middle", .basic_constraints = "critical,CA:TRUE"},
                                               middle_key, far.ca, far.ca_key);
    far.leaf = make_test_certificate({.subject = "CN=moon", .alternative_names = "DNS:moon.example"}, far.key, middle,
                                     middle_key);
    VerifyJob first = far.job();
    first.chains = chains;
    EXPECT_FALSE(verify(first));
    EXPECT_EQ(chains->size(), 0U);
    VerifyJob with_middle = first;
    with_middle.certificates.push_back(middle);
    ASSERT_TRUE(verify(with_middle));
    EXPECT_EQ(chains->size(), 1U);
    EXPECT_TRUE(verify(first));
}

TEST_F(RememberedPaths, AreWhatMakesAVerificationBrief) {
    EXPECT_FALSE(is_brief(job()));
    ASSERT_TRUE(verify(job()));
    EXPECT_TRUE(is_brief(job()));
    VerifyJob stapled = job();
    stapled.ocsp_responses = {Bytes(10)};
    EXPECT_FALSE(is_brief(stapled));
    VerifyJob by_url = job();
    by_url.by_url.push_back({});
    EXPECT_FALSE(is_brief(by_url));
    VerifyJob late = job();
    late.rules.now = test_not_after + 1;
    EXPECT_FALSE(is_brief(late));
}

TEST_F(RememberedPaths, DoNotOutliveTheirCertificates) {
    ASSERT_TRUE(verify(job()));
    VerifyJob later = job();
    later.rules.now = test_not_after + 1;
    EXPECT_NE(refusal(std::move(later)).find("expired on 2036-01-01"), std::string::npos);
    VerifyJob earlier = job();
    earlier.rules.now = test_not_before - 1;
    EXPECT_NE(refusal(std::move(earlier)).find("not valid before 2026-01-01"), std::string::npos);
}

TEST_F(RememberedPaths, HoldForTheirAnchorsAndRulesOnly) {
    ASSERT_TRUE(verify(job()));
    VerifyJob stranger = job();
    stranger.anchors = {*Certificate::parse(World{}.ca)};
    EXPECT_FALSE(verify(std::move(stranger)));
    VerifyJob none = job();
    none.anchors.clear();
    EXPECT_FALSE(verify(std::move(none)));
    VerifyJob with_policy = job();
    with_policy.rules.policies = {"1.2.3.4"};
    EXPECT_FALSE(verify(std::move(with_policy)));
    EXPECT_EQ(chains->size(), 1U);
}

TEST_F(RememberedPaths, ProveNothingAboutTheSignatureOrTheIdentity) {
    ASSERT_TRUE(verify(job()));
    VerifyJob forged = job();
    forged.octets.back() ^= 1;
    EXPECT_FALSE(verify(std::move(forged)));
    VerifyJob impostor = job();
    impostor.identity = Identity::parse("sun.example");
    EXPECT_FALSE(verify(std::move(impostor)));
}

// hostile-inputs E5: variants of one valid certificate, and copies of it by strangers without its key, leave no trace.
TEST_F(RememberedPaths, AreNotFilledByVariantsOfACertificate) {
    for (std::size_t at = 0; at < world().leaf.size(); ++at) {
        VerifyJob variant = job();
        variant.certificates.front()[at] ^= 0x20;
        EXPECT_FALSE(verify(std::move(variant))) << at;
    }
    VerifyJob copied = job();
    copied.auth_data.back() ^= 1;
    EXPECT_FALSE(verify(std::move(copied)));
    EXPECT_EQ(chains->size(), 0U);
    for (int junk = 0; junk < 100; ++junk) {
        VerifyJob dressed = job();
        dressed.certificates.push_back(Bytes(40, static_cast<std::uint8_t>(junk)));
        EXPECT_TRUE(verify(std::move(dressed)));
    }
    EXPECT_EQ(chains->size(), 1U);
}

// hostile-inputs E5: lengths in a longer form than DER allows would be other octets of the same certificate.
TEST_F(RememberedPaths, HaveOneSpelling) {
    Bytes longer = world().leaf;
    ASSERT_EQ(longer[1], 0x82);
    longer[1] = 0x83;
    longer.insert(longer.begin() + 2, 0);
    VerifyJob variant = job();
    variant.certificates = {longer};
    EXPECT_FALSE(verify(std::move(variant)));
}

TEST_F(RememberedPaths, AreAtMostAsManyAsTheirLimit) {
    ChainCache few(2);
    const auto path = std::make_shared<ValidPath>(ValidPath{.certificates = {}, .not_before = 0, .not_after = 10});
    const Digest a{1}, b{2}, c{3};
    few.remember(a, path);
    few.remember(b, path);
    EXPECT_TRUE(few.find(a, 5));
    few.remember(c, path);
    EXPECT_EQ(few.size(), 2U);
    EXPECT_TRUE(few.find(a, 5));
    EXPECT_FALSE(few.find(b, 5));  // the least recently used
    EXPECT_TRUE(few.find(c, 5));
    few.remember(c, path);
    EXPECT_EQ(few.size(), 2U);
}

}  // namespace
}  // namespace cygnet::crypto
