// The ESP algorithms by the names of the kernel's crypto API.
#pragma once

#include "base/result.h"
#include "dataplane/xfrm/values.h"
#include "model/iana.h"
#include "model/sa_spec.h"

namespace cygnet::dataplane::xfrm {

// Errors: unsupported, where the kernel has no name for it (RFC 8750's implicit IVs).
Result<Suite> suite_of(model::Encr encr, model::Integ integ, const model::DirectionKeys& keys);

Result<Suite> ah_suite_of(model::Integ integ, const model::DirectionKeys& keys);

// Octets of a key as KEYMAT gives it, with its salt; nothing where the kernel has no name for the algorithm. `key_bits`: 0 for
// the cipher's only size.
std::optional<std::size_t> key_octets(model::Encr encr, std::uint16_t key_bits);
std::optional<std::size_t> key_octets(model::Integ integ);

}  // namespace cygnet::dataplane::xfrm
