// Rows of hostile-inputs.md about certificates and signatures, from a peer that knows somebody's certificate but not its key.
#include <gtest/gtest.h>

#include "ike/test_certificates.h"
#include "sim/hostile_stage.h"

namespace cygnet::sim {
namespace {

using ike::test::Authority;
using Kind = crypto::SignatureScheme::Kind;

// One authority and its hosts for the whole program: keys are slow to make.
struct Hosts {
    Authority authority{}, stranger{};
    std::shared_ptr<ike::Credentials> victim = ike::test::credentials(authority, authority, {"b.example"});
    Bytes ecdsa = certificate(authority, crypto::KeyType::ecdsa_256), rsa = certificate(authority, crypto::KeyType::rsa);
    Bytes lattice = certificate(authority, crypto::KeyType::ml_dsa_65);
    Bytes untrusted = certificate(stranger, crypto::KeyType::ecdsa_256);
    // A host of a sub-authority that may not certify its name; where CRLs and OCSP answers are is said, too.
    std::string sub_key = crypto::make_test_key(crypto::KeyType::ecdsa_256), host_key = crypto::make_test_key(crypto::KeyType::ecdsa_256);
    Bytes constrained = constrained_authority("excluded;DNS:example"), elsewhere = constrained_authority("permitted;DNS:org");
    Bytes allowed = constrained_authority("permitted;DNS:example");
    Bytes outside = host(constrained), outside_too = host(elsewhere), inside = host(allowed);
    std::string stranger_leaf_key = crypto::make_test_key(crypto::KeyType::ecdsa_256);
    Bytes with_urls = crypto::make_test_certificate(
        {.subject = "CN=a.example",
         .alternative_names = "DNS:a.example",
         .key_usage = "digitalSignature",
         .extensions = {{"crlDistributionPoints", "URI:http://127.0.0.1/internal"},
                        {"authorityInfoAccess", "OCSP;URI:http://127.0.0.1/internal"}}},
        stranger_leaf_key, stranger.certificate, stranger.key);

