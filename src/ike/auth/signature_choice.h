// How a key of ours signs for a peer: what the local configuration allows, of what the peer can verify as far as it says so.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "ike/auth/auth.h"

namespace cygnet::ike {

// Whether the words after auth = pubkey, rsa/pss-sha384 … allow a scheme, for our own signature or the peer's.
bool scheme_allowed(const crypto::SignatureScheme& scheme, const model::AuthConfig& round);

// How the peer signed; nothing when it cannot be told, which the verification refuses anyway.
std::optional<crypto::SignatureScheme> scheme_of(model::AuthMethod method, ByteView auth_data);

struct SignatureChoice {
    crypto::SignatureScheme scheme{};
    model::AuthMethod method = model::AuthMethod::digital_signature;
    std::size_t place = 0;  // among the peer's announcements
    const char* why = "";   // for the log
};

// RFC 9593: the first of the peer's announcements that a key of this type can follow, with a certificate below these CAs (the
// hashes of CERTREQ). A link to one of the peer's CAs means nothing if it requested none.
std::optional<SignatureChoice> choose_announced(crypto::KeyType type, const model::AuthConfig& local, const PeerHints& hints,
                                                std::span<const Announcement> announced, std::span<const Bytes> authorities);

// For a peer that announces nothing: RFC 7427 if it says so, else the methods before it.
std::optional<SignatureChoice> choose_signature(crypto::KeyType type, const model::AuthConfig& local, const PeerHints& hints);

// What the peer said about hashes, for operators.
std::string hashes_text(const PeerHints& hints);

}  // namespace cygnet::ike
