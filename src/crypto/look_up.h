// What is fetched from elsewhere because of certificates.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace cygnet::crypto {

struct LookUp {
    enum class Kind : std::uint8_t { crl, ocsp, certificate } kind{};
    // Who wrote the URL: it decides which addresses may be asked.
    enum class Author : std::uint8_t {
        operator_of_ours,  // any address
        authority,         // in a certificate whose path is valid: any address that is not this host's own or its link's
        peer,              // hash-and-URL: public addresses
        trusted_peer,      // the same, and the operator allows internal ones
    } author{};
    std::string url{};
    Bytes request{};  // ocsp: what is posted
};

struct Answer {
    LookUp look_up{};
    Result<Bytes> content{};
};

}  // namespace cygnet::crypto
