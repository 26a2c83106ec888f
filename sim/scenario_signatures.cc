// Large signatures and chains on a bad path: IKE_AUTH crosses it in dozens of fragments, each of which may be lost (RFC 7383).
#include <fmt/format.h>

#include "crypto/test_pki.h"
#include "sim/hosts.h"
#include "sim/scenario.h"

namespace cygnet::sim {
namespace {

using crypto::KeyType;
using model::KeyKind;

constexpr unsigned five_percent = 50;

// A root and, below it, a line of other CAs.
class Line {
public:
    Line(KeyType type, std::size_t others) : type_(type) {
        certificates_.push_back(make("root", {}, key_ = crypto::make_test_key(type)));
        for (std::size_t i = 0; i < others; ++i) {
            const std::string issuer_key = std::exchange(key_, crypto::make_test_key(type));
            certificates_.push_back(make(fmt::format("ca {}", i + 1), certificates_.back(), issuer_key));
        }
    }

    // One host's key and certificate, the CAs on the way to it, and the root as the only one that it trusts.
    void equip(ike::Credentials& host, const char* dns) const {
        const std::string key = crypto::make_test_key(type_);
        const Bytes leaf = crypto::make_test_certificate({.subject = std::string("CN=") + dns,
                                                          .alternative_names = std::string("DNS:") + dns,
                                                          .key_usage = "digitalSignature"},
                                                         key, certificates_.back(), key_);
        const auto private_key = *crypto::PrivateKey::parse(bytes_of(key));
        host.private_keys.emplace(private_key.public_key().key_id(), private_key);
        host.certificates.push_back(*crypto::Certificate::parse(leaf));
        for (std::size_t i = certificates_.size() - 1; i > 0; --i)
            host.certificates.push_back(*crypto::Certificate::parse(certificates_[i]));
        host.authorities.push_back(*crypto::Certificate::parse(certificates_.front()));
    }

private:
    Bytes make(const std::string& name, ByteView issuer, const std::string& issuer_key) const {
        return crypto::make_test_certificate({.subject = "CN=" + name,
                                              .basic_constraints = "critical,CA:TRUE",
                                              .key_usage = "critical,keyCertSign,cRLSign"},
                                             key_, issuer, issuer_key);
    }
    KeyType type_;
    std::string key_{};  // of the last one
    std::vector<Bytes> certificates_{};
};

void sign(model::AuthConfig& round, const char* text, KeyKind kind) {
    round.auth = model::AuthClass::pubkey;
    round.auth_text = text;
    round.key_kinds = {kind};
}

struct Hosts {
    std::shared_ptr<ike::Credentials> a = std::make_shared<ike::Credentials>(), b = std::make_shared<ike::Credentials>();

    void equip(const Line& line) {
        line.equip(*a, "a.example");
        line.equip(*b, "b.example");
    }
};

void come_up_and_carry(World& world, const Hosts& hosts, GatewayOptions options) {
    options.engine.unix_seconds_at_start = crypto::test_now;
    GatewayOptions at_a = options, at_b = options;
    at_a.credentials = hosts.a;
    at_b.credentials = hosts.b;
    world.network.link.loss = five_percent;
    Gateways gateways(world, at_a, at_b);
    gateways.up(minutes(5));
    world.network.link.loss = 0;
    gateways.talk();
    world.run_for(seconds(5));
    gateways.rest();
    gateways.expect_nothing_lost();
    gateways.expect_a_clean_end(gateways.b);
}

void chain_of_three(World& world) {
    Hosts hosts;
    hosts.equip(Line(KeyType::ml_dsa_87, 2));
    come_up_and_carry(world, hosts, {.ike = hybrid, .tune = [](model::Connection& connection) {
                          sign(connection.local.front(), "mldsa87", KeyKind::ml_dsa_87);
                          sign(connection.remote.front(), "mldsa87", KeyKind::ml_dsa_87);
                      }});
}

// RFC 4739: one round for each, on the same name.
void both_signatures(World& world) {
    Hosts hosts;
    hosts.equip(Line(KeyType::ecdsa_256, 1));
    hosts.equip(Line(KeyType::ml_dsa_65, 1));
    come_up_and_carry(world, hosts, {.ike = hybrid, .tune = [](model::Connection& connection) {
                          for (auto* rounds : {&connection.local, &connection.remote}) {
                              rounds->push_back(rounds->front());
                              rounds->back().name += "-2";
                              sign(rounds->front(), "ecdsa", KeyKind::ecdsa);
                              sign(rounds->back(), "mldsa65", KeyKind::ml_dsa_65);
                          }
                      }});
}

constexpr Scenario scenarios[] = {
    {"ML-DSA-87 certificates three deep on a lossy path", chain_of_three},
    {"an ECDSA and an ML-DSA signature of each side on a lossy path", both_signatures},
};

}  // namespace

std::span<const Scenario> signature_scenarios() { return scenarios; }

}  // namespace cygnet::sim
