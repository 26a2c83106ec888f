// Why something failed, for the people who run it: what is wrong, both sides beside each other, and what to change.
#pragma once

#include <string>

#include "base/result.h"

namespace cygnet::inline base {

struct Explanation {
    const char* kind = "other";  // a static word for programs: "proposals", "identity", "secret" …
    std::string what{};          // "no IKE proposal in common"
    std::string ours{};          // what this side has, wants or says; empty: of no matter
    std::string theirs{};        // the peer's; empty: it did not say
    std::string advice{};        // "add aes256-sha256-x25519 to connections.gw.proposals"

    // "no IKE proposal in common (here: …; the peer: …): add …"
    std::string sentence() const;
    bool operator==(const Explanation&) const = default;
};

// The error with the explanation attached; its detail is the sentence.
Error explained(Error error, Explanation why);

// What an error explains; one that explains nothing becomes its own text.
Explanation explanation_of(const Error& error);

}  // namespace cygnet::inline base
