// What an engine must know again after a restart of its host: with which keys its tickets were sealed (RFC 5723 §9.5) and
// from which secret its crash detection tokens came (RFC 6290 §5.1). As octets:
//
//   version = 1 (1) | crash detection secret (32) | number of keys (1) | id (8) | made at (8) | key (36) | …
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace cygnet::ike {

inline constexpr std::size_t crash_secret_octets = 32;
inline constexpr std::size_t ticket_key_octets = 36;  // AES-256-GCM with its salt

struct TicketKey {
    std::uint64_t id = 0;
    std::int64_t made_at = 0;  // seconds since 1970
    SecretBytes key{};
};

struct KeptSecrets {
    SecretBytes crash{};                   // empty until it is needed
    std::vector<TicketKey> ticket_keys{};  // in the order of their making

    SecretBytes encoded() const;
    static Result<KeptSecrets> decoded(ByteView octets);
};

}  // namespace cygnet::ike
