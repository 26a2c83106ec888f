#include "crypto/revocation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/revocation_cache.h"
#include "crypto/test_pki.h"

namespace cygnet::crypto {
namespace {

using Kind = LookUp::Kind;
using Standing = Verdict::Standing;
using Status = TestOcsp::Status;

constexpr const char* crl_url = "http://pki.example/ca.crl";
constexpr const char* ocsp_url = "http://ocsp.pki.example/";

struct World {
    std::string ca_key = make_test_key(KeyType::ecdsa_256), key = make_test_key(KeyType::ecdsa_256),
                responder_key = make_test_key(KeyType::ecdsa_256);
    Bytes ca = make_test_certificate(
        {.subject = "CN=ca", .basic_constraints = "critical,CA:TRUE", .key_usage = "critical,keyCertSign,cRLSign"}, ca_key, {}, ca_key);
    Bytes leaf = issue({});
    Bytes responder = make_test_certificate({.subject = "CN=responder", .extensions = {{"extendedKeyUsage", "OCSPSigning"}}},
                                            responder_key, ca, ca_key);

    Bytes issue(std::vector<std::pair<std::string, std::string>> extensions) const {
        return make_test_certificate({.subject = "CN=moon", .extensions = std::move(extensions)}, key, ca, ca_key);
    }
    Bytes with_places() const {
        return issue({{"crlDistributionPoints", std::string("URI:") + crl_url},
                      {"authorityInfoAccess", std::string("OCSP;URI:") + ocsp_url}});
    }
    ValidPath path(const Bytes& of) const { return {.certificates = {parse(of), parse(ca)}}; }
    static Certificate parse(const Bytes& der) { return *Certificate::parse(der); }
};

const World& world() {
    static const World made;
    return made;
}

Verdict by_crl(const TestCrl& wanted, std::int64_t now = test_now) {
    const std::vector<Crl> crls{*Crl::parse(make_test_crl(wanted, world().ca, world().ca_key))};
    return judge_by_crls(world().path(world().leaf).certificates, 0, {}, crls, now);
}

Verdict by_ocsp(const TestOcsp& wanted, const Bytes& responder, const std::string& responder_key, std::int64_t now = test_now) {
    const Bytes response = make_test_ocsp(wanted, world().leaf, world().ca, responder, responder_key);
    return judge_by_ocsp(response, World::parse(world().leaf), World::parse(world().ca), {}, now);
}
Verdict by_ocsp(const TestOcsp& wanted, std::int64_t now = test_now) {
    return by_ocsp(wanted, world().ca, world().ca_key, now);
}

// ---- CRLs -------------------------------------------------------------------------------------------

TEST(Crl, ReadsPemAndDer) {
    const Bytes der = make_test_crl({}, world().ca, world().ca_key);
    const auto crl = Crl::parse(der);
    ASSERT_TRUE(crl);
    EXPECT_EQ(crl->issuer_text(), "CN=ca");
    EXPECT_EQ(crl->this_update(), test_now - 60);
    EXPECT_EQ(crl->next_update(), test_now + 3600);
    EXPECT_TRUE(crl->is_signed_by(World::parse(world().ca)));
    EXPECT_FALSE(crl->is_signed_by(World::parse(world().leaf)));
    EXPECT_FALSE(Crl::parse(concat({der, Bytes{0}})));
    EXPECT_FALSE(Crl::parse(ByteView(der).first(der.size() - 1)));
    EXPECT_FALSE(Crl::parse(bytes_of("-----BEGIN X509 CRL-----\nMDA\n")));
}

TEST(Crl, SaysWhoIsGoodAndWhoWasRevoked) {
    const Verdict good = by_crl({});
    EXPECT_EQ(good.standing, Standing::good) << good.detail;
    EXPECT_EQ(good.until, test_now + 3600);
    const Verdict revoked = by_crl({.revoked = {world().leaf}});
    EXPECT_EQ(revoked.standing, Standing::revoked);
    EXPECT_EQ(revoked.detail, "was revoked on 2027-01-15");
}

TEST(Crl, OutOfDateSaysWhoWasRevokedButNotWhoIsGood) {
    EXPECT_EQ(by_crl({.next_update = test_now - 1}).standing, Standing::unknown);
    EXPECT_EQ(by_crl({.revoked = {world().leaf}, .next_update = test_now - 1}).standing, Standing::revoked);
    EXPECT_EQ(by_crl({.this_update = test_now + 3600, .next_update = test_now + 7200}).standing, Standing::unknown);
}

TEST(Crl, OfAnotherIssuerOrWithAForgedSignatureSaysNothing) {
    const World stranger;
    const std::vector<Certificate> path = world().path(world().leaf).certificates;
    const std::vector<Crl> of_stranger{*Crl::parse(make_test_crl({.revoked = {world().leaf}}, stranger.ca, stranger.ca_key))};
    EXPECT_EQ(judge_by_crls(path, 0, {}, of_stranger, test_now).standing, Standing::unknown);
    Bytes forged = make_test_crl({}, world().ca, world().ca_key);
    forged[forged.size() - 5] ^= 1;
    const std::vector<Crl> forgeries{*Crl::parse(forged)};
    EXPECT_EQ(judge_by_crls(path, 0, {}, forgeries, test_now).standing, Standing::unknown);
    EXPECT_EQ(judge_by_crls(path, 0, {}, {}, test_now).standing, Standing::unknown);
}

// RFC 5280 §5.2.5: a CRL for other kinds of certificates does not cover this one.
TEST(Crl, OfAnotherScopeSaysNothing) {
    EXPECT_EQ(by_crl({.distribution_point = "critical,onlyuser:TRUE"}).standing, Standing::good);
    EXPECT_EQ(by_crl({.distribution_point = "critical,onlyCA:TRUE"}).standing, Standing::unknown);
    EXPECT_EQ(by_crl({.distribution_point = "critical,onlyAA:TRUE"}).standing, Standing::unknown);
}

// ---- OCSP -------------------------------------------------------------------------------------------

TEST(Ocsp, SaysWhoIsGoodAndWhoWasRevoked) {
    const Verdict good = by_ocsp({});
    EXPECT_EQ(good.standing, Standing::good) << good.detail;
    EXPECT_EQ(good.until, test_now + 3600);
    EXPECT_FALSE(good.ocsp_response.empty());
    const Verdict revoked = by_ocsp({.status = Status::revoked});
    EXPECT_EQ(revoked.standing, Standing::revoked);
    EXPECT_EQ(revoked.detail, "was revoked on 2027-01-15 (keyCompromise)");
    EXPECT_EQ(by_ocsp({.status = Status::unknown}).standing, Standing::unknown);
}

// RFC 6960 §4.2.2.2: the issuer or a responder with its delegation (id-kp-OCSPSigning), nobody else.
TEST(Ocsp, IsSignedByTheIssuerOrItsDelegate) {
    EXPECT_EQ(by_ocsp({}, world().responder, world().responder_key).standing, Standing::good);
    const Bytes plain = make_test_certificate({.subject = "CN=sun"}, world().responder_key, world().ca, world().ca_key);
    EXPECT_EQ(by_ocsp({}, plain, world().responder_key).standing, Standing::unknown);
    const World stranger;
    EXPECT_EQ(by_ocsp({}, stranger.ca, stranger.ca_key).standing, Standing::unknown);
    EXPECT_EQ(by_ocsp({}, stranger.responder, stranger.responder_key).standing, Standing::unknown);
    const Bytes expired = make_test_certificate({.subject = "CN=responder",
                                                 .extensions = {{"extendedKeyUsage", "OCSPSigning"}},
                                                 .not_after = test_now - 10},
                                                world().responder_key, world().ca, world().ca_key);
    EXPECT_EQ(by_ocsp({}, expired, world().responder_key).standing, Standing::unknown);
}

// RFC 6960 §3.2: thisUpdate sufficiently recent, nextUpdate not passed.
TEST(Ocsp, IsFresh) {
    EXPECT_EQ(by_ocsp({.next_update = test_now - 1}).standing, Standing::unknown);
    EXPECT_EQ(by_ocsp({.this_update = test_now + 3600, .next_update = test_now + 7200}).standing, Standing::unknown);
    EXPECT_EQ(by_ocsp({.this_update = test_now + 60}).standing, Standing::good);  // clocks differ a little
    EXPECT_EQ(by_ocsp({.this_update = test_now - 600, .next_update = 0}).standing, Standing::good);
    EXPECT_EQ(by_ocsp({.this_update = test_now - 7200, .next_update = 0}).standing, Standing::unknown);
}

TEST(Ocsp, AboutAnotherCertificateOrOfAnyOctetsSaysNothing) {
    const Certificate leaf = World::parse(world().leaf), ca = World::parse(world().ca);
    const Bytes other = make_test_ocsp({}, world().responder, world().ca, world().ca, world().ca_key);
    EXPECT_EQ(judge_by_ocsp(other, leaf, ca, {}, test_now).standing, Standing::unknown);
    const Bytes good = make_test_ocsp({}, world().leaf, world().ca, world().ca, world().ca_key);
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_EQ(judge_by_ocsp(ByteView(good).first(size), leaf, ca, {}, test_now).standing, Standing::unknown);
    for (std::size_t at = 0; at < good.size(); ++at) {
        Bytes changed = good;
        changed[at] ^= 0x40;
        EXPECT_NE(judge_by_ocsp(changed, leaf, ca, {}, test_now).standing, Standing::revoked) << at;
    }
}

// ---- checks of paths --------------------------------------------------------------------------------

class CheckRevocation : public testing::Test {
protected:
    RevocationCheck check_of(const Bytes& of, model::Revocation policy) const {
        return {.path = world().path(of), .policy = policy, .cache = cache, .now = test_now};
    }
    // Answers as long as somebody asks; what was asked goes to `asked`.
    Result<> settle(RevocationCheck check) {
        asked.clear();
        auto wanted = check_revocation(check, {});
        while (wanted && !wanted->empty()) {
            std::vector<Answer> answers;
            for (const LookUp& each : *wanted) {
                asked.push_back(each.url);
                answers.push_back({each, web(each)});
            }
            wanted = check_revocation(check, answers);
        }
        if (!wanted) return fail(wanted.error());
        return {};
    }
    Result<Bytes> web(const LookUp& what) const {
        const Bytes& content = what.kind == Kind::crl ? crl : ocsp;
        if (content.empty()) return fail(Errc::timeout, "HTTP", "nobody is there");
        return content;
    }

