// What certificates lead to: revocation, OCSP in IKE, certificates by URL; and what they must not lead to.
#include "ike/look_ups.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/prf.h"
#include "ike/feature/hash_and_url.h"
#include "ike/test_certificates.h"
#include "ike/test_peer.h"

namespace cygnet::ike::test {
namespace {

using crypto::LookUp;

constexpr const char* crl_url = "http://pki.example/ca.crl";
constexpr const char* ocsp_url = "http://ocsp.example/";
const std::pair<std::string, std::string> crl_extension{"crlDistributionPoints", std::string("URI:") + crl_url};
const std::pair<std::string, std::string> ocsp_extension{"authorityInfoAccess", std::string("OCSP;URI:") + ocsp_url};

class LookUpsOfPeers : public testing::Test {
protected:
    static EngineSettings settings() { return {.unix_seconds_at_start = crypto::test_now}; }

    void configure(model::Revocation policy) {
        at_b.remote.front().revocation = policy;
        configure();
    }
    void configure() {
        pair.step(pair.a, Configure{config_of(at_a), host_a});
        pair.step(pair.b, Configure{config_of(at_b), host_b});
    }
    void serve(const char* url, Bytes content) {
        web[url] = std::move(content);
        pair.web = [this](const LookUp& what) -> Result<Bytes> {
            const auto found = web.find(what.url);
            if (found == web.end()) return fail(Errc::not_found, "HTTP", "the server answered 404");
            return found->second;
        };
    }
    bool connects() { return pair.initiate(pair.a).result.has_value(); }
    std::string logs() const { return pair.a.log() + "---\n" + pair.b.log(); }
    const Bytes& leaf_of(const std::shared_ptr<Credentials>& host) const { return host->certificates.front().der(); }
    Bytes crl(std::vector<Bytes> revoked) const {
        return crypto::make_test_crl({.revoked = std::move(revoked)}, authority.certificate, authority.key);
    }
    Bytes ocsp(const std::shared_ptr<Credentials>& host, crypto::TestOcsp::Status status = {}) const {
        return crypto::make_test_ocsp({.status = status}, leaf_of(host), authority.certificate, authority.certificate, authority.key);
    }

