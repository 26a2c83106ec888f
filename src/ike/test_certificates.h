// An authority and the credentials of hosts that it certified, for tests of IKE_AUTH with certificates.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/test_pki.h"
#include "ike/test_pair.h"

namespace cygnet::ike::test {

struct Authority {
    explicit Authority(crypto::KeyType type = crypto::KeyType::ecdsa_256) : key(crypto::make_test_key(type)) {}
    std::string key;
    Bytes certificate = crypto::make_test_certificate({.subject = "CN=CA",
                                                       .basic_constraints = "critical,CA:TRUE",
                                                       .key_usage = "critical,keyCertSign,cRLSign"},
                                                      key, {}, key);
};

inline crypto::Certificate parsed(const Bytes& der) { return *crypto::Certificate::parse(der); }

struct HostWish {
    const char* dns;
    crypto::KeyType type = crypto::KeyType::ecdsa_256;
    std::int64_t not_after = crypto::test_not_after;
    std::vector<std::pair<std::string, std::string>> extensions{};  // as of crypto::TestCertificate
};

// Credentials of one host whose certificate names `dns`.
inline std::shared_ptr<Credentials> credentials(const Authority& issuer, const Authority& trusted, const HostWish& wish) {
    const std::string key = crypto::make_test_key(wish.type);
    const Bytes leaf = crypto::make_test_certificate({.subject = std::string("CN=") + wish.dns,
                                                      .alternative_names = std::string("DNS:") + wish.dns,
                                                      .key_usage = "digitalSignature",
                                                      .extensions = wish.extensions,
                                                      .not_after = wish.not_after},
                                                     key, issuer.certificate, issuer.key);
    auto made = std::make_shared<Credentials>();
    made->certificates.push_back(parsed(leaf));
    made->authorities.push_back(parsed(trusted.certificate));
    auto private_key = *crypto::PrivateKey::parse(bytes_of(key));
    made->private_keys.emplace(private_key.public_key().key_id(), private_key);
    return made;
}

inline model::Connection with_certificates(bool at_a) {
    model::Connection made = connection(at_a);
    for (model::AuthConfig* round : {&made.local.front(), &made.remote.front()}) {
        round->auth = model::AuthClass::pubkey;
        round->auth_text = "pubkey";
    }
    return made;
}

}  // namespace cygnet::ike::test