    Bytes constrained_authority(const char* names) const {
        return crypto::make_test_certificate({.subject = "CN=Sub",
                                              .basic_constraints = "critical,CA:TRUE",
                                              .key_usage = "critical,keyCertSign",
                                              .name_constraints = names},
                                             sub_key, authority.certificate, authority.key);
    }
    Bytes host(const Bytes& issuer) const {
        return crypto::make_test_certificate(
            {.subject = "CN=a.example", .alternative_names = "DNS:a.example", .key_usage = "digitalSignature"}, host_key,
            issuer, sub_key);
    }
    static Bytes certificate(const Authority& issuer, crypto::KeyType type) {
        return keep(ike::test::credentials(issuer, issuer, {"a.example", type})->certificates.front().der());
    }
};

const Hosts& hosts() {
    static const Hosts made;
    return made;
}

void trust_after_a_look_at_crls(HostileStage& stage) {
    model::Connection gateway = ike::test::with_certificates(false);
    gateway.remote.front().revocation = model::Revocation::strict;
    stage.configure(std::move(gateway), hosts().victim);
}

void trust(HostileStage& stage) { stage.configure(ike::test::with_certificates(false), hosts().victim); }

// IKE_AUTH with these certificates, this AUTH payload.
void prove(HostileStage& stage, const std::vector<Bytes>& certificates, model::AuthMethod method, ByteView auth) {
    stage.greet();
    wire::MessageBuilder message;
    const model::Identity id = model::Identity::parse("a.example");
    message.add(wire::IdiPayload{.id_type = id.type, .data = id.data});
    for (const Bytes& certificate : certificates)
        message.add(wire::CertPayload{.encoding = model::CertEncoding::x509_signature, .data = certificate});
    message.add(wire::AuthPayload{.method = method, .data = auth});
    stage.say(model::ExchangeType::ike_auth, std::move(message));
    EXPECT_EQ(stage.sas(), 1u);
}

// RFC 7427 §3: the length of the AlgorithmIdentifier, the AlgorithmIdentifier, the signature.
Bytes digital_signature(Kind kind, ByteView signature) {
    const Bytes algorithm = crypto::algorithm_identifier({.kind = kind, .hash = model::SignatureHash::sha2_256});
    return concat({Bytes{static_cast<std::uint8_t>(algorithm.size())}, algorithm, signature});
}

// r and s of 0 and 1, of the order and more, DER that lies about its lengths, and nothing.
void ecdsa_signatures(HostileStage& stage) {
    Bytes large(8 + 2 * 32, 0xff);
    const Bytes head{0x30, 70, 0x02, 33, 0x00}, middle{0x02, 33, 0x00};
    large = concat({head, Bytes(32, 0xff), middle, Bytes(32, 0xff)});
    const Bytes signatures[] = {{0x30, 6, 2, 1, 0, 2, 1, 0}, {0x30, 6, 2, 1, 1, 2, 1, 1}, {0x30, 6, 2, 1, 0, 2, 1, 1},
                                large, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, {}, {0x30, 0x80, 0, 0}, Bytes(5000, 0x30)};
    prove(stage, {hosts().ecdsa}, model::AuthMethod::digital_signature,
          digital_signature(Kind::ecdsa, signatures[stage.turn % std::size(signatures)]));
}

// 0, 1, all ones, too short, too long, nothing.
void rsa_signatures(HostileStage& stage) {
    Bytes one(256, 0);
    one.back() = 1;
    const Bytes signatures[] = {Bytes(256, 0), one, Bytes(256, 0xff), Bytes(255, 1), Bytes(257, 1), {}, Bytes(20'000, 1)};
    const auto& signature = signatures[stage.turn % std::size(signatures)];
    if (stage.turn % 2 == 0)
        prove(stage, {hosts().rsa}, model::AuthMethod::digital_signature, digital_signature(Kind::rsa_pss, signature));
    else
        prove(stage, {hosts().rsa}, model::AuthMethod::rsa, signature);
}

// ML-DSA: of the right length, but all zeros, all ones, or with hints that no signer makes.
void lattice_signatures(HostileStage& stage) {
    Bytes hints(3309, 0);
    hints.back() = 0xff;
    const Bytes signatures[] = {Bytes(3309, 0), Bytes(3309, 0xff), hints};
    prove(stage, {hosts().lattice}, model::AuthMethod::digital_signature,
          digital_signature(Kind::ml_dsa_65, signatures[stage.turn % std::size(signatures)]));
}

// Of another length, of another parameter set, and with a certificate whose key is none.
void lattice_signatures_that_cannot_be(HostileStage& stage) {
    const auto own = [](std::size_t size) { return digital_signature(Kind::ml_dsa_65, Bytes(size, 1)); };
    const Bytes auths[] = {own(0), own(3308), own(3310), own(40'000), digital_signature(Kind::ml_dsa_44, Bytes(2420, 1)),
                           digital_signature(Kind::slh_dsa_sha2_128f, Bytes(17'088, 1))};
    prove(stage, {hosts().lattice}, model::AuthMethod::digital_signature, auths[stage.turn % std::size(auths)]);
}

// Algorithms that are cut short, unknown, or of another key.
void algorithm_identifiers(HostileStage& stage) {
    const Bytes whole = digital_signature(Kind::ecdsa, Bytes(70, 1));
    const Bytes identifiers[] = {{}, {0}, {255}, Bytes(whole.begin(), whole.begin() + 5), {2, 0x30, 0x80}, {4, 0x30, 2, 5, 0},
                                 digital_signature(Kind::rsa_pss, Bytes(256, 1))};
    prove(stage, {hosts().ecdsa}, model::AuthMethod::digital_signature, identifiers[stage.turn % std::size(identifiers)]);
}

// Nested, indefinite, with huge lengths; and a real one with an octet changed.
void certificates_of_crafted_der(HostileStage& stage) {
    Bytes nested;
    for (int i = 0; i < 1000; ++i) append(nested, Bytes{0x30, 0x82, 0x10, 0x00});
    Bytes damaged = hosts().ecdsa;
    damaged[stage.turn * 7 % damaged.size()] ^= 0x20;
    const Bytes certificates[] = {nested, {0x30, 0x80, 0x30, 0x80, 0, 0}, {0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255},
                                  Bytes(30'000, 0xa0), damaged, Bytes(hosts().ecdsa.begin(), hosts().ecdsa.end() - 1)};
    prove(stage, {certificates[stage.turn % std::size(certificates)]}, model::AuthMethod::digital_signature,
          digital_signature(Kind::ecdsa, Bytes(70, 1)));
}

void untrusted_certificates(HostileStage& stage) {
    std::vector<Bytes> chain{hosts().untrusted};
    for (std::size_t i = 0; i < stage.turn % 20; ++i) chain.push_back(hosts().stranger.certificate);
    prove(stage, chain, model::AuthMethod::digital_signature, digital_signature(Kind::ecdsa, Bytes(70, 1)));
}

// Enveloped and signed PKCS #7, and every other encoding that is no X.509 certificate.
void other_encodings(HostileStage& stage) {
    static const Bytes enveloped{0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03, 0xa0, 0x80};
    stage.greet();
    wire::MessageBuilder message;
    const model::Identity id = model::Identity::parse("a.example");
    message.add(wire::IdiPayload{.id_type = id.type, .data = id.data});
    for (const unsigned encoding : {1U, 2U, 3U, 7U, 8U, 9U, 10U, 12U, 13U, 14U, 200U})
        message.add(wire::CertPayload{.encoding = static_cast<model::CertEncoding>(encoding), .data = enveloped});
    const Bytes auth = digital_signature(Kind::ecdsa, Bytes(70, 1));
    message.add(wire::AuthPayload{.method = model::AuthMethod::digital_signature, .data = auth});
    stage.say(model::ExchangeType::ike_auth, std::move(message));
    EXPECT_EQ(stage.sas(), 1u);
}

// Somebody who has the key of a sub-authority's host signs rightly: what may be wrong are the names.
void prove_by_sub_authority(HostileStage& stage, const Bytes& leaf, const Bytes& issuer) {
    stage.greet();
    wire::MessageBuilder message;
    const model::Identity id = model::Identity::parse("a.example");
    message.add(wire::IdiPayload{.id_type = id.type, .data = id.data});
    for (const Bytes& certificate : {leaf, issuer})
        message.add(wire::CertPayload{.encoding = model::CertEncoding::x509_signature, .data = certificate});
    const ike::test::ScriptedPeer& peer = stage.peer;
    const Bytes octets = ike::signed_octets(peer.proposal.prf, peer.init_request, peer.nonce_r,
                                            peer.protection->sk_p(true), ike::id_payload_body(id), {});
    const crypto::SignatureScheme scheme{.kind = Kind::ecdsa, .hash = model::SignatureHash::sha2_256};
    const auto key = *crypto::PrivateKey::parse(bytes_of(hosts().host_key));
    const Bytes auth = digital_signature(Kind::ecdsa, *crypto::sign(key, scheme, octets));
    message.add(wire::AuthPayload{.method = model::AuthMethod::digital_signature, .data = auth});
    stage.say(model::ExchangeType::ike_auth, std::move(message));
}
void names_that_are_constrained(HostileStage& stage) {
    if (stage.turn % 2 == 0) prove_by_sub_authority(stage, hosts().outside, hosts().constrained);
    else prove_by_sub_authority(stage, hosts().outside_too, hosts().elsewhere);
    EXPECT_EQ(stage.sas(), 1u);
}

// URLs of an authority that nobody trusts lead nowhere.
void urls_before_trust(HostileStage& stage) {
    prove(stage, {hosts().with_urls, hosts().stranger.certificate}, model::AuthMethod::digital_signature,
          digital_signature(Kind::ecdsa, Bytes(70, 1)));
    EXPECT_TRUE(stage.victim.fetched.empty());
}

// One good certificate in as many forms as one likes: its signature's parameters and value are not covered by it.
void variants_of_one_certificate(HostileStage& stage) {
    Bytes variant = hosts().ecdsa;
    const std::size_t at = variant.size() - 1 - stage.turn % 60;
    variant[at] = static_cast<std::uint8_t>(variant[at] + 1 + stage.turn / 60 % 255);
    prove(stage, {variant}, model::AuthMethod::digital_signature, digital_signature(Kind::ecdsa, Bytes(70, 1)));
}

constexpr std::size_t times = 200;  // each with a key exchange, a certificate path and a signature

const Row rows[] = {
    {"D7_ECDSA_signatures_that_are_none", trust, ecdsa_signatures, Counter::authentication_failed, Left::nothing, times},
    {"D4_D5_D6_RSA_signatures_that_are_none", trust, rsa_signatures, Counter::authentication_failed, Left::nothing, times},
    {"D4_D5_ML_DSA_signatures_that_are_none", trust, lattice_signatures, Counter::authentication_failed, Left::nothing, times},
    {"D6_ML_DSA_signatures_that_cannot_be", trust, lattice_signatures_that_cannot_be, Counter::signature_refused, Left::nothing,
     times},
    {"D6_A12_signature_algorithms_that_are_none", trust, algorithm_identifiers, Counter::authentication_failed, Left::nothing,
     times},
    {"E1_certificates_of_crafted_DER", trust, certificates_of_crafted_der, Counter::authentication_failed, Left::nothing, times},
    {"E2_PKCS_7_and_other_encodings", trust, other_encodings, Counter::authentication_failed, Left::nothing, times},
    {"E3_names_that_constraints_exclude", trust, names_that_are_constrained, Counter::authentication_failed, Left::nothing,
     times},
    {"E4_URLs_of_an_unknown_authority", trust_after_a_look_at_crls, urls_before_trust, Counter::authentication_failed,
     Left::nothing, times},
    {"E5_variants_of_one_certificate", trust, variants_of_one_certificate, Counter::authentication_failed, Left::nothing,
     times},
    {"E5_E8_certificates_of_an_unknown_authority", trust, untrusted_certificates, Counter::authentication_failed,
     Left::nothing, times},
};

// SLOTH: nobody gets a signature over SHA-1 (or weaker) from us who has said that there are better ones.
TEST(HostileHashes, SignsWithNothingWeakerThanWhatThePeerAnnounced) {
    for (const Bytes& hashes : {Bytes{0, 1, 0, 2}, Bytes{0, 2, 0, 1}, Bytes{0, 1}, Bytes{0, 0, 0, 99}}) {
        HostileStage stage({.unix_seconds_at_start = 1'800'000'000});
        model::Connection gateway = ike::test::with_certificates(false);
        gateway.remote = ike::test::connection(false).remote;
        const auto victim = ike::test::credentials(hosts().authority, hosts().authority, {"b.example", crypto::KeyType::rsa});
        stage.configure(std::move(gateway), victim);
        stage.peer.hashes = hashes;
        stage.greet();
        const auto answers = stage.say(ExchangeType::ike_auth, stage.peer.auth());
        ASSERT_EQ(answers.size(), 1u);
        const wire::AuthPayload* auth = nullptr;
        for (const wire::Payload& payload : answers.front().payloads)
            if (const auto* found = std::get_if<wire::AuthPayload>(&payload)) auth = found;
        const bool has_sha2 = hashes.size() == 4 && hashes[3] + hashes[1] == 3;
        ASSERT_EQ(auth != nullptr, has_sha2) << stage.victim.log();
        if (auth == nullptr) continue;
        EXPECT_EQ(auth->method, model::AuthMethod::digital_signature);
        const auto scheme = crypto::parse_algorithm_identifier(auth->data.subspan(1, auth->data[0]));
        ASSERT_TRUE(scheme);
        EXPECT_EQ(scheme->hash, model::SignatureHash::sha2_256);
    }
}

// What the row about constrained names is worth: a name inside of them is believed.
TEST(HostileNames, AreBelievedInsideOfTheirConstraints) {
    HostileStage stage({.unix_seconds_at_start = 1'800'000'000});
    trust(stage);
    prove_by_sub_authority(stage, hosts().inside, hosts().allowed);
    EXPECT_EQ(stage.sas(), 2u) << stage.victim.log();
}

class Certificates : public testing::TestWithParam<Row> {};
TEST_P(Certificates, prove_nothing) { run_row(GetParam()); }
INSTANTIATE_TEST_SUITE_P(HostileInputs, Certificates, testing::ValuesIn(rows), name_of_row);

}  // namespace
}  // namespace cygnet::sim
