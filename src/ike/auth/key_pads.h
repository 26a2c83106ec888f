// RFC 7296 §2.15: who authenticates with a shared key needs of it only prf (key, "Key Pad for IKEv2"), which is the same in every
// handshake. Those used last are kept.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "base/secret.h"
#include "model/config.h"

namespace cygnet::ike {

class KeyPads {
public:
    // Valid until the next call.
    const SecretBytes& of(model::Prf prf, const std::shared_ptr<const model::SharedSecret>& secret);
    void clear() { pads_.clear(); }  // secrets that are no longer configured are not to stay

private:
    struct Pad {
        std::shared_ptr<const model::SharedSecret> secret;  // its address is nobody else's while it lives
        SecretBytes octets;
    };
    std::map<std::pair<const model::SharedSecret*, model::Prf>, Pad> pads_;
};

}  // namespace cygnet::ike
