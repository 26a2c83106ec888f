// The catalogue: which algorithm is computed by which library in this build.
#pragma once

#include <string>
#include <vector>

#include "model/proposal.h"

namespace cygnet::crypto {

struct CatalogueRow {
    std::string kind;            // VICI's "encryption", "integrity", "aead", "prf", "ke"; "ESP packets", "signature", "X.509"
    std::string algorithm;       // the name of model::name_of
    std::string implementation;  // "OpenSSL 3.0.19", "AWS-LC 5.1.0", "ipsec-mb 1.3"
};
const std::vector<CatalogueRow>& catalogue();

// Whether this build can run a transform in an IKE or ESP SA; used to drop offers that we cannot keep.
bool supports(model::Protocol protocol, const model::Transform& transform);

// Does what the libraries do at their first use and takes time: AWS-LC gathers entropy of its own for 30 ms before its first
// signature. May run beside anything else, which then waits no longer than it would have.
void prepare();

// Whether the method's public values may go into IKE_SA_INIT, which cannot be fragmented.
bool fits_first_message(model::Ke method);

}  // namespace cygnet::crypto