    Authority authority, stranger;
    std::shared_ptr<Credentials> host_a = credentials(authority, authority, {.dns = "a.example", .extensions = {crl_extension}});
    std::shared_ptr<Credentials> host_b = credentials(authority, authority, {.dns = "b.example"});
    model::Connection at_a = with_certificates(true), at_b = with_certificates(false);
    std::map<std::string, Bytes> web{};
    Pair pair{settings(), settings()};
};

// ---- revocation -------------------------------------------------------------------------------------

TEST_F(LookUpsOfPeers, FetchTheCrlAndLetAGoodPeerIn) {
    serve(crl_url, crl({}));
    configure(model::Revocation::strict);
    EXPECT_TRUE(connects()) << logs();
    EXPECT_TRUE(pair.up());
    ASSERT_EQ(pair.b.fetched.size(), 1u);
    EXPECT_EQ(pair.b.fetched.front().author, LookUp::Author::authority);
    // What is known is not fetched again.
    pair.terminate(pair.a, {.ike = "gw"});
    EXPECT_TRUE(connects()) << logs();
    EXPECT_EQ(pair.b.fetched.size(), 1u);
}

TEST_F(LookUpsOfPeers, KeepARevokedPeerOut) {
    serve(crl_url, crl({leaf_of(host_a)}));
    configure(model::Revocation::relaxed);
    EXPECT_FALSE(connects());
    EXPECT_NE(pair.b.log().find("certificate \"CN=a.example\" was revoked on 2027-01-15"), std::string::npos) << logs();
    EXPECT_EQ(pair.b.engine.counters()[model::Counter::authentication_failed], 1u);
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
}

TEST_F(LookUpsOfPeers, WithoutAnAnswerEndAsThePolicySays) {
    configure(model::Revocation::relaxed);
    EXPECT_TRUE(connects()) << logs();
    pair.terminate(pair.a, {.ike = "gw"});
    configure(model::Revocation::strict);
    EXPECT_FALSE(connects());
    EXPECT_NE(pair.b.log().find("may have been revoked"), std::string::npos) << logs();
    // A server that failed is left alone for a while.
    EXPECT_EQ(pair.b.fetched.size(), 1u);
}

TEST_F(LookUpsOfPeers, CheckTheResponderAsWell) {
    host_b = credentials(authority, authority, {.dns = "b.example", .extensions = {ocsp_extension}});
    serve(ocsp_url, ocsp(host_b, crypto::TestOcsp::Status::revoked));
    serve(crl_url, crl({}));
    configure();
    EXPECT_FALSE(connects());
    EXPECT_NE(pair.a.log().find("certificate \"CN=b.example\" was revoked"), std::string::npos) << logs();
    EXPECT_EQ(pair.a.engine.population().ike_sas + pair.b.engine.population().ike_sas, 0u);
}

// A CRL that is loaded later ends what was concluded without it.
TEST_F(LookUpsOfPeers, TakeCrlsThatOperatorsLoad) {
    serve(crl_url, crl({}));
    configure(model::Revocation::strict);
    EXPECT_TRUE(connects()) << logs();
    pair.terminate(pair.a, {.ike = "gw"});
    host_b = std::make_shared<Credentials>(*host_b);
    host_b->revocation = std::make_shared<crypto::RevocationSources>(crypto::RevocationSources{
        .crls = {*crypto::Crl::parse(crypto::make_test_crl(
            {.revoked = {leaf_of(host_a)}, .this_update = crypto::test_now - 30, .number = 2}, authority.certificate, authority.key))}});
    pair.step(pair.b, Configure{config_of(at_b), host_b});
    pair.b.engine.certificate_caches().revocations->clear();
    EXPECT_FALSE(connects()) << logs();
}

// hostile-inputs E4: nothing is fetched because of a certificate whose path ends at nobody we trust …
TEST_F(LookUpsOfPeers, AreNotMadeForStrangers) {
    host_a = credentials(stranger, authority, {.dns = "a.example", .extensions = {crl_extension, ocsp_extension}});
    configure(model::Revocation::strict);
    EXPECT_FALSE(connects());
    EXPECT_TRUE(pair.b.fetched.empty());
}

// The SA may be gone when the answer comes.
TEST_F(LookUpsOfPeers, OutliveNobody) {
    configure(model::Revocation::strict);
    const auto keep_waiting = pair.web;
    std::size_t asked = 0;
    pair.web = [&](const LookUp&) -> Result<Bytes> {
        ++asked;
        for (const auto& sa : pair.b.engine.list(pair.now))
            pair.step(pair.b, Terminate{.id = static_cast<CommandId>(99), .which = {.ike_id = static_cast<std::uint32_t>(sa.id)}, .force = true});
        return crl({});
    };
    EXPECT_FALSE(connects());
    EXPECT_EQ(asked, 1u);
    EXPECT_EQ(pair.b.engine.population().ike_sas, 0u);
}

// ---- OCSP in IKE, RFC 4806 --------------------------------------------------------------------------

TEST_F(LookUpsOfPeers, ComeWithTheCertificateWhenThePeerAsks) {
    for (const bool a_asks : {true, false}) {
        const auto& asked = a_asks ? host_b : host_a;
        Pair fresh(settings(), settings());
        host_a = credentials(authority, authority, {.dns = "a.example", .extensions = {ocsp_extension}});
        host_b = credentials(authority, authority, {.dns = "b.example", .extensions = {ocsp_extension}});
        fresh.web = [&](const LookUp&) -> Result<Bytes> { return ocsp(asked); };
        at_a = with_certificates(true);
        at_b = with_certificates(false);
        (a_asks ? at_a : at_b).ocsp = model::OcspInIke::both;
        (a_asks ? at_a : at_b).remote.front().revocation = model::Revocation::strict;
        fresh.step(fresh.a, Configure{config_of(at_a), host_a});
        fresh.step(fresh.b, Configure{config_of(at_b), host_b});
        EXPECT_TRUE(fresh.initiate(fresh.a).result) << fresh.a.log() << "---\n" << fresh.b.log();
        // RFC 4806 §4.2: whose certificate it is, asks; the other needs not, and does not for it.
        EXPECT_TRUE((a_asks ? fresh.a : fresh.b).fetched.empty());
        EXPECT_FALSE((a_asks ? fresh.b : fresh.a).fetched.empty());
    }
}

TEST_F(LookUpsOfPeers, DoNotComeUnasked) {
    host_b = credentials(authority, authority, {.dns = "b.example", .extensions = {ocsp_extension}});
    serve(ocsp_url, ocsp(host_b));
    at_a.remote.front().revocation = model::Revocation::strict;
    configure();
    EXPECT_TRUE(connects()) << logs();
    EXPECT_EQ(pair.a.fetched.size(), 1u);
    pair.terminate(pair.a, {.ike = "gw"});
    at_b.ocsp = model::OcspInIke::never;
    at_a.ocsp = model::OcspInIke::request;
    configure();
    pair.a.engine.certificate_caches().revocations->clear();
    EXPECT_TRUE(connects()) << logs();
    EXPECT_EQ(pair.a.fetched.size(), 2u) << "the peer may decline, then we ask ourselves";
}

// ---- hash and URL, RFC 7296 §3.6 --------------------------------------------------------------------

class CertificatesByUrl : public LookUpsOfPeers {
protected:
    CertificatesByUrl() {
        host_a->revocation = std::make_shared<crypto::RevocationSources>(crypto::RevocationSources{
            .authorities = {{.certificate = parsed(authority.certificate), .cert_uri_base = "http://pki.example/certs/"}}});
        url = "http://pki.example/certs/" + hex(crypto::sha1({leaf_of(host_a)}));
        serve(crl_url, crl({}));
        at_a.hash_and_url = at_b.hash_and_url = model::HashAndUrl::yes;
    }
    std::string url{};
};

TEST_F(CertificatesByUrl, AreFetchedAndCheckedByTheirHash) {
    serve(url.c_str(), leaf_of(host_a));
    configure();
    EXPECT_TRUE(connects()) << logs();
    ASSERT_FALSE(pair.b.fetched.empty());
    EXPECT_EQ(pair.b.fetched.front().url, url);
    EXPECT_EQ(pair.b.fetched.front().author, LookUp::Author::peer);
    EXPECT_TRUE(pair.a.fetched.empty());
}

// RFC 7296 §3.6 [62]: the hash is checked before anything else looks at the certificate.
TEST_F(CertificatesByUrl, OfAnotherHashAreRefused) {
    serve(url.c_str(), leaf_of(host_b));
    configure();
    EXPECT_FALSE(connects());
    EXPECT_NE(pair.b.log().find("its hash is another one than the peer sent"), std::string::npos) << logs();
}

TEST_F(CertificatesByUrl, ThatCannotBeHadAreNamed) {
    configure();
    EXPECT_FALSE(connects());
    EXPECT_NE(pair.b.log().find("cannot be had from " + url), std::string::npos) << logs();
}

// RFC 7296 §3.6 [62]: only to a peer that sent HTTP_CERT_LOOKUP_SUPPORTED.
TEST_F(CertificatesByUrl, AreSentOnlyToPeersThatLookThemUp) {
    at_b.hash_and_url = model::HashAndUrl::no;
    configure();
    EXPECT_TRUE(connects()) << logs();
    for (const LookUp& each : pair.b.fetched) EXPECT_EQ(each.kind, LookUp::Kind::crl);
}

// RFC 7296 §3.6 [62]: http is the scheme that must be there; we take no other.
TEST(HashAndUrl, IsTakenFromThoseOnlyWhoMaySendIt) {
    const auto read = [](model::HashAndUrl allowed, std::string_view url) {
        model::Connection connection;
        connection.hash_and_url = allowed;
        const Bytes data = concat({Bytes(20, 7), bytes_of(url)});
        return read_hash_and_url(connection, {.encoding = model::CertEncoding::hash_and_url_cert, .data = data});
    };
    using enum model::HashAndUrl;
    EXPECT_FALSE(read(no, "http://pki.example/x"));
    EXPECT_EQ(read(yes, "http://pki.example/x")->look_up.author, LookUp::Author::peer);
    EXPECT_EQ(read(internal, "http://pki.example/x")->look_up.author, LookUp::Author::trusted_peer);
    for (const std::string& bad : {std::string(), std::string("ftp://pki.example/x"), std::string("file:///etc/passwd"),
                                   std::string("http://pki.example/ x"), std::string("http://pki.example/\0x", 21),
                                   "http://" + std::string(2000, 'x')})
        EXPECT_FALSE(read(yes, bad)) << bad;
}

// ---- what a stranger sends --------------------------------------------------------------------------

class CertificatesOfStrangers : public LookUpsOfPeers {
protected:
    CertificatesOfStrangers() {
        at_b.remote.front().revocation = model::Revocation::strict;
        at_b.send_certreq = true;
        victim.engine.step(pair.now, Configure{config_of(at_b), host_b}, ignored);
        peer.init();
    }
    std::string ask(wire::MessageBuilder message) {
        const auto answers = peer.send(model::ExchangeType::ike_auth, std::move(message));
        EXPECT_EQ(answers.size(), 1u) << victim.log();
        EXPECT_TRUE(!answers.empty() && answers.front().notify(model::NotifyType::authentication_failed)) << victim.log();
        EXPECT_EQ(victim.engine.population().ike_sas, 0u);
        EXPECT_TRUE(victim.fetched.empty());
        return victim.log();
    }
    // An AUTH by signature that proves nothing.
    wire::MessageBuilder unproven() {
        wire::MessageBuilder message = peer.auth({model::PayloadType::auth});
        const Bytes algorithm = crypto::algorithm_identifier({crypto::SignatureScheme::Kind::ecdsa, model::SignatureHash::sha2_256});
        Bytes data{static_cast<std::uint8_t>(algorithm.size())};
        append(data, algorithm);
        append(data, Bytes(70, 1));
        message.add(wire::AuthPayload{.method = model::AuthMethod::digital_signature, .data = data});
        return message;
    }
    Effects ignored{};
    Node victim{3, settings()};
    ScriptedPeer peer{victim};
};

// hostile-inputs E4: … nor because of a trusted certificate that somebody else copied.
TEST_F(CertificatesOfStrangers, ThatAreCopiesLeadNowhere) {
    wire::MessageBuilder message = unproven();
    message.add(wire::CertPayload{.encoding = model::CertEncoding::x509_signature, .data = leaf_of(host_a)});
    EXPECT_NE(ask(std::move(message)).find("does not verify"), std::string::npos) << victim.log();
}

// hostile-inputs E2: PKCS #7 and other encodings that we do not take are no certificates.
TEST_F(CertificatesOfStrangers, OfOtherEncodingsAreSkipped) {
    wire::MessageBuilder message = unproven();
    for (const unsigned encoding : {1U, 2U, 3U, 7U, 11U, 12U, 13U, 200U})
        message.add(wire::CertPayload{.encoding = static_cast<model::CertEncoding>(encoding), .data = Bytes(300, 0x30)});
    EXPECT_NE(ask(std::move(message)).find("sent no certificate"), std::string::npos) << victim.log();
}

// hostile-inputs E8: as large and as many as a message can hold.
TEST_F(CertificatesOfStrangers, AsLargeAsAMessageHoldsAreRefused) {
    wire::MessageBuilder message = unproven();
    for (int i = 0; i < 4; ++i)
        message.add(wire::CertPayload{.encoding = model::CertEncoding::x509_signature, .data = Bytes(15'000, 0x30)});
    ask(std::move(message));
}

TEST_F(CertificatesOfStrangers, InGreatNumbersAreRefused) {
    wire::MessageBuilder message = unproven();
    for (int i = 0; i < 100; ++i)
        message.add(wire::CertPayload{.encoding = model::CertEncoding::x509_signature, .data = leaf_of(host_b)});
    ask(std::move(message));
}

TEST_F(CertificatesOfStrangers, WithThousandsOfAuthoritiesAreRefused) {
    wire::MessageBuilder message = unproven();
    message.add(wire::CertreqPayload{.encoding = model::CertEncoding::x509_signature, .authorities = Bytes(20 * 3'000, 1)});
    ask(std::move(message));
    // hostile-inputs E8: 10,000 hashes do not even fit into a message.
    EXPECT_EQ(parse_authorities(Bytes(20 * 10'000, 1)).error().code, Errc::limit);
}

// ---- the table --------------------------------------------------------------------------------------

class LookUpTable : public testing::Test {
protected:
    static LookUp place(int number) { return {.url = "http://pki.example/" + std::to_string(number)}; }
    void begin(std::uint64_t job, const std::vector<LookUp>& wanted) {
        table.begin(static_cast<JobId>(job), crypto::VerifyJob{}, wanted, effects);
    }
    void answer(std::uint64_t fetch) {
        table.take({.id = static_cast<FetchId>(fetch), .content = Bytes{1}}, [](JobId) { return true; }, effects);
    }
    template <class E>
    std::size_t count() const {
        return static_cast<std::size_t>(std::ranges::count_if(effects, [](const Effect& each) { return std::holds_alternative<E>(each); }));
    }
    LookUps table{};
    Effects effects{};
};

TEST_F(LookUpTable, FetchesOnceWhatManyWant) {
    begin(1, {place(1), place(2)});
    begin(2, {place(1)});
    EXPECT_EQ(count<Fetch>(), 2u);
    answer(1);
    EXPECT_EQ(count<StartJob>(), 1u);
    answer(1);
    EXPECT_EQ(count<StartJob>(), 1u) << "an answer counts once";
    answer(2);
    EXPECT_EQ(count<StartJob>(), 2u);
    EXPECT_EQ(table.under_way(), 0u);
    const auto& job = std::get<crypto::VerifyJob>(std::get<StartJob>(effects.back()).job);
    EXPECT_EQ(job.fetched.size(), 2u);
}

TEST_F(LookUpTable, HasALimit) {
    for (std::size_t i = 0; i < model::limits::fetches_under_way + 5; ++i) begin(i, {place(static_cast<int>(i))});
    EXPECT_EQ(count<Fetch>(), model::limits::fetches_under_way);
    EXPECT_EQ(count<StartJob>(), 5u) << "the others go on without an answer";
}

// Those whom nobody knows yet leave room for those who have proven themselves.
TEST_F(LookUpTable, HasALowerLimitForStrangers) {
    for (std::size_t i = 0; i < model::limits::fetches_for_strangers + 5; ++i) {
        LookUp certificate = place(static_cast<int>(i));
        certificate.kind = LookUp::Kind::certificate;
        begin(i, {certificate});
    }
    EXPECT_EQ(count<Fetch>(), model::limits::fetches_for_strangers);
    begin(1000, {place(1000)});
    EXPECT_EQ(count<Fetch>(), model::limits::fetches_for_strangers + 1);
}

}  // namespace
}  // namespace cygnet::ike::test