    std::shared_ptr<RevocationCache> cache = std::make_shared<RevocationCache>();
    Bytes leaf = world().with_places();
    Bytes crl{}, ocsp{};
    std::vector<std::string> asked{};
};

TEST_F(CheckRevocation, AsksOcspFirstAndThenTheCrl) {
    crl = make_test_crl({}, world().ca, world().ca_key);
    EXPECT_TRUE(settle(check_of(leaf, model::Revocation::strict)));
    EXPECT_EQ(asked, (std::vector<std::string>{ocsp_url, crl_url}));
}

TEST_F(CheckRevocation, RemembersWhatItLearned) {
    ocsp = make_test_ocsp({}, leaf, world().ca, world().ca, world().ca_key);
    EXPECT_TRUE(settle(check_of(leaf, model::Revocation::strict)));
    EXPECT_EQ(asked, (std::vector<std::string>{ocsp_url}));
    EXPECT_TRUE(settle(check_of(leaf, model::Revocation::strict)));
    EXPECT_TRUE(asked.empty());
    RevocationCheck later = check_of(leaf, model::Revocation::strict);
    later.now = test_now + 7200;
    EXPECT_FALSE(settle(later));
    EXPECT_EQ(asked, (std::vector<std::string>{ocsp_url, crl_url}));
}

TEST_F(CheckRevocation, OneCrlServesAllCertificatesOfItsIssuer) {
    crl = make_test_crl({}, world().ca, world().ca_key);
    EXPECT_TRUE(settle(check_of(leaf, model::Revocation::strict)));
    const Bytes other = world().with_places();
    EXPECT_TRUE(settle(check_of(other, model::Revocation::strict)));
    EXPECT_TRUE(asked.empty());
}

TEST_F(CheckRevocation, RefusesWhatWasRevokedWhateverThePolicy) {
    for (const auto policy : {model::Revocation::relaxed, model::Revocation::if_uri, model::Revocation::strict}) {
        cache->clear();
        ocsp = {};
        crl = make_test_crl({.revoked = {leaf}}, world().ca, world().ca_key);
        const auto by_crl = settle(check_of(leaf, policy));
        ASSERT_FALSE(by_crl);
        EXPECT_EQ(by_crl.error().detail, "certificate \"CN=moon\" was revoked on 2027-01-15");
        cache->clear();
        ocsp = make_test_ocsp({.status = Status::revoked}, leaf, world().ca, world().ca, world().ca_key);
        EXPECT_FALSE(settle(check_of(leaf, policy)));
    }
}

TEST_F(CheckRevocation, ThatLearnsNothingEndsAsThePolicySays) {
    EXPECT_TRUE(settle(check_of(leaf, model::Revocation::relaxed)));
    EXPECT_TRUE(settle(check_of(world().leaf, model::Revocation::if_uri)));
    const auto named = settle(check_of(leaf, model::Revocation::if_uri));
    ASSERT_FALSE(named);
    EXPECT_NE(named.error().detail.find("remote.revocation = ifuri"), std::string::npos) << named.error().detail;
    const auto strict = settle(check_of(world().leaf, model::Revocation::strict));
    ASSERT_FALSE(strict);
    EXPECT_EQ(strict.error().detail,
              "certificate \"CN=moon\" may have been revoked: no CRL of its issuer is known (remote.revocation = strict)");
}

TEST_F(CheckRevocation, LeavesServersAloneForAWhileThatGaveNothingUsable) {
    ocsp = keep(bytes_of("garbage"));
    EXPECT_TRUE(settle(check_of(leaf, model::Revocation::relaxed)));
    EXPECT_EQ(asked.size(), 2U);
    EXPECT_TRUE(settle(check_of(leaf, model::Revocation::relaxed)));
    EXPECT_TRUE(asked.empty());
    RevocationCheck later = check_of(leaf, model::Revocation::relaxed);
    later.now = test_now + 61;
    EXPECT_TRUE(settle(later));
    EXPECT_EQ(asked.size(), 2U);
}

TEST_F(CheckRevocation, DoesNotFetchAStaleCrlForEveryPeer) {
    crl = make_test_crl({.next_update = test_now - 1}, world().ca, world().ca_key);
    EXPECT_TRUE(settle(check_of(leaf, model::Revocation::relaxed)));
    EXPECT_EQ(asked.size(), 2U);
    EXPECT_TRUE(settle(check_of(leaf, model::Revocation::relaxed)));
    EXPECT_TRUE(asked.empty());
}

TEST_F(CheckRevocation, TakesResponsesThatThePeerSentAndCrlsThatWereLoaded) {
    RevocationCheck stapled = check_of(leaf, model::Revocation::strict);
    stapled.stapled = {make_test_ocsp({}, leaf, world().ca, world().ca, world().ca_key)};
    EXPECT_TRUE(settle(stapled));
    EXPECT_TRUE(asked.empty());
    RevocationCheck loaded = check_of(world().leaf, model::Revocation::strict);
    loaded.sources = std::make_shared<RevocationSources>(
        RevocationSources{.crls = {*Crl::parse(make_test_crl({.revoked = {world().leaf}}, world().ca, world().ca_key))}});
    EXPECT_FALSE(settle(loaded));
}

TEST_F(CheckRevocation, AsksWhereOperatorsSay) {
    crl = make_test_crl({}, world().ca, world().ca_key);
    RevocationCheck check = check_of(world().leaf, model::Revocation::strict);
    check.sources = std::make_shared<RevocationSources>(RevocationSources{
        .authorities = {{.certificate = World::parse(world().ca), .crl_uris = {"http://10.0.0.1/crl"}}}});
    const auto wanted = check_revocation(check, {});
    ASSERT_TRUE(wanted);
    ASSERT_EQ(wanted->size(), 1U);
    EXPECT_EQ(wanted->front().author, LookUp::Author::operator_of_ours);
    EXPECT_EQ(wanted->front().url, "http://10.0.0.1/crl");
}

// What a server gives enters the cache only with the signature of an issuer of a valid path.
TEST_F(CheckRevocation, CannotBePoisonedByACrlOfSomebodyElse) {
    const World stranger;
    crl = make_test_crl({}, stranger.ca, stranger.ca_key);
    EXPECT_FALSE(settle(check_of(leaf, model::Revocation::strict)));
    EXPECT_TRUE(cache->crls().empty());
}

TEST(RevocationCache, HoldsAtMostItsLimits) {
    RevocationCache cache;
    const auto crl = *Crl::parse(make_test_crl({}, world().ca, world().ca_key));
    for (std::size_t i = 0; i < model::limits::cached_crls + 10; ++i) cache.keep("http://pki.example/" + std::to_string(i), crl);
    EXPECT_EQ(cache.crls().size(), model::limits::cached_crls);
    const auto newer = *Crl::parse(make_test_crl({.this_update = test_now, .number = 2}, world().ca, world().ca_key));
    cache.keep("http://pki.example/x", newer);
    cache.keep("http://pki.example/x", crl);
    EXPECT_EQ(std::ranges::count(cache.crls(), crl), static_cast<std::ptrdiff_t>(model::limits::cached_crls - 1));
}

}  // namespace
}  // namespace cygnet::crypto
