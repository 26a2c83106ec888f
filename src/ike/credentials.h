// Certificates and private keys, parsed once and shared: an immutable value like the configuration.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/revocation.h"
#include "crypto/signature.h"
#include "crypto/x509.h"

namespace cygnet::ike {

struct Credentials {
    std::vector<crypto::Certificate> certificates{};     // our own and pinned peers'
    std::vector<crypto::Certificate> authorities{};      // CAs that are trusted as anchors
    std::map<Bytes, crypto::PrivateKey> private_keys{};  // by key id (crypto::PublicKey::key_id)
    std::shared_ptr<const crypto::RevocationSources> revocation{};  // what operators say about it; may be none
};

}  // namespace cygnet::ike
