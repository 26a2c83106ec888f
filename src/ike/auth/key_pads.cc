#include "ike/auth/key_pads.h"

#include "ike/keys.h"
#include "model/limits.h"

namespace cygnet::ike {

const SecretBytes& KeyPads::of(model::Prf prf, const std::shared_ptr<const model::SharedSecret>& secret) {
    const std::pair key{secret.get(), prf};
    if (const auto known = pads_.find(key); known != pads_.end()) return known->second.octets;
    if (pads_.size() >= model::limits::key_pads) pads_.clear();
    return pads_.emplace(key, Pad{secret, key_pad(prf, secret->secret)}).first->second.octets;
}

}  // namespace cygnet::ike
