// Rows of hostile-inputs.md about certificates and signatures, from a peer that knows somebody's certificate but not its key.
#include <gtest/gtest.h>

#include "ike/test_certificates.h"
#include "sim/hostile_stage.h"

namespace cygnet::sim {
namespace {

using ike::test::Authority;
using model::Counter;
using Kind = crypto::SignatureScheme::Kind;

// One authority and its hosts for the whole program: keys are slow to make.
struct Hosts {
    Authority authority{}, stranger{};
    std::shared_ptr<ike::Credentials> victim = ike::test::credentials(authority, authority, {"b.example"});
    Bytes ecdsa = certificate(authority, crypto::KeyType::ecdsa_256), rsa = certificate(authority, crypto::KeyType::rsa);
    Bytes untrusted = certificate(stranger, crypto::KeyType::ecdsa_256);

    static Bytes certificate(const Authority& issuer, crypto::KeyType type) {
        return keep(ike::test::credentials(issuer, issuer, {"a.example", type})->certificates.front().der());
    }
};

const Hosts& hosts() {
    static const Hosts made;
    return made;
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

constexpr std::size_t times = 200;  // each with a key exchange, a certificate path and a signature

const Row rows[] = {
    {"D7_ECDSA_signatures_that_are_none", trust, ecdsa_signatures, Counter::authentication_failed, Left::nothing, times},
    {"D4_D5_D6_RSA_signatures_that_are_none", trust, rsa_signatures, Counter::authentication_failed, Left::nothing, times},
    {"D6_A12_signature_algorithms_that_are_none", trust, algorithm_identifiers, Counter::authentication_failed, Left::nothing,
     times},
    {"E1_certificates_of_crafted_DER", trust, certificates_of_crafted_der, Counter::authentication_failed, Left::nothing, times},
    {"E5_E8_certificates_of_an_unknown_authority", trust, untrusted_certificates, Counter::authentication_failed,
     Left::nothing, times},
};

class Certificates : public testing::TestWithParam<Row> {};
TEST_P(Certificates, prove_nothing) { run_row(GetParam()); }
INSTANTIATE_TEST_SUITE_P(HostileInputs, Certificates, testing::ValuesIn(rows),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace cygnet::sim
